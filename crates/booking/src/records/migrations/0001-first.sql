-- 0001 EXPAND: the first schema. Instants are UTC microseconds, local dates yyyymmdd, ids 16 bytes.
-- "clustered" marks tables whose rows live in the order of their primary key, where an engine can do that.

-- Documents that are data of the jurisdiction: itself, products, rules of several authorities, questions.
CREATE TABLE document (
  kind TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL, body TEXT NOT NULL, imported_at BIGINT NOT NULL,
  PRIMARY KEY (kind, name, version)
);

CREATE TABLE clinic (
  id BYTEA PRIMARY KEY, source_id TEXT NOT NULL, name TEXT NOT NULL, street TEXT, city TEXT, state TEXT, zip TEXT,
  county TEXT, phone TEXT, latitude DOUBLE PRECISION, longitude DOUBLE PRECISION, zone TEXT NOT NULL, hours TEXT,
  notes TEXT, made TEXT NOT NULL, demonstration BIGINT NOT NULL, changed_at BIGINT NOT NULL
) /* clustered */;
CREATE UNIQUE INDEX clinic_source ON clinic (source_id);

CREATE TABLE zip (zip TEXT PRIMARY KEY, city TEXT NOT NULL, state TEXT NOT NULL, latitude DOUBLE PRECISION NOT NULL, longitude DOUBLE PRECISION NOT NULL) /* clustered */;

CREATE TABLE session (
  id BYTEA PRIMARY KEY, clinic BYTEA NOT NULL, date BIGINT NOT NULL, product BIGINT NOT NULL, published_at BIGINT NOT NULL
) /* clustered */;

-- The id begins with the start, so rows lie in the order of time: finding what is to come reads one range.
CREATE TABLE slot (
  id BYTEA PRIMARY KEY, clinic BYTEA NOT NULL, session BYTEA NOT NULL, product BIGINT NOT NULL, date BIGINT NOT NULL,
  starts_at BIGINT NOT NULL, ends_at BIGINT NOT NULL, capacity BIGINT NOT NULL, held BIGINT NOT NULL, booked BIGINT NOT NULL,
  CONSTRAINT never_over_capacity CHECK (held >= 0 AND booked >= 0 AND held + booked <= capacity)
) /* clustered */;

-- entries: the slots' ids one after the other.
CREATE TABLE hold (
  id BYTEA PRIMARY KEY, status TEXT NOT NULL, entries BYTEA NOT NULL, placed_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,
  extensions_left BIGINT NOT NULL
) /* clustered */;
CREATE INDEX hold_live ON hold (expires_at) WHERE status = 'held';

CREATE TABLE resident (id BYTEA PRIMARY KEY, personal BYTEA NOT NULL, salt BYTEA NOT NULL) /* clustered */;

-- contacts: keyed hashes of 8 bytes one after the other.
CREATE TABLE appointment (
  id BYTEA PRIMARY KEY, code BIGINT NOT NULL, status TEXT NOT NULL, slot BYTEA NOT NULL, hold BYTEA NOT NULL,
  product BIGINT NOT NULL, series TEXT NOT NULL, dose BIGINT NOT NULL, resident BYTEA NOT NULL, person BYTEA NOT NULL,
  contacts BYTEA NOT NULL, generation BIGINT NOT NULL, possible_duplicate BIGINT NOT NULL, booked_at BIGINT NOT NULL,
  changed_at BIGINT NOT NULL
) /* clustered */;
CREATE UNIQUE INDEX appointment_code ON appointment (code);

-- The guard of one_live_appointment_per_resident_and_dose. A person's rows share a page: person leads the key.
CREATE TABLE live_dose (
  person BYTEA NOT NULL, contact BYTEA NOT NULL, series TEXT NOT NULL, dose BIGINT NOT NULL, appointment BYTEA NOT NULL,
  product BIGINT NOT NULL, date BIGINT NOT NULL, PRIMARY KEY (person, contact, series, dose)
) /* clustered */;

-- body: sealed. subject: ids of what was made or changed.
CREATE TABLE outcome (
  key BYTEA PRIMARY KEY, body_hash BYTEA NOT NULL, status BIGINT NOT NULL, code TEXT, body BYTEA NOT NULL,
  subject BYTEA NOT NULL, at BIGINT NOT NULL
);

CREATE TABLE audit_event (
  chain TEXT NOT NULL, sequence BIGINT NOT NULL, at BIGINT NOT NULL, kind TEXT NOT NULL, subject BYTEA NOT NULL, slot BYTEA,
  count BIGINT NOT NULL, outcome BYTEA, part BIGINT NOT NULL, commitment BYTEA, hash BYTEA NOT NULL,
  PRIMARY KEY (chain, sequence)
) /* clustered */;

CREATE INDEX outcome_at ON outcome (at);

-- One row a commit, in commit order: what followers must look at again.
CREATE TABLE change (sequence BIGINT PRIMARY KEY, at BIGINT NOT NULL, slots BYTEA NOT NULL, clinics BYTEA NOT NULL) /* clustered */;
