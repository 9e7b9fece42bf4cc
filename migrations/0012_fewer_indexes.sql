-- What a tuple costs to write is the indexes that it goes into. One serves reads by subject and by
-- relation: a store has few kinds of tuples, and a subject is looked up in each of them.
CREATE INDEX relation_tuple_by_kind ON relation_tuple
  (store_id, relation, object_type, subject_type, subject_id, subject_relation, object_id);
DROP INDEX relation_tuple_by_subject;
DROP INDEX relation_tuple_by_relation;

-- Who asks for changes of one type walks the log, a bounded piece at a time.
DROP INDEX tuple_change_by_type;
