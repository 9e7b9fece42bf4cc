-- Who changed what, a chain of hashes for each store. Rows are added and never changed or removed,
-- not even when the store is gone.
CREATE TABLE audit_entry (
  store_id    text COLLATE "C" NOT NULL,
  sequence    bigint NOT NULL,
  recorded_at timestamptz NOT NULL,
  action      text NOT NULL,
  principal   text NOT NULL,
  address     text NOT NULL,
  request_id  text NOT NULL,
  revision    bigint,
  details     json NOT NULL,
  hash        bytea NOT NULL,
  PRIMARY KEY (store_id, sequence)
);

CREATE FUNCTION audit_entry_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'entries of the audit log are never changed or removed';
END $$;
CREATE TRIGGER audit_entry_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
  FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_stays();

-- The last entry of each store's chain. It moves in the transaction that adds entries, and only from
-- what that transaction read, so the chain has no gap and no fork.
ALTER TABLE store
  ADD COLUMN audit_sequence bigint NOT NULL DEFAULT 0,
  ADD COLUMN audit_hash bytea NOT NULL DEFAULT ''::bytea;
