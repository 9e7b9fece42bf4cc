-- What counts once only, by its digest: assertions of clients and proofs of possession. Unlogged: the
-- rows are worth nothing after minutes, and what a crash takes each process still remembers of its own.
CREATE UNLOGGED TABLE used_once (
  digest     bytea PRIMARY KEY,
  expires_at timestamptz NOT NULL
);
CREATE INDEX used_once_expiry ON used_once (expires_at);
