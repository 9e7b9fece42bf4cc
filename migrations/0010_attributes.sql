-- Attributes of entities, what conditions see as `subject` and `resource`. json, not jsonb: they are
-- never looked into here, and are kept as they were written, whatever their strings hold.
CREATE TABLE entity_attributes (
  store_id    text COLLATE "C" NOT NULL,
  object_type text COLLATE "C" NOT NULL,
  object_id   text COLLATE "C" NOT NULL,
  attributes  json NOT NULL,
  written_at  timestamptz NOT NULL,
  PRIMARY KEY (store_id, object_type, object_id)
);

-- They change in the same log, at revisions of the same row of numbers. An entry of theirs leaves
-- relation and subject empty, and has no attributes when there are none any more.
ALTER TABLE tuple_change
  ADD COLUMN attributes json,
  DROP CONSTRAINT tuple_change_operation_check,
  ADD CONSTRAINT tuple_change_operation_check
    CHECK (operation IN ('write', 'delete', 'attributes'));
