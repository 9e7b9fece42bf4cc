/** A chunk of what is not stored yet, by COPY straight into its tables and into the log. */
import type pg from 'pg';
import type { Revision, StoreId } from '../ids.js';
import type { ChunkRows } from './chunk-rows.js';
import { copyInto } from './copy-in.js';
import { formatCopyLine } from './copy-text.js';
import { batchLengths, formatBatch } from './log-batches.js';
import { TUPLE_COLUMNS } from './rows.js';

export const COLUMNS = TUPLE_COLUMNS.join(', ');
export const ENTITY = 'object_type, object_id';
export const LOG_START = 'store_id, changed_at, revision, operation';
/** What an entry about attributes leaves empty. */
export const NO_TUPLE = 'relation, subject_type, subject_id, subject_relation';

const copyTuples = `COPY relation_tuple (store_id, written_at, ${COLUMNS}) FROM STDIN`;
const copyAttributes = `COPY entity_attributes
  (store_id, written_at, ${ENTITY}, attributes) FROM STDIN`;
const copyLog = `COPY tuple_change
  (${LOG_START}, ordinal, batch_size, batch, ${COLUMNS}) FROM STDIN`;
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
  await copyInto(client, copyLog, runsOf(tuples), (run) => `${start}\twrite\t${runLine(run)}`);
  const ofEntity = `${start}\tattributes\t\t\t\t\t`;
  await copyInto(client, copyAttributesLog, entities, ({ line }, i) => {
    return `${ofEntity}${tuples.length + i}\t${line}`;
  });
}

type TupleRow = ChunkRows['tuples'][number];

/** What becomes a row of the log: a batch, or one tuple. */
interface Run {
  readonly rows: readonly TupleRow[];
  /** Of its last. */
  readonly ordinal: number;
}

function runsOf(tuples: readonly TupleRow[]): readonly Run[] {
  let end = 0;
  return batchLengths(tuples.map(({ content }) => content)).map((length) => {
    const rows = tuples.slice(end, end + length);
    end += length;
    return { rows, ordinal: end - 1 };
  });
}

function runLine({ rows: [first, ...more], ordinal }: Run): string {
  if (first === undefined) return '';
  if (more.length === 0) return `${ordinal}\t\\N\t\\N\t${first.line}`;
  const contents = [first, ...more].map(({ content }) => content);
  const columns = [String(ordinal), String(contents.length), formatBatch(contents)];
  const names = [first.content.object.type, '', '', '', '', ''];
  return formatCopyLine([...columns, ...names, null, null, null]);
}
