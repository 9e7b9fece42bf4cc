-- Who serves, and how much of what was written each has compiled: see src/operations/rollout.ts.

-- Models of all stores in the order in which they were committed; NULL for those from before.
ALTER TABLE authorization_model ADD COLUMN number bigint;

CREATE TABLE model_number (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  last    bigint  NOT NULL
);
INSERT INTO model_number (last) VALUES (0);

-- Lost with a crash of the database, and written anew a moment later.
CREATE UNLOGGED TABLE server_process (
  process_id  text        PRIMARY KEY,
  started_at  timestamptz NOT NULL,
  seen_at     timestamptz NOT NULL,
  models_seen bigint      NOT NULL
);
