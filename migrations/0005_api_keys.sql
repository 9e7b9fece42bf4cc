-- Keys of callers, of the deployment as a whole. Whether a key is live, and what it may do, are
-- tuples of the system store: a row here is its name, and the proof of its secret.
CREATE TABLE api_key (
  key_id     text COLLATE "C" NOT NULL,
  label      text NOT NULL,
  salt       bytea NOT NULL,
  proof      bytea NOT NULL,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  revoked_at timestamptz,
  PRIMARY KEY (key_id)
);
