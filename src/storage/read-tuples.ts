/** Pages of tuples by any combination of filters, and the tuples that have expired. */
import type { StoreId } from '../ids.js';
import type { TupleFilter } from '../tuple/filter.js';
import type { RelationTuple, TupleKey } from '../tuple/tuple.js';
import type { Row, Session } from './database.js';
import { KIND_COLUMNS, KIND_ORDER, SUBJECT_COLUMNS } from './kind-index.js';
import { KEY_COLUMNS, TUPLE_COLUMNS, dateOf, tupleOf } from './rows.js';
import type { KeyColumn } from './rows.js';
import { TuplePageStatement } from './tuple-page.js';

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

type Wanted = Readonly<Partial<Record<KeyColumn, string | undefined>>>;

const wantedOf = (filter: TupleFilter): Wanted => ({
  object_type: filter.objectType,
  object_id: filter.objectId,
  relation: filter.relation,
  subject_type: filter.subjectType,
  subject_id: filter.subjectId,
  subject_relation: filter.subjectRelation,
});

/** The values of the first columns, up to one of which any is good. */
function leading(wanted: Wanted, columns: readonly KeyColumn[]): readonly string[] {
  const values = columns.map((column) => wanted[column]);
  const end = values.indexOf(undefined);
  return (end < 0 ? values : values.slice(0, end)).map((value) => value ?? '');
}

function conditionsOn(
  columns: readonly KeyColumn[],
  wanted: Wanted,
  statement: TuplePageStatement,
): readonly string[] {
  return columns.flatMap((column) => {
    const value = wanted[column];
    return value === undefined ? [] : [`t.${column} = ${statement.parameter(value)}`];
  });
}

function sqlOf(filter: TupleFilter, statement: TuplePageStatement): string {
  const wanted = wantedOf(filter);
  switch (wayOf(filter)) {
    case 'by object':
      return statement.byObject(conditionsOn(KEY_COLUMNS, wanted, statement));
    case 'by kind': {
      const names = leading(wanted, KIND_ORDER);
      const rest = conditionsOn(KIND_ORDER.slice(names.length), wanted, statement);
      return statement.byKind(names, rest);
    }
    case 'in each kind': {
      const subject = leading(wanted, SUBJECT_COLUMNS);
      return statement.inEachKind({
        names: leading(wanted, KIND_COLUMNS),
        ofType: filter.objectType,
        subject,
        filters: conditionsOn(SUBJECT_COLUMNS.slice(subject.length), wanted, statement),
      });
    }
  }
}

export async function readTuples(
  session: Session,
  storeId: StoreId,
  page: TuplePage,
): Promise<readonly StoredTuple[]> {
  const statement = new TuplePageStatement(storeId, page, [...TUPLE_COLUMNS, 'written_at']);
  const sql = sqlOf(page.filter, statement);
  const rows = await session.query(sql, statement.values);
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
