-- The schema after all migrations, by table. Written by a test: PEMBA_UPDATE_SCHEMA=1 npm test

CREATE TABLE api_key (
  key_id text COLLATE "C" NOT NULL,
  label text NOT NULL,
  salt bytea NOT NULL,
  proof bytea NOT NULL,
  created_by text NOT NULL,
  created_at timestamp with time zone NOT NULL,
  expires_at timestamp with time zone,
  revoked_at timestamp with time zone,
  CONSTRAINT api_key_pkey PRIMARY KEY (key_id)
);

CREATE TABLE assertion (
  store_id text COLLATE "C" NOT NULL,
  model_id text COLLATE "C" NOT NULL,
  body json NOT NULL,
  CONSTRAINT assertion_pkey PRIMARY KEY (store_id, model_id)
);

CREATE TABLE audit_entry (
  store_id text COLLATE "C" NOT NULL,
  sequence bigint NOT NULL,
  recorded_at timestamp with time zone NOT NULL,
  action text NOT NULL,
  principal text NOT NULL,
  address text NOT NULL,
  request_id text NOT NULL,
  revision bigint,
  details json NOT NULL,
  hash bytea NOT NULL,
  CONSTRAINT audit_entry_pkey PRIMARY KEY (store_id, sequence)
);

CREATE TABLE authorization_model (
  store_id text COLLATE "C" NOT NULL,
  model_id text COLLATE "C" NOT NULL,
  body json NOT NULL,
  created_at timestamp with time zone NOT NULL,
  attachments json,
  metadata json,
  number bigint,
  CONSTRAINT authorization_model_pkey PRIMARY KEY (store_id, model_id)
);

CREATE TABLE entity_attributes (
  store_id text COLLATE "C" NOT NULL,
  object_type text COLLATE "C" NOT NULL,
  object_id text COLLATE "C" NOT NULL,
  attributes json NOT NULL,
  written_at timestamp with time zone NOT NULL,
  CONSTRAINT entity_attributes_pkey PRIMARY KEY (store_id, object_type, object_id)
);

CREATE TABLE model_number (
  is_only boolean NOT NULL DEFAULT true,
  last bigint NOT NULL,
  CONSTRAINT model_number_is_only_check CHECK (is_only),
  CONSTRAINT model_number_pkey PRIMARY KEY (is_only)
);

CREATE TABLE relation_tuple (
  store_id text COLLATE "C" NOT NULL,
  object_type text COLLATE "C" NOT NULL,
  object_id text COLLATE "C" NOT NULL,
  relation text COLLATE "C" NOT NULL,
  subject_type text COLLATE "C" NOT NULL,
  subject_id text COLLATE "C" NOT NULL,
  subject_relation text COLLATE "C" NOT NULL,
  condition_name text COLLATE "C",
  condition_context jsonb,
  expires_at timestamp with time zone,
  written_at timestamp with time zone NOT NULL,
  CONSTRAINT relation_tuple_pkey PRIMARY KEY (store_id, object_type, object_id, relation, subject_type, subject_id, subject_relation)
);
CREATE INDEX relation_tuple_by_kind ON relation_tuple USING btree ((((((((((((((store_id || '	'::text) || relation) || '	'::text) || object_type) || '	'::text) || subject_type) || '	'::text) || subject_id) || '	'::text) || subject_relation) || '	'::text) || object_id)));
CREATE INDEX relation_tuple_expiring ON relation_tuple USING btree (expires_at) WHERE (expires_at IS NOT NULL);

CREATE TABLE revocation (
  store_id text COLLATE "C" NOT NULL,
  id bigint NOT NULL,
  kind text NOT NULL,
  value text NOT NULL,
  not_before bigint NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT revocation_pkey PRIMARY KEY (store_id, id)
);
CREATE INDEX revocation_expiry ON revocation USING btree (expires_at);

CREATE TABLE revocation_head (
  store_id text COLLATE "C" NOT NULL,
  last_id bigint NOT NULL,
  CONSTRAINT revocation_head_pkey PRIMARY KEY (store_id)
);

CREATE TABLE server_process (
  process_id text NOT NULL,
  started_at timestamp with time zone NOT NULL,
  seen_at timestamp with time zone NOT NULL,
  models_seen bigint NOT NULL,
  CONSTRAINT server_process_pkey PRIMARY KEY (process_id)
);

CREATE TABLE setting (
  name text COLLATE "C" NOT NULL,
  value json NOT NULL,
  CONSTRAINT setting_pkey PRIMARY KEY (name)
);

CREATE TABLE signing_key (
  key_id text COLLATE "C" NOT NULL,
  algorithm text NOT NULL,
  created_at timestamp with time zone NOT NULL,
  active_from timestamp with time zone NOT NULL,
  sealed bytea NOT NULL,
  CONSTRAINT signing_key_pkey PRIMARY KEY (key_id)
);

CREATE TABLE store (
  store_id text COLLATE "C" NOT NULL,
  name text NOT NULL,
  head_revision bigint NOT NULL DEFAULT 0,
  newest_model text COLLATE "C",
  created_at timestamp with time zone NOT NULL,
  updated_at timestamp with time zone NOT NULL,
  deleted_at timestamp with time zone,
  token_key bytea NOT NULL DEFAULT decode(replace(((gen_random_uuid())::text || (gen_random_uuid())::text), '-'::text, ''::text), 'hex'::text),
  audit_sequence bigint NOT NULL DEFAULT 0,
  audit_hash bytea NOT NULL DEFAULT '\x'::bytea,
  CONSTRAINT store_pkey PRIMARY KEY (store_id)
);
CREATE INDEX store_by_name ON store USING btree (name, store_id) WHERE (deleted_at IS NULL);
CREATE INDEX store_deleted ON store USING btree (deleted_at) WHERE (deleted_at IS NOT NULL);

CREATE TABLE tuple_change (
  store_id text COLLATE "C" NOT NULL,
  revision bigint NOT NULL,
  ordinal integer NOT NULL,
  operation text NOT NULL,
  object_type text COLLATE "C" NOT NULL,
  object_id text COLLATE "C" NOT NULL,
  relation text COLLATE "C" NOT NULL,
  subject_type text COLLATE "C" NOT NULL,
  subject_id text COLLATE "C" NOT NULL,
  subject_relation text COLLATE "C" NOT NULL,
  condition_name text COLLATE "C",
  condition_context jsonb,
  expires_at timestamp with time zone,
  changed_at timestamp with time zone NOT NULL,
  attributes json,
  batch text COLLATE "C",
  batch_size integer,
  CONSTRAINT tuple_change_operation_check CHECK ((operation = ANY (ARRAY['write'::text, 'delete'::text, 'attributes'::text]))),
  CONSTRAINT tuple_change_pkey PRIMARY KEY (store_id, revision, ordinal)
);

CREATE TABLE used_once (
  digest bytea NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT used_once_pkey PRIMARY KEY (digest)
);
CREATE INDEX used_once_expiry ON used_once USING btree (expires_at);

CREATE OR REPLACE FUNCTION audit_entry_stays()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
  RAISE EXCEPTION 'entries of the audit log are never changed or removed';
END $function$
;
CREATE TRIGGER audit_entry_stays BEFORE DELETE OR UPDATE OR TRUNCATE ON audit_entry FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_stays();
