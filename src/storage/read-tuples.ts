/**
 * Pages of tuples by any combination of filters. Each combination is read along one of three
 * indexes, and ordered by that index's columns, so that a page starts where the last one ended.
 */
import type { StoreId } from '../ids.js';
import type { TupleFilter } from '../tuple/filter.js';
import type { RelationTuple, TupleKey } from '../tuple/tuple.js';
import type { Row, Session, SqlValue } from './database.js';
import { KEY_COLUMNS, TUPLE_COLUMNS, dateOf, keyValues, tupleOf } from './rows.js';

export interface StoredTuple {
  readonly tuple: RelationTuple;
  readonly writtenAt: Date;
}

export interface TuplePage {
  readonly filter: TupleFilter;
  readonly after?: TupleKey;
  readonly limit: number;
  /** Tuples that are expired at this time are not there. */
  readonly now: Date;
}

type KeyColumn = (typeof KEY_COLUMNS)[number];

const BY_OBJECT: readonly KeyColumn[] = KEY_COLUMNS;
const BY_SUBJECT: readonly KeyColumn[] = [
  'subject_type',
  'subject_id',
  'subject_relation',
  'relation',
  'object_type',
  'object_id',
];
const BY_RELATION: readonly KeyColumn[] = [
  'relation',
  'object_type',
  'object_id',
  'subject_type',
  'subject_id',
  'subject_relation',
];

/** The index that narrows most: an id is better than a relation, a relation better than a type. */
function orderFor(filter: TupleFilter): readonly KeyColumn[] {
  if (filter.objectId !== undefined) return BY_OBJECT;
  if (filter.subjectId !== undefined) return BY_SUBJECT;
  if (filter.relation !== undefined) return BY_RELATION;
  if (filter.objectType !== undefined) return BY_OBJECT;
  return filter.subjectType === undefined ? BY_OBJECT : BY_SUBJECT;
}

const wanted = (filter: TupleFilter): readonly (readonly [KeyColumn, string | undefined])[] => [
  ['object_type', filter.objectType],
  ['object_id', filter.objectId],
  ['relation', filter.relation],
  ['subject_type', filter.subjectType],
  ['subject_id', filter.subjectId],
  ['subject_relation', filter.subjectRelation],
];

function readTuplesStatement(
  storeId: StoreId,
  page: TuplePage,
): { readonly sql: string; readonly values: readonly SqlValue[] } {
  const values: SqlValue[] = [storeId, page.now, page.limit];
  const parameter = (value: SqlValue): string => `$${values.push(value)}`;
  const conditions = ['store_id = $1', '(expires_at IS NULL OR expires_at > $2)'];
  for (const [column, value] of wanted(page.filter)) {
    if (value !== undefined) conditions.push(`${column} = ${parameter(value)}`);
  }
  const order = orderFor(page.filter);
  if (page.after !== undefined) {
    const after = new Map(keyValues(page.after).map((value, i) => [KEY_COLUMNS[i], value]));
    const position = order.map((column) => parameter(after.get(column) ?? ''));
    conditions.push(`(${order.join(', ')}) > (${position.join(', ')})`);
  }
  const sql = `SELECT ${TUPLE_COLUMNS.join(', ')}, written_at FROM relation_tuple
    WHERE ${conditions.join(' AND ')}
    ORDER BY ${order.join(', ')} LIMIT $3`;
  return { sql, values };
}

export async function readTuples(
  session: Session,
  storeId: StoreId,
  page: TuplePage,
): Promise<readonly StoredTuple[]> {
  const { sql, values } = readTuplesStatement(storeId, page);
  const rows = await session.query(sql, values);
  return rows.map((row: Row) => ({ tuple: tupleOf(row), writtenAt: dateOf(row, 'written_at') }));
}

/** Tuples of any live store that have expired, the earliest first. */
export async function readExpired(
  session: Session,
  now: Date,
  limit: number,
): Promise<readonly { readonly storeId: StoreId; readonly tuple: RelationTuple }[]> {
  const rows = await session.query(
    `SELECT store_id, ${TUPLE_COLUMNS.join(', ')} FROM relation_tuple
     WHERE expires_at <= $1 AND EXISTS (SELECT FROM store s
       WHERE s.store_id = relation_tuple.store_id AND s.deleted_at IS NULL)
     ORDER BY expires_at LIMIT $2`,
    [now, limit],
  );
  return rows.map((row) => ({ storeId: row['store_id'] as StoreId, tuple: tupleOf(row) }));
}
