/**
 * Tuples of an old name beside their copies under a new one: which have no exact copy, which copies
 * have no original, and which are left of the old name. Each is read along the index that finds
 * the name soonest, as an object's or as a subject's, a page at a time. What has expired is not there.
 *
 * A tuple that has both names is a copy without an original: nobody makes one but by chance, and it
 * must not come to count with the new name.
 */
import type { StoreId } from '../ids.js';
import type { AttributesChange } from '../tuple/attributes.js';
import { reversed } from '../tuple/rename.js';
import type { Rename } from '../tuple/rename.js';
import type { JsonObject, ObjectRef, RelationTuple, TupleKey } from '../tuple/tuple.js';
import type { Session } from './database.js';
import { KEY_COLUMNS, TUPLE_COLUMNS, textOf, tupleOf } from './rows.js';
import type { KeyColumn } from './rows.js';
import { TuplePageStatement } from './tuple-page.js';

/** `missing`: originals without an exact copy. `surplus`: copies without an original. */
export type Wanted = 'missing' | 'surplus' | 'old';
export const PLACES = ['object', 'subject'] as const;
export type Place = (typeof PLACES)[number];

export interface RenamedPage<Key> {
  readonly wanted: Wanted;
  readonly after?: Key | undefined;
  readonly limit: number;
  readonly now: Date;
}

export async function readRenamed(
  session: Session,
  storeId: StoreId,
  rename: Rename,
  place: Place,
  page: RenamedPage<TupleKey>,
): Promise<readonly RelationTuple[]> {
  const statement = new TuplePageStatement(storeId, page, TUPLE_COLUMNS);
  const read = page.wanted === 'surplus' ? reversed(rename) : rename;
  const filters = page.wanted === 'old' ? [] : [pairing(read, page.wanted, statement)];
  const sql = sqlOf(read, place, filters, statement);
  const rows = await session.query(sql, statement.values);
  return rows.map(tupleOf);
}

function sqlOf(
  read: Rename,
  place: Place,
  filters: readonly string[],
  statement: TuplePageStatement,
): string {
  const { type, relation } = read;
  if (place === 'object' && relation !== undefined) {
    return statement.byKind([relation, type], filters);
  }
  const { old } = namesIn(read, statement);
  if (place === 'object') return statement.byObject([old.object], filters);
  const ofSubject = relation === undefined ? [] : [old.subject];
  // Those of the name as an object's have been read there.
  const others = [...ofSubject, `NOT (${old.object})`, ...filters];
  return statement.inEachKind({ names: [], subject: [type], filters: others });
}

/** That `t` has no twin under the other name. OFFSET: a twin is looked up, and not all joined. */
function pairing(
  read: Rename,
  wanted: Exclude<Wanted, 'old'>,
  statement: TuplePageStatement,
): string {
  const { columns, old } = namesIn(read, statement);
  const into = statement.parameter(read.to);
  const other = namedBy(columns, into);
  const twin = `EXISTS (SELECT FROM relation_tuple n WHERE n.store_id = t.store_id
    AND ${twinConditions({ columns, old, into }, wanted === 'missing')} OFFSET 0)`;
  const hasBoth = `(${other.object} OR ${other.subject})`;
  return wanted === 'missing' ? `NOT ${hasBoth} AND NOT ${twin}` : `(${hasBoth} OR NOT ${twin})`;
}

interface Names {
  readonly columns: NameColumns;
  /** Whether `t` has the name that is read, by place. */
  readonly old: Readonly<Record<Place, string>>;
}

function namesIn(read: Rename, statement: TuplePageStatement): Names {
  const parameter = (value: string): string => statement.parameter(value);
  const columns = columnsOf(read, parameter);
  return { columns, old: namedBy(columns, parameter(read.relation ?? read.type)) };
}

/** Where the name stands, by place, and what else must be there for it to be that name. */
type NameColumns = Readonly<
  Record<Place, { readonly column: KeyColumn; readonly also?: string | undefined }>
>;

function columnsOf({ type, relation }: Rename, parameter: (value: string) => string): NameColumns {
  if (relation === undefined) {
    return { object: { column: 'object_type' }, subject: { column: 'subject_type' } };
  }
  const ofType = parameter(type);
  return {
    object: { column: 'relation', also: `t.object_type = ${ofType}` },
    subject: { column: 'subject_relation', also: `t.subject_type = ${ofType}` },
  };
}

/** Whether `t` has the name, by place. */
function namedBy(columns: NameColumns, name: string): Readonly<Record<Place, string>> {
  const at = (place: Place): string => {
    const { column, also } = columns[place];
    return [`t.${column} = ${name}`, ...(also === undefined ? [] : [also])].join(' AND ');
  };
  return { object: at('object'), subject: at('subject') };
}

const VALUE_COLUMNS = ['condition_name', 'condition_context', 'expires_at'] as const;

interface Twin extends Names {
  readonly into: string;
}

function twinConditions({ columns, old, into }: Twin, isExact: boolean): string {
  const renamed = new Map(
    PLACES.map((place) => {
      const { column } = columns[place];
      return [column, `CASE WHEN ${old[place]} THEN ${into} ELSE t.${column} END`];
    }),
  );
  return [
    ...KEY_COLUMNS.map((column) => `n.${column} = ${renamed.get(column) ?? `t.${column}`}`),
    ...(isExact ? VALUE_COLUMNS : []).map(
      (column) => `n.${column} IS NOT DISTINCT FROM t.${column}`,
    ),
  ].join(' AND ');
}

/** The same of entities' attributes, where a type is renamed: each as the original has it. */
export async function readRenamedAttributes(
  session: Session,
  storeId: StoreId,
  rename: Rename,
  { wanted, after, limit }: Omit<RenamedPage<ObjectRef>, 'now'>,
): Promise<readonly AttributesChange[]> {
  const { type, to } = wanted === 'surplus' ? reversed(rename) : rename;
  const isSame = wanted === 'missing' ? 'AND n.attributes::text = t.attributes::text' : '';
  const twin = `AND NOT EXISTS (SELECT FROM entity_attributes n
    WHERE n.store_id = t.store_id AND n.object_type = $5 AND n.object_id = t.object_id ${isSame})`;
  const rows = await session.query(
    `SELECT object_type, object_id, attributes FROM entity_attributes t
     WHERE store_id = $1 AND object_type = $2 AND object_id > $3 ${wanted === 'old' ? '' : twin}
     ORDER BY object_id LIMIT $4`,
    [storeId, type, after?.id ?? '', limit, ...(wanted === 'old' ? [] : [to])],
  );
  return rows.map((row) => ({
    operation: 'attributes',
    entity: { type: textOf(row, 'object_type'), id: textOf(row, 'object_id') },
    attributes: row['attributes'] as JsonObject,
  }));
}
