import type { Revision, StoreId } from '../ids.js';
import type { AttributesChange, StoreChange } from '../tuple/attributes.js';
import type { JsonObject, TupleChange } from '../tuple/tuple.js';
import type { Row, Session, SqlValue } from './database.js';
import { parseBatch } from './log-batches.js';
import { TUPLE_COLUMNS, dateOf, keyOf, numberOf, revisionOf, textOf, tupleOf } from './rows.js';

/** The place of an entry in a store's log; the log is ordered by it. */
export interface LogPosition {
  readonly revision: number;
  readonly ordinal: number;
}

export interface LogEntry extends LogPosition {
  readonly change: TupleChange;
  readonly changedAt: Date;
}

const COLUMNS = ['revision', 'ordinal', 'operation', 'batch_size', ...TUPLE_COLUMNS].join(', ');
/** How many changes a row holds. */
const SIZE = 'coalesce(batch_size, 1)';

const tupleChangeOf = (row: Row): TupleChange =>
  textOf(row, 'operation') === 'write'
    ? { operation: 'write', tuple: tupleOf(row) }
    : { operation: 'delete', tuple: keyOf(row) };

const attributesChangeOf = (row: Row): AttributesChange => ({
  operation: 'attributes',
  entity: { type: textOf(row, 'object_type'), id: textOf(row, 'object_id') },
  attributes: (row['attributes'] ?? undefined) as JsonObject | undefined,
});

const changeOf = (row: Row): StoreChange =>
  textOf(row, 'operation') === 'attributes' ? attributesChangeOf(row) : tupleChangeOf(row);

const batchOf = (row: Row): readonly TupleChange[] =>
  parseBatch(textOf(row, 'batch')).map((tuple) => ({ operation: 'write', tuple }));

const isBatch = (row: Row): boolean => row['batch_size'] !== null;

const positionOf = (row: Row): LogPosition => ({
  revision: revisionOf(row, 'revision'),
  ordinal: numberOf(row, 'ordinal'),
});

function entriesOf(row: Row): readonly LogEntry[] {
  const { revision, ordinal } = positionOf(row);
  const changedAt = dateOf(row, 'changed_at');
  const changes = isBatch(row) ? batchOf(row) : [tupleChangeOf(row)];
  const first = ordinal - changes.length + 1;
  return changes.map((change, i) => ({ revision, ordinal: first + i, changedAt, change }));
}

/** Of the log in one reading, for what is wanted of it: some milliseconds. */
const ROWS_PER_WALK = 5000;

export interface LogPage {
  readonly entries: readonly LogEntry[];
  /** Where to go on when the reading ended before the page was full or the log at its end. */
  readonly walkedTo: LogPosition | undefined;
}

/**
 * A page of the tuples' part of the log after a position, for readers of changes. The log is walked
 * to find what is wanted, a bounded piece at a time: an index by type would cost every write more
 * than it saves those who ask so. Batches are unpacked only as far as the page goes; of the first
 * row, some of which may lie before the position, nothing is counted on.
 */
export async function readChanges(
  session: Session,
  storeId: StoreId,
  page: { readonly after: LogPosition; readonly limit: number; readonly objectType?: string },
  rowsPerWalk = ROWS_PER_WALK,
): Promise<LogPage> {
  const { after, limit, objectType } = page;
  const values: SqlValue[] = [storeId, after.revision, after.ordinal, limit, rowsPerWalk];
  if (objectType !== undefined) values.push(objectType);
  const rows = await session.query(
    `SELECT ${COLUMNS}, changed_at, place, is_wanted,
       CASE WHEN is_wanted AND coalesce(before, 0) < $4 THEN batch END AS batch
     FROM (
       SELECT walked.*, sum(CASE WHEN is_wanted AND place > 1 THEN ${SIZE} END) OVER (
         ORDER BY revision, ordinal ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
       FROM (
         SELECT ${COLUMNS}, changed_at, batch, row_number() OVER (ORDER BY revision, ordinal) AS place,
           operation <> 'attributes' ${objectType === undefined ? '' : 'AND object_type = $6'}
             AS is_wanted
         FROM tuple_change WHERE store_id = $1 AND (revision, ordinal) > ($2, $3)
         ORDER BY revision, ordinal LIMIT $5) AS walked) AS counted
     WHERE is_wanted OR place = $5
     ORDER BY revision, ordinal LIMIT $4`,
    values,
  );
  const entries: LogEntry[] = [];
  for (const row of rows) {
    if (row['is_wanted'] !== true || entries.length >= limit) continue;
    entries.push(...entriesOf(row).filter((entry) => isBehind(entry, after)));
  }
  const last = rows.at(-1);
  const isAtBound = last !== undefined && numberOf(last, 'place') === rowsPerWalk;
  return {
    entries: entries.slice(0, limit),
    walkedTo: isAtBound && entries.length < limit ? positionOf(last) : undefined,
  };
}

const isBehind = (entry: LogPosition, { revision, ordinal }: LogPosition): boolean =>
  entry.revision > revision || entry.ordinal > ordinal;

/**
 * The position just before the first change at or after a time; undefined when there is none. LOG
 * TIME NEVER RUNS BACKWARDS, so it is found by halving: all up to `low` is earlier, nothing from
 * `high` on is.
 */
export async function positionBefore(
  session: Session,
  storeId: StoreId,
  time: Date,
): Promise<LogPosition | undefined> {
  const [row] = await session.query(
    `WITH RECURSIVE search (low, high) AS (
       SELECT 0::bigint, head_revision + 1 FROM store WHERE store_id = $1
       UNION ALL
       SELECT CASE WHEN is_early THEN middle ELSE low END,
         CASE WHEN is_early THEN high ELSE middle END
       FROM search
       CROSS JOIN LATERAL (SELECT (low + high) / 2 AS middle) AS half
       CROSS JOIN LATERAL (SELECT coalesce((
         SELECT changed_at < $2 FROM tuple_change
         WHERE store_id = $1 AND revision <= middle ORDER BY revision DESC LIMIT 1
       ), true) AS is_early) AS look
       WHERE low + 1 < high
     )
     SELECT first.revision, first.ordinal, first.size
     FROM (SELECT high FROM search WHERE low + 1 >= high) AS found
     CROSS JOIN LATERAL (
       SELECT revision, ordinal, ${SIZE} AS size FROM tuple_change
       WHERE store_id = $1 AND revision >= high ORDER BY revision, ordinal LIMIT 1
     ) AS first`,
    [storeId, time],
  );
  if (row === undefined) return undefined;
  const { revision, ordinal } = positionOf(row);
  return { revision, ordinal: ordinal - numberOf(row, 'size') };
}

export interface LoggedRevision {
  readonly revision: Revision;
  readonly changes: readonly StoreChange[];
}

/** Of one reading of revisions; a revision with more is read whole all the same. */
const CHANGES_PER_READING = 20_000;

/**
 * Whole revisions after the given one, in order: at most `limit` of them, and no more than come to
 * `maxChanges` changes, unless the first alone has more.
 */
export async function readRevisions(
  session: Session,
  storeId: StoreId,
  after: Revision,
  limit: number,
  maxChanges = CHANGES_PER_READING,
): Promise<readonly LoggedRevision[]> {
  const rows = await session.query(
    `SELECT ${COLUMNS}, batch, attributes FROM tuple_change
     WHERE store_id = $1 AND revision > $2 AND revision <= coalesce((
       SELECT greatest(revision - 1, $2 + 1) FROM (
         SELECT revision, ordinal,
           sum(${SIZE}) OVER (ORDER BY revision, ordinal ROWS UNBOUNDED PRECEDING) AS up_to_here
         FROM tuple_change WHERE store_id = $1 AND revision > $2 AND revision <= $3
       ) AS counted WHERE up_to_here > $4 ORDER BY revision, ordinal LIMIT 1
     ), $3) ORDER BY revision, ordinal`,
    [storeId, after, after + limit, maxChanges],
  );
  const revisions: { readonly revision: Revision; readonly changes: StoreChange[] }[] = [];
  for (const row of rows) {
    const revision = revisionOf(row, 'revision');
    const last = revisions.at(-1);
    const changes = isBatch(row) ? batchOf(row) : [changeOf(row)];
    if (last?.revision === revision) last.changes.push(...changes);
    else revisions.push({ revision, changes: [...changes] });
  }
  return revisions;
}
