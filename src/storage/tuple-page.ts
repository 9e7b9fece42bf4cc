/**
 * The statement for a page of tuples, in the order of the index that it is read along, from where the
 * last page ended. There are two such indexes, because each costs every write:
 *
 *   byObject     the primary key
 *   byKind       relation and type of object, then the subject (kind-index.ts)
 *   inEachKind   the same one, for a subject of which nothing else is known
 *
 * The kinds of a store are few, some dozens, as its models have relations. They are found by leaps
 * along the index, one each, and what each has of the page is gathered until it is full.
 *
 * The planner knows little of the share of a range, and takes what filters leave of it for next to
 * nothing. To it a few rows are soon sorted, so that a page could come to read all of a kind. Hence
 * filters are hidden from it by `coalesce`, and so is the limit: of an unknown one it takes a tenth of
 * the rows, and the index is the cheapest way to the first tenth.
 *
 * The text by kind begins with the store, and is yet asked for with it: a statement of one store says
 * so, that it can be sent to where the store's rows are.
 */
import type { StoreId } from '../ids.js';
import type { TupleKey } from '../tuple/tuple.js';
import type { SqlValue } from './database.js';
import { ENTRY, KIND, beginsWith, beginsWithPast, entryOf, entryPrefix } from './kind-index.js';
import { KEY_COLUMNS, keyValues } from './rows.js';

export interface PageBounds {
  readonly after?: TupleKey | undefined;
  readonly limit: number;
  /** Tuples that are expired at this time are not there. */
  readonly now: Date;
}

export interface EachKind {
  readonly names: readonly string[];
  /** Kinds of other types are passed by. */
  readonly ofType?: string | undefined;
  readonly subject: readonly string[];
  readonly filters: readonly string[];
}

const KEY = KEY_COLUMNS.map((column) => `t.${column}`).join(', ');

/** Conditions and filters are SQL about rows of `relation_tuple t`; by a condition rows are found. */
export class TuplePageStatement {
  readonly values: SqlValue[];
  readonly #storeId: StoreId;
  readonly #after: TupleKey | undefined;
  readonly #columns: string;

  constructor(storeId: StoreId, { after, limit, now }: PageBounds, columns: readonly string[]) {
    this.values = [storeId, now, limit];
    this.#storeId = storeId;
    this.#after = after;
    this.#columns = columns.map((column) => `t.${column}`).join(', ');
  }

  parameter(value: string): string {
    return `$${this.values.push(value)}::text`;
  }

  byObject(conditions: readonly string[], filters: readonly string[] = []): string {
    const position = this.#after && keyValues(this.#after).map((value) => this.parameter(value));
    const behind = position === undefined ? [] : [`(${KEY}) > (${position.join(', ')})`];
    return this.#page([...conditions, ...behind, ...hidden(filters)], KEY);
  }

  /** `names` are what entries begin with, in the order of KIND_ORDER. */
  byKind(names: readonly string[], filters: readonly string[]): string {
    const conditions = [beginsWith(this.#prefix(names)), ...this.#behind()];
    return this.#page([...conditions, ...hidden(filters)], ENTRY);
  }

  /**
   * Kind by kind, until there is a page. OFFSET 0: the array is made once, though it is named twice.
   */
  inEachKind({ names, ofType, subject, filters }: EachKind): string {
    const prefix = this.#prefix(names);
    const behind = this.#behind();
    const subjectNames = subject.map((name) => this.parameter(name));
    const conditions = [
      beginsWith('next.name', subjectNames),
      ...behind,
      ...(ofType === undefined ? [] : [`next.object_type = ${this.parameter(ofType)}`]),
      ...hidden(filters),
    ];
    const page = `SELECT ARRAY(${this.#page(conditions, ENTRY, 't')}) AS tuples OFFSET 0`;
    return `
      WITH RECURSIVE kind (name, tuples, total) AS (
        SELECT next.name, page.tuples, cardinality(page.tuples)
        FROM (${firstKind([beginsWith(prefix), ...behind])}) AS next
          CROSS JOIN LATERAL (${page}) AS page
        UNION ALL
        SELECT next.name, page.tuples, kind.total + cardinality(page.tuples)
        FROM kind
          CROSS JOIN LATERAL (${firstKind([beginsWithPast(prefix, 'kind.name')])}) AS next
          CROSS JOIN LATERAL (${page}) AS page
        WHERE kind.total < $3)
      SELECT ${this.#columns} FROM kind CROSS JOIN unnest(kind.tuples) AS t
      ORDER BY ${ENTRY} LIMIT $3`;
  }

  #prefix(names: readonly string[]): string {
    return this.parameter(entryPrefix(this.#storeId, names));
  }

  #behind(): readonly string[] {
    if (this.#after === undefined) return [];
    return [`${ENTRY} > ${this.parameter(entryOf(this.#storeId, this.#after))}`];
  }

  #page(conditions: readonly string[], order: string, columns = this.#columns): string {
    const all = ['t.store_id = $1', '(t.expires_at IS NULL OR t.expires_at > $2)', ...conditions];
    return `SELECT ${columns} FROM relation_tuple t
      WHERE ${all.join(' AND ')} ORDER BY ${order} LIMIT (SELECT $3::bigint)`;
  }
}

const hidden = (filters: readonly string[]): readonly string[] =>
  filters.map((filter) => `coalesce(${filter}, false)`);

const firstKind = (conditions: readonly string[]): string =>
  `SELECT ${KIND} AS name, t.object_type FROM relation_tuple t
   WHERE t.store_id = $1 AND ${conditions.join(' AND ')} ORDER BY ${ENTRY} LIMIT (SELECT 1)`;
