-- 0004 EXPAND: links that a resident shares with somebody who helps, and when an appointment's own link was sent anew.
-- A server of the version before knows neither: it opens by the appointment's own link alone.

CREATE TABLE shared_link (
  appointment BYTEA NOT NULL, number BIGINT NOT NULL, made_at BIGINT NOT NULL, stopped_at BIGINT, PRIMARY KEY (appointment, number)
) /* clustered */;

ALTER TABLE appointment ADD COLUMN link_sent_at BIGINT;
