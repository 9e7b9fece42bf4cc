-- What an import writes comes into the log some hundred tuples a row. Such a row has the operation
-- 'write', the type of all its objects, the ordinal of its last tuple, and empty names; `batch` has
-- the tuples, a line each: see src/storage/log-batches.ts.
ALTER TABLE tuple_change ADD COLUMN batch text COLLATE "C", ADD COLUMN batch_size integer;
