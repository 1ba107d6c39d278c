-- 0008 EXPAND: which jurisdiction's rows these are. Version N-1 does not look here.

-- id: random, given once; whatever lies beside the database on another machine is named by it.
CREATE TABLE identity (one BIGINT PRIMARY KEY, id BYTEA NOT NULL) /* clustered */;
