-- Watermarks: of certain tokens that were issued for a store, those up to a moment count for nothing
-- any more. Few and short-lived: by then the tokens have expired.
CREATE TABLE revocation (
  store_id   text COLLATE "C" NOT NULL,
  id         bigint NOT NULL,
  kind       text NOT NULL,
  value      text NOT NULL,
  not_before bigint NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (store_id, id)
);
CREATE INDEX revocation_expiry ON revocation (expires_at);

-- The last id of each store. Whoever adds watermarks holds the row until they can be seen, so that a
-- reader who has seen one has seen all before it.
CREATE TABLE revocation_head (
  store_id text COLLATE "C" PRIMARY KEY,
  last_id  bigint NOT NULL
);
