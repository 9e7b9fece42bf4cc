import type { Revision, StoreId } from '../ids.js';
import type { AttributesChange, StoreChange } from '../tuple/attributes.js';
import type { JsonObject, TupleChange } from '../tuple/tuple.js';
import type { Row, Session, SqlValue } from './database.js';
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

const COLUMNS = ['revision', 'ordinal', 'operation', 'changed_at', ...TUPLE_COLUMNS].join(', ');

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

const entryOf = <Change>(
  row: Row,
  read: (row: Row) => Change,
): LogPosition & { readonly change: Change; readonly changedAt: Date } => ({
  revision: revisionOf(row, 'revision'),
  ordinal: numberOf(row, 'ordinal'),
  changedAt: dateOf(row, 'changed_at'),
  change: read(row),
});

/** Of the log in one reading, for what is wanted of it: some milliseconds. */
const ENTRIES_PER_WALK = 5000;

export interface LogPage {
  readonly entries: readonly LogEntry[];
  /** Where to go on when the reading ended before the page was full or the log at its end. */
  readonly walkedTo: LogPosition | undefined;
}

/**
 * A page of the tuples' part of the log after a position, for readers of changes. The log is walked
 * to find what is wanted, a bounded piece at a time: an index by type would cost every write more
 * than it saves those who ask so.
 */
export async function readChanges(
  session: Session,
  storeId: StoreId,
  page: { readonly after: LogPosition; readonly limit: number; readonly objectType?: string },
  entriesPerWalk = ENTRIES_PER_WALK,
): Promise<LogPage> {
  const { after, limit, objectType } = page;
  const values: SqlValue[] = [storeId, after.revision, after.ordinal, limit, entriesPerWalk];
  if (objectType !== undefined) values.push(objectType);
  const rows = await session.query(
    `SELECT * FROM (
       SELECT ${COLUMNS}, row_number() OVER (ORDER BY revision, ordinal) AS place,
         operation <> 'attributes' ${objectType === undefined ? '' : 'AND object_type = $6'}
           AS is_wanted
       FROM tuple_change WHERE store_id = $1 AND (revision, ordinal) > ($2, $3)
       ORDER BY revision, ordinal LIMIT $5) AS walked
     WHERE is_wanted OR place = $5
     ORDER BY revision, ordinal LIMIT $4`,
    values,
  );
  const last = rows.at(-1);
  const isAtBound = last !== undefined && numberOf(last, 'place') === entriesPerWalk;
  const wanted = rows.filter((row) => row['is_wanted'] === true);
  return {
    entries: wanted.map((row) => entryOf(row, tupleChangeOf)),
    walkedTo:
      isAtBound && wanted.length < limit
        ? { revision: revisionOf(last, 'revision'), ordinal: numberOf(last, 'ordinal') }
        : undefined,
  };
}

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
     SELECT first.revision, first.ordinal
     FROM (SELECT high FROM search WHERE low + 1 >= high) AS found
     CROSS JOIN LATERAL (
       SELECT revision, ordinal FROM tuple_change
       WHERE store_id = $1 AND revision >= high ORDER BY revision, ordinal LIMIT 1
     ) AS first`,
    [storeId, time],
  );
  return row && { revision: numberOf(row, 'revision'), ordinal: numberOf(row, 'ordinal') - 1 };
}

export interface LoggedRevision {
  readonly revision: Revision;
  readonly changes: readonly StoreChange[];
}

/** Of one reading of revisions; a revision with more is read whole all the same. */
const ROWS_PER_READING = 20_000;

/**
 * Whole revisions after the given one, in order: at most `limit` of them, and no more than come to
 * `maxRows` changes, unless the first alone has more.
 */
export async function readRevisions(
  session: Session,
  storeId: StoreId,
  after: Revision,
  limit: number,
  maxRows = ROWS_PER_READING,
): Promise<readonly LoggedRevision[]> {
  const rows = await session.query(
    `SELECT ${COLUMNS}, attributes FROM tuple_change
     WHERE store_id = $1 AND revision > $2 AND revision <= coalesce((
       SELECT greatest(revision - 1, $2 + 1) FROM tuple_change
       WHERE store_id = $1 AND revision > $2 AND revision <= $3
       ORDER BY revision, ordinal OFFSET $4 LIMIT 1
     ), $3) ORDER BY revision, ordinal`,
    [storeId, after, after + limit, maxRows],
  );
  const revisions: { readonly revision: Revision; readonly changes: StoreChange[] }[] = [];
  for (const row of rows) {
    const revision = revisionOf(row, 'revision');
    const last = revisions.at(-1);
    const { change } = entryOf(row, changeOf);
    if (last?.revision === revision) last.changes.push(change);
    else revisions.push({ revision, changes: [change] });
  }
  return revisions;
}
