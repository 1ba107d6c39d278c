-- 0007 EXPAND: finding from a read replica. Version N-1 does not look here.

-- number: counted up by the server of this name, so that whoever reads on a replica knows how old what he reads is.
CREATE TABLE beat (server TEXT PRIMARY KEY, number BIGINT NOT NULL) /* clustered */;
