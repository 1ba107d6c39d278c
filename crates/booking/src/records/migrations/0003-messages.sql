-- 0003 EXPAND: messages that wait to be sent, and how often an appointment has changed. Version N-1 knows neither: it
-- writes no message, and leaves `sequence` as it is, NULL where it made the row (read as the seconds of its last change).
ALTER TABLE appointment ADD COLUMN sequence BIGINT;

-- id: a number that grows in commit order (8 bytes), then chance: the order of ids is the order of what happened.
-- state: waiting, delivered, dead. due_at: when it may be tried; while one tries, when that is over. claim: who tries.
-- address: keyed hash. appointments: ids one after the other. payload: sealed, empty once delivered.
-- tried_at: of the first attempt. last: what became of the last one.
CREATE TABLE outbox (
  id BYTEA PRIMARY KEY, occasion TEXT NOT NULL, state TEXT NOT NULL, address BYTEA NOT NULL, appointments BYTEA NOT NULL,
  payload BYTEA NOT NULL, made_at BIGINT NOT NULL, due_at BIGINT NOT NULL, claim BYTEA, attempts BIGINT NOT NULL,
  tried_at BIGINT, last TEXT, ended_at BIGINT
) /* clustered */;
CREATE INDEX outbox_due ON outbox (due_at) WHERE state = 'waiting';
CREATE INDEX outbox_address ON outbox (address, id) WHERE state = 'waiting';
CREATE INDEX outbox_dead ON outbox (id) WHERE state = 'dead';
CREATE INDEX outbox_ended ON outbox (ended_at) WHERE state = 'delivered';

-- One row for each copy that may have reached an address: what a limit on mails counts.
CREATE TABLE outbox_copy (address BYTEA NOT NULL, at BIGINT NOT NULL, message BYTEA NOT NULL, PRIMARY KEY (address, at, message)) /* clustered */;
CREATE INDEX outbox_copy_at ON outbox_copy (at);
