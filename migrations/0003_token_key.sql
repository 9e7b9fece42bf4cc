-- What a store's consistency and page tokens are authenticated with. The default is volatile, so
-- each row gets a key of its own, those that are there already too; 244 of the bits are random.
-- The keys are data: whatever dumps, restores or copies a store takes its tokens along, every
-- process reads the same, and nobody has a secret to configure.
ALTER TABLE store ADD COLUMN token_key bytea NOT NULL
  DEFAULT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');

-- For the list of all stores, which belongs to none of them. Also in hex.
INSERT INTO setting (name, value)
VALUES ('token_key', to_json(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')));
