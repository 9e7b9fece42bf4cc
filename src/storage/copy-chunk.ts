/** A chunk of what is not stored yet, by COPY straight into its tables and into the log. */
import type pg from 'pg';
import type { Revision, StoreId } from '../ids.js';
import type { EntityAttributes } from '../tuple/attributes.js';
import type { ChunkRows, EntityRow, TupleRow } from './chunk-rows.js';
import { copyInto } from './copy-in.js';
import { escapeBackslashes, formatCopyLine, formatSpacedLine } from './copy-text.js';
import { runsOf } from './log-batches.js';
import type { LogRun } from './log-batches.js';
import { TUPLE_COLUMNS, keyOfText, tupleValues } from './rows.js';

const COLUMNS = TUPLE_COLUMNS.join(', ');
const ENTITY = 'object_type, object_id';
const LOG_START = 'store_id, changed_at, revision, operation';
/** What an entry about attributes leaves empty. */
const NO_TUPLE = 'relation, subject_type, subject_id, subject_relation';

/** Of tuples and attributes: the text of a key is its columns as they stand. */
const COPY_FORMAT = `(DELIMITER ' ')`;

const copyTuples = `COPY relation_tuple (store_id, written_at, ${COLUMNS})
  FROM STDIN ${COPY_FORMAT}`;
const copyAttributes = `COPY entity_attributes (store_id, written_at, ${ENTITY}, attributes)
  FROM STDIN ${COPY_FORMAT}`;
/** The log's columns have tabs between them, so batches need no escaping. */
const copyLog = `COPY tuple_change (${LOG_START}, ordinal, batch_size, batch, ${COLUMNS})
  FROM STDIN`;
const copyAttributesLog = `COPY tuple_change
  (${LOG_START}, ${NO_TUPLE}, ordinal, ${ENTITY}, attributes) FROM STDIN`;

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
  const start = `${storeId}\t${at.toISOString()}\t${revision}`;
  const ofTuples = `${start}\twrite\t`;
  await copyInto(client, copyLog, [...runsOf(tuples)], (run) => ofTuples + runLine(run));
  const ofEntity = `${start}\tattributes\t\t\t\t\t`;
  await copyInto(client, copyAttributesLog, entities, ({ content }, i) => {
    return `${ofEntity}${tuples.length + i}\t${formatCopyLine(entityValues(content))}`;
  });
}

/** In the order of TUPLE_COLUMNS. */
const tupleLine = ({ key, tuple }: TupleRow): string =>
  tuple === undefined
    ? `${escapeBackslashes(key)} \\N \\N \\N\n`
    : formatSpacedLine(tupleValues(tuple));

const entityLine = ({ content }: EntityRow): string => formatSpacedLine(entityValues(content));

const entityValues = ({ entity, attributes }: EntityAttributes): readonly string[] => [
  entity.type,
  entity.id,
  JSON.stringify(attributes),
];

function runLine({ rows, ordinal }: LogRun): string {
  const [first] = rows;
  if (first === undefined) return '';
  if (rows.length === 1) {
    const values = tupleValues(first.tuple ?? keyOfText(first.key));
    return `${ordinal}\t\\N\t\\N\t${formatCopyLine(values)}`;
  }
  const batch = rows.map(({ key }) => escapeBackslashes(key)).join('\\n');
  const type = first.key.slice(0, first.key.indexOf(' '));
  return `${ordinal}\t${rows.length}\t${batch}\t${type}\t\t\t\t\t\t\\N\t\\N\t\\N\n`;
}
