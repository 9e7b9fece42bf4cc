/**
 * Pages of tuples by any combination of filters, ordered by the index that they are read along, so
 * that a page starts where the last one ended. There are two, because each costs every write:
 *
 *   by object   the primary key
 *   by kind     relation and type of object, then the subject
 *
 * A subject of which nothing else is known is looked up in each kind. The kinds of a store are few,
 * some dozens, as its models have relations; they are found by leaps along the index, one each.
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
const BY_KIND: readonly KeyColumn[] = [
  'relation',
  'object_type',
  'subject_type',
  'subject_id',
  'subject_relation',
  'object_id',
];

type Way = 'by object' | 'by kind' | 'in each kind';

/** The index that narrows most: an id is better than a relation, a relation better than a type. */
function wayOf({ objectType, objectId, relation, subjectType, subjectId }: TupleFilter): Way {
  if (objectId !== undefined) return 'by object';
  if (relation !== undefined && (objectType !== undefined || subjectType === undefined)) {
    return 'by kind';
  }
  const isOfSubject = subjectType !== undefined && objectType === undefined;
  if (relation !== undefined || subjectId !== undefined || isOfSubject) return 'in each kind';
  return 'by object';
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
  { filter, after, limit, now }: TuplePage,
): { readonly sql: string; readonly values: readonly SqlValue[] } {
  const values: SqlValue[] = [storeId, now, limit];
  const parameter = (value: SqlValue): string => `$${values.push(value)}`;
  const way = wayOf(filter);
  const order = way === 'by object' ? BY_OBJECT : BY_KIND;
  const conditions = ['store_id = $1', '(expires_at IS NULL OR expires_at > $2)'];
  for (const [column, value] of wanted(filter)) {
    if (value !== undefined) conditions.push(`${column} = ${parameter(value)}`);
  }
  const position = after && positionIn(order, after).map(parameter);
  if (position !== undefined) conditions.push(`(${order.join(', ')}) > (${position.join(', ')})`);
  if (way !== 'in each kind') return { sql: pageStatement(conditions, order), values };
  conditions.push('relation = kind.of_relation', 'object_type = kind.of_type');
  // All in the last kind are behind the position, or in the kinds that follow.
  const first = position?.slice(0, 2) ?? [parameter(filter.relation ?? ''), "''"];
  const bound = filter.relation === undefined ? 'true' : `relation = ${parameter(filter.relation)}`;
  const page = pageStatement(conditions, BY_KIND.slice(2));
  return { sql: inEachKind(page, first.join(', '), bound), values };
}

function positionIn(order: readonly KeyColumn[], after: TupleKey): readonly string[] {
  const position = new Map(keyValues(after).map((value, i) => [KEY_COLUMNS[i], value]));
  return order.map((column) => position.get(column) ?? '');
}

const pageStatement = (conditions: readonly string[], order: readonly KeyColumn[]): string =>
  `SELECT ${TUPLE_COLUMNS.join(', ')}, written_at FROM relation_tuple
    WHERE ${conditions.join(' AND ')}
    ORDER BY ${order.join(', ')} LIMIT $3`;

/** What is sorted is a page of each kind at most; and of most subjects there are a handful of tuples. */
const inEachKind = (page: string, first: string, bound: string): string => `
  WITH RECURSIVE kind (of_relation, of_type) AS (
    (SELECT relation, object_type FROM relation_tuple
     WHERE store_id = $1 AND (relation, object_type) >= (${first}) AND ${bound}
     ORDER BY relation, object_type LIMIT 1)
    UNION ALL
    SELECT next.* FROM kind CROSS JOIN LATERAL (
      SELECT relation, object_type FROM relation_tuple
      WHERE store_id = $1 AND (relation, object_type) > (of_relation, of_type) AND ${bound}
      ORDER BY relation, object_type LIMIT 1) AS next)
  SELECT found.* FROM kind CROSS JOIN LATERAL (${page}) AS found
  ORDER BY ${BY_KIND.join(', ')} LIMIT $3`;

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
