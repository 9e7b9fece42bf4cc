/** A chunk of what is not stored yet, by COPY straight into its tables and into the log. */
import type pg from 'pg';
import type { Revision, StoreId } from '../ids.js';
import type { ChunkRows, EntityRow, TupleRow } from './chunk-rows.js';
import { copyInto } from './copy-in.js';
import { escapeSpaced, formatSpacedLine } from './copy-text.js';
import { runsOf } from './log-batches.js';
import type { LogRun } from './log-batches.js';
import { TUPLE_COLUMNS, tupleValues } from './rows.js';

export const COLUMNS = TUPLE_COLUMNS.join(', ');
export const ENTITY = 'object_type, object_id';
export const LOG_START = 'store_id, changed_at, revision, operation';
/** What an entry about attributes leaves empty. */
export const NO_TUPLE = 'relation, subject_type, subject_id, subject_relation';

/** The text of a key is its columns as they stand. */
export const COPY_FORMAT = `(DELIMITER ' ')`;

const copyTuples = `COPY relation_tuple (store_id, written_at, ${COLUMNS})
  FROM STDIN ${COPY_FORMAT}`;
const copyAttributes = `COPY entity_attributes (store_id, written_at, ${ENTITY}, attributes)
  FROM STDIN ${COPY_FORMAT}`;
const copyLog = `COPY tuple_change (${LOG_START}, ordinal, batch_size, batch, ${COLUMNS})
  FROM STDIN ${COPY_FORMAT}`;
const copyAttributesLog = `COPY tuple_change
  (${LOG_START}, ${NO_TUPLE}, ordinal, ${ENTITY}, attributes) FROM STDIN ${COPY_FORMAT}`;

export async function copyNew(
  client: pg.ClientBase,
  storeId: StoreId,
  { tuples, entities }: ChunkRows,
  now: Date,
): Promise<void> {
  const start = `${storeId} ${now.toISOString()} `;
  await copyInto(client, copyTuples, tuples, (row) => start + tupleLine(row));
  await copyInto(client, copyAttributes, entities, (row) => start + entityLine(row));
}

export async function logNew(
  client: pg.ClientBase,
  storeId: StoreId,
  { tuples, entities }: ChunkRows,
  { revision, at }: { readonly revision: Revision; readonly at: Date },
): Promise<void> {
  const start = `${storeId} ${at.toISOString()} ${revision}`;
  const ofTuples = `${start} write `;
  await copyInto(client, copyLog, [...runsOf(tuples)], (run) => ofTuples + runLine(run));
  const ofEntity = `${start} attributes     `;
  await copyInto(client, copyAttributesLog, entities, (row, i) => {
    return `${ofEntity}${tuples.length + i} ${entityLine(row)}`;
  });
}

/** In the order of TUPLE_COLUMNS; of what names hold, only a backslash is special. */
export const tupleLine = ({ key, tuple }: TupleRow): string =>
  tuple === undefined
    ? `${key.includes('\\') ? key.replaceAll('\\', '\\\\') : key} \\N \\N \\N\n`
    : formatSpacedLine(tupleValues(tuple));

export const entityLine = ({ content: { entity, attributes } }: EntityRow): string =>
  formatSpacedLine([entity.type, entity.id, JSON.stringify(attributes)]);

function runLine({ rows, ordinal }: LogRun): string {
  const [first] = rows;
  if (first === undefined) return '';
  if (rows.length === 1) return `${ordinal} \\N \\N ${tupleLine(first)}`;
  const batch = escapeSpaced(rows.map(({ key }) => key).join('\n'));
  const type = first.key.slice(0, first.key.indexOf(' '));
  return `${ordinal} ${rows.length} ${batch} ${type}      \\N \\N \\N\n`;
}
