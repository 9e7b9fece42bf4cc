-- Keys that permits and transaction tokens are signed with, of the deployment as a whole. Which of
-- them signs when follows from the times that stand here; see src/delegation/key-schedule.ts. The
-- private key is sealed under the master key, which is not in the database.
CREATE TABLE signing_key (
  key_id      text COLLATE "C" NOT NULL,
  algorithm   text NOT NULL,
  created_at  timestamptz NOT NULL,
  active_from timestamptz NOT NULL,
  sealed      bytea NOT NULL,
  PRIMARY KEY (key_id)
);
