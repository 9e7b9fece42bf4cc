-- Every primary key begins with the store, and no statement on the way of a write or a read joins
-- or locks across stores: the tables can be distributed by store_id as they are.
-- Names and ids compare by code point ("C"): the order of pages must not depend on a locale.

CREATE TABLE store (
  store_id      text COLLATE "C" NOT NULL,
  name          text NOT NULL,
  head_revision bigint NOT NULL DEFAULT 0,
  newest_model  text COLLATE "C",
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL,
  deleted_at    timestamptz,
  PRIMARY KEY (store_id)
);
CREATE INDEX store_by_name ON store (name, store_id) WHERE deleted_at IS NULL;
CREATE INDEX store_deleted ON store (deleted_at) WHERE deleted_at IS NOT NULL;

-- The body is json, not jsonb: the order of a developer's relations is kept.
CREATE TABLE authorization_model (
  store_id   text COLLATE "C" NOT NULL,
  model_id   text COLLATE "C" NOT NULL,
  body       json NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (store_id, model_id)
);

CREATE TABLE assertion (
  store_id text COLLATE "C" NOT NULL,
  model_id text COLLATE "C" NOT NULL,
  body     json NOT NULL,
  PRIMARY KEY (store_id, model_id)
);

-- subject_relation is '' unless the subject is a userset; a wildcard has the subject_id '*'.
CREATE TABLE relation_tuple (
  store_id          text COLLATE "C" NOT NULL,
  object_type       text COLLATE "C" NOT NULL,
  object_id         text COLLATE "C" NOT NULL,
  relation          text COLLATE "C" NOT NULL,
  subject_type      text COLLATE "C" NOT NULL,
  subject_id        text COLLATE "C" NOT NULL,
  subject_relation  text COLLATE "C" NOT NULL,
  condition_name    text COLLATE "C",
  condition_context jsonb,
  expires_at        timestamptz,
  written_at        timestamptz NOT NULL,
  PRIMARY KEY (store_id, object_type, object_id, relation, subject_type, subject_id, subject_relation)
);
CREATE INDEX relation_tuple_by_subject ON relation_tuple
  (store_id, subject_type, subject_id, subject_relation, relation, object_type, object_id);
CREATE INDEX relation_tuple_by_relation ON relation_tuple
  (store_id, relation, object_type, object_id, subject_type, subject_id, subject_relation);
CREATE INDEX relation_tuple_expiring ON relation_tuple (expires_at) WHERE expires_at IS NOT NULL;

-- The change log. Revisions of a store are 1, 2, 3 … without a gap, each with at least one change.
CREATE TABLE tuple_change (
  store_id          text COLLATE "C" NOT NULL,
  revision          bigint NOT NULL,
  ordinal           integer NOT NULL,
  operation         text NOT NULL CHECK (operation IN ('write', 'delete')),
  object_type       text COLLATE "C" NOT NULL,
  object_id         text COLLATE "C" NOT NULL,
  relation          text COLLATE "C" NOT NULL,
  subject_type      text COLLATE "C" NOT NULL,
  subject_id        text COLLATE "C" NOT NULL,
  subject_relation  text COLLATE "C" NOT NULL,
  condition_name    text COLLATE "C",
  condition_context jsonb,
  expires_at        timestamptz,
  changed_at        timestamptz NOT NULL,
  PRIMARY KEY (store_id, revision, ordinal)
);
CREATE INDEX tuple_change_by_type ON tuple_change (store_id, object_type, revision, ordinal);
CREATE INDEX tuple_change_by_time ON tuple_change (store_id, changed_at, revision, ordinal);

-- Facts about this deployment as a whole, such as whether the example store was made.
CREATE TABLE setting (
  name  text COLLATE "C" NOT NULL,
  value json NOT NULL,
  PRIMARY KEY (name)
);
