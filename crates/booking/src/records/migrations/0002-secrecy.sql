-- 0002 EXPAND: keys of sealed values. resident.personal holds salt and details, sealed; the salt column stays and is
-- empty. MIGRATE: the reconciler `resealing` seals rows of 0.1, which are JSON in clear with the salt beside them.

-- Keys that values of this database are sealed with. The greatest number is in force: whoever writes seals with it.
-- mark: a hash that tells a key from another of the same number.
CREATE TABLE sealing_key (id BIGINT PRIMARY KEY, mark BYTEA NOT NULL, since BIGINT NOT NULL) /* clustered */;

-- How far each sealed column has come since the key in force was declared: rows up to `reached` are done, `until` is the last
-- one there was then. Later rows are sealed with it anyway.
CREATE TABLE resealing (
  place TEXT PRIMARY KEY, key BIGINT NOT NULL, reached BYTEA NOT NULL, until BYTEA NOT NULL, total BIGINT NOT NULL,
  done BIGINT NOT NULL, finished_at BIGINT
) /* clustered */;

-- Few rows ever: found without reading the chains.
CREATE INDEX audit_gap ON audit_event (chain, sequence) WHERE kind = 'gap-found';
