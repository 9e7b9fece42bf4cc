/** A chunk of what is not stored yet, by COPY straight into its tables and into the log. */
import type pg from 'pg';
import type { Revision, StoreId } from '../ids.js';
import type { ChunkRows } from './chunk-rows.js';
import { copyInto } from './copy-in.js';
import { TUPLE_COLUMNS } from './rows.js';

export const COLUMNS = TUPLE_COLUMNS.join(', ');
export const ENTITY = 'object_type, object_id';
export const LOG_START = 'store_id, changed_at, revision, operation';
/** What an entry about attributes leaves empty. */
export const NO_TUPLE = 'relation, subject_type, subject_id, subject_relation';

const copyTuples = `COPY relation_tuple (store_id, written_at, ${COLUMNS}) FROM STDIN`;
const copyAttributes = `COPY entity_attributes
  (store_id, written_at, ${ENTITY}, attributes) FROM STDIN`;
const copyLog = `COPY tuple_change (${LOG_START}, ordinal, ${COLUMNS}) FROM STDIN`;
const copyAttributesLog = `COPY tuple_change
  (${LOG_START}, ${NO_TUPLE}, ordinal, ${ENTITY}, attributes) FROM STDIN`;

export async function copyNew(
  client: pg.ClientBase,
  storeId: StoreId,
  { tuples, entities }: ChunkRows,
  now: Date,
): Promise<void> {
  const start = `${storeId}\t${now.toISOString()}\t`;
  await copyInto(client, copyTuples, tuples, ({ line }) => start + line);
  await copyInto(client, copyAttributes, entities, ({ line }) => start + line);
}

export async function logNew(
  client: pg.ClientBase,
  storeId: StoreId,
  { tuples, entities }: ChunkRows,
  { revision, at }: { readonly revision: Revision; readonly at: Date },
): Promise<void> {
  const start = `${storeId}\t${at.toISOString()}\t${revision}`;
  const ofTuple = `${start}\twrite\t`;
  await copyInto(client, copyLog, tuples, ({ line }, i) => `${ofTuple}${i}\t${line}`);
  const ofEntity = `${start}\tattributes\t\t\t\t\t`;
  await copyInto(client, copyAttributesLog, entities, ({ line }, i) => {
    return `${ofEntity}${tuples.length + i}\t${line}`;
  });
}
