import type { Revision, StoreId } from '../ids.js';
import type { TupleChange } from '../tuple/tuple.js';
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

function entryOf(row: Row): LogEntry {
  return {
    revision: revisionOf(row, 'revision'),
    ordinal: numberOf(row, 'ordinal'),
    changedAt: dateOf(row, 'changed_at'),
    change:
      textOf(row, 'operation') === 'write'
        ? { operation: 'write', tuple: tupleOf(row) }
        : { operation: 'delete', tuple: keyOf(row) },
  };
}

/** A page of the log after a position, for readers of changes. */
export async function readChanges(
  session: Session,
  storeId: StoreId,
  page: { readonly after: LogPosition; readonly limit: number; readonly objectType?: string },
): Promise<readonly LogEntry[]> {
  const values: SqlValue[] = [storeId, page.after.revision, page.after.ordinal, page.limit];
  if (page.objectType !== undefined) values.push(page.objectType);
  const rows = await session.query(
    `SELECT ${COLUMNS} FROM tuple_change
     WHERE store_id = $1 AND (revision, ordinal) > ($2, $3)
       ${page.objectType === undefined ? '' : 'AND object_type = $5'}
     ORDER BY revision, ordinal LIMIT $4`,
    values,
  );
  return rows.map(entryOf);
}

/** The position just before the first change at or after a time; undefined when there is none. */
export async function positionBefore(
  session: Session,
  storeId: StoreId,
  time: Date,
): Promise<LogPosition | undefined> {
  const [row] = await session.query(
    `SELECT revision, ordinal FROM tuple_change
     WHERE store_id = $1 AND changed_at >= $2 ORDER BY changed_at, revision, ordinal LIMIT 1`,
    [storeId, time],
  );
  return row && { revision: numberOf(row, 'revision'), ordinal: numberOf(row, 'ordinal') - 1 };
}

export interface LoggedRevision {
  readonly revision: Revision;
  readonly changes: readonly TupleChange[];
}

/** Whole revisions after the given one, in order, at most `limit` of them. */
export async function readRevisions(
  session: Session,
  storeId: StoreId,
  after: Revision,
  limit: number,
): Promise<readonly LoggedRevision[]> {
  const rows = await session.query(
    `SELECT ${COLUMNS} FROM tuple_change
     WHERE store_id = $1 AND revision > $2 AND revision <= $3 ORDER BY revision, ordinal`,
    [storeId, after, after + limit],
  );
  const revisions: { readonly revision: Revision; readonly changes: TupleChange[] }[] = [];
  for (const row of rows) {
    const revision = revisionOf(row, 'revision');
    const last = revisions.at(-1);
    const { change } = entryOf(row);
    if (last?.revision === revision) last.changes.push(change);
    else revisions.push({ revision, changes: [change] });
  }
  return revisions;
}
