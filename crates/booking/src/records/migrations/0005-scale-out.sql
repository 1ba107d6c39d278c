-- 0005 EXPAND: for several writers at once. Version N-1 writes alone, and never reads this.

-- The next number of a code that nobody has taken: a server takes many at once. One row, made with the first taking.
CREATE TABLE code_block (one BIGINT PRIMARY KEY, next BIGINT NOT NULL) /* clustered */;
