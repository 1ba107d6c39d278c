-- 0006 EXPAND: a jurisdiction that moves to another database. One row in each of the two while it does, under one id.
-- Whoever writes looks here first. Version N-1 does not: no server of it may run while a jurisdiction moves.

-- state: filling, ready (the new one); paused, left (the old one). other: the database at the other end, without its
-- password. at: when booking was paused, or the filling began.
CREATE TABLE relocation (one BIGINT PRIMARY KEY, id BYTEA NOT NULL, state TEXT NOT NULL, other TEXT NOT NULL, at BIGINT NOT NULL) /* clustered */;
