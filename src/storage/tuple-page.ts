/**
 * The statement for a page of tuples, in the order of the index that it is read along, from where the
 * last page ended. There are two such indexes, because each costs every write:
 *
 *   byObject     the primary key
 *   byKind       relation and type of object, then the subject (kind-index.ts)
 *   inEachKind   the same one, for a subject of which nothing else is known
 *
 * The kinds of a store are few, some dozens, as its models have relations; they are found by leaps
 * along the index, one each. What is sorted is a page of each at most, and of most subjects there are
 * a handful of tuples.
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

const KEY = KEY_COLUMNS.map((column) => `t.${column}`).join(', ');

/** Conditions are SQL about rows of `relation_tuple t`. */
export class TuplePageStatement {
  readonly values: SqlValue[];
  readonly #storeId: StoreId;
  readonly #after: TupleKey | undefined;
  readonly #columns: readonly string[];

  constructor(storeId: StoreId, { after, limit, now }: PageBounds, columns: readonly string[]) {
    this.values = [storeId, now, limit];
    this.#storeId = storeId;
    this.#after = after;
    this.#columns = columns;
  }

  parameter(value: string): string {
    return `$${this.values.push(value)}::text`;
  }

  byObject(conditions: readonly string[]): string {
    const position = this.#after && keyValues(this.#after).map((value) => this.parameter(value));
    const behind = position === undefined ? [] : [`(${KEY}) > (${position.join(', ')})`];
    return this.#page([...conditions, ...behind], KEY);
  }

  /** `names` are what entries begin with, in the order of KIND_ORDER. */
  byKind(names: readonly string[], conditions: readonly string[]): string {
    return this.#page([beginsWith(this.#prefix(names)), ...this.#behind(), ...conditions], ENTRY);
  }

  /**
   * `names` are of KIND_COLUMNS, `subject` of SUBJECT_COLUMNS. Conditions may be about the `kind` too:
   * one of another `object_type` is passed by.
   */
  inEachKind(
    names: readonly string[],
    subject: readonly string[],
    conditions: readonly string[],
  ): string {
    const prefix = this.#prefix(names);
    const behind = this.#behind();
    const ofSubject = beginsWith(
      'kind.name',
      subject.map((name) => this.parameter(name)),
    );
    const page = this.#page([ofSubject, ...behind, ...conditions], ENTRY, `${ENTRY} AS entry`);
    return `
      WITH RECURSIVE kind (name, object_type) AS (
        (${firstKind([beginsWith(prefix), ...behind])})
        UNION ALL
        SELECT next.* FROM kind
          CROSS JOIN LATERAL (${firstKind([beginsWithPast(prefix, 'kind.name')])}) AS next)
      SELECT ${this.#columns.map((column) => `found.${column}`).join(', ')}
      FROM kind CROSS JOIN LATERAL (${page}) AS found
      ORDER BY found.entry LIMIT $3`;
  }

  #prefix(names: readonly string[]): string {
    return this.parameter(entryPrefix(this.#storeId, names));
  }

  #behind(): readonly string[] {
    if (this.#after === undefined) return [];
    return [`${ENTRY} > ${this.parameter(entryOf(this.#storeId, this.#after))}`];
  }

  #page(conditions: readonly string[], order: string, ...more: readonly string[]): string {
    const columns = [...this.#columns.map((column) => `t.${column}`), ...more].join(', ');
    const all = ['t.store_id = $1', '(t.expires_at IS NULL OR t.expires_at > $2)', ...conditions];
    return `SELECT ${columns} FROM relation_tuple t
      WHERE ${all.join(' AND ')} ORDER BY ${order} LIMIT $3`;
  }
}

const firstKind = (conditions: readonly string[]): string =>
  `SELECT ${KIND}, t.object_type FROM relation_tuple t
   WHERE t.store_id = $1 AND ${conditions.join(' AND ')} ORDER BY ${ENTRY} LIMIT 1`;
