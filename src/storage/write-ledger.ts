/**
 * Write requests, decided one after the other in memory, each on what the ones before it leave. Each
 * that changes something gets the next revision; one that is refused leaves no trace.
 */
import { isDeepStrictEqual } from 'node:util';
import { PembaError } from '../errors.js';
import { asRevision } from '../ids.js';
import type { Revision } from '../ids.js';
import { formatObject, formatSubject, formatTupleKey } from '../tuple/tuple.js';
import { isOfTuple } from '../tuple/attributes.js';
import type { AttributesChange, StoreChange } from '../tuple/attributes.js';
import type { JsonObject, RelationTuple, TupleChange, TupleKey } from '../tuple/tuple.js';
import { changesDigest } from './audit-chain.js';
import type { Deed } from './audit-chain.js';
import { asStored } from './rows.js';

export interface WriteRequest {
  /** Applied before the writes. */
  readonly deletes: readonly TupleKey[];
  readonly writes: readonly RelationTuple[];
  /** Entities that get these attributes, or have none any more. */
  readonly attributes?: readonly AttributesChange[];
  readonly onMissing: 'error' | 'ignore';
  /** `ignore`: nothing happens if the stored tuple is identical. `replace`: swaps it. */
  readonly onDuplicate: 'error' | 'ignore' | 'replace';
  /** Delete only tuples that have expired by now: a sweeper's request. */
  readonly onlyExpired?: boolean;
  /** What the audit log is to say of it, if it changes anything. */
  readonly deed?: Deed;
}

export type WriteOutcome =
  | {
      readonly kind: 'written';
      /** The revision made, or the one found when there was nothing to change. */
      readonly revision: Revision;
      readonly changes: readonly StoreChange[];
    }
  | { readonly kind: 'refused'; readonly error: PembaError };

/** What requests name, as it was found: tuples by key, attributes by entity. */
export interface Named {
  readonly tuples: ReadonlyMap<string, RelationTuple>;
  readonly attributes: ReadonlyMap<string, JsonObject>;
}

/** What is named as it will stand, the log that leads there, and whom it is ascribed to. */
export class Ledger {
  readonly #before: ReadonlyMap<string, RelationTuple>;
  readonly #after: Map<string, RelationTuple>;
  readonly #attributes: Map<string, JsonObject>;
  readonly #nowMs: number;
  readonly log: { readonly revision: Revision; readonly change: StoreChange }[] = [];
  readonly deeds: Deed[] = [];
  head: Revision;

  constructor(before: Named, head: Revision, now: Date) {
    this.#before = before.tuples;
    this.#after = new Map(before.tuples);
    this.#attributes = new Map(before.attributes);
    this.head = head;
    this.#nowMs = now.getTime();
  }

  decide(request: WriteRequest): WriteOutcome {
    const changes = this.#tupleChanges(request);
    if (changes instanceof PembaError) return { kind: 'refused', error: changes };
    const attributes = this.#attributesChanges(request.attributes ?? []);
    const all = [...changes, ...attributes];
    if (all.length > 0) {
      this.#apply(all);
      if (request.deed !== undefined) this.deeds.push(this.#recorded(request.deed, all));
    }
    return { kind: 'written', revision: this.head, changes: all };
  }

  #tupleChanges(request: WriteRequest): TupleChange[] | PembaError {
    const changes: TupleChange[] = [];
    for (const key of request.deletes) {
      const stored = this.#after.get(formatTupleKey(key));
      const live = stored !== undefined && this.#isLive(stored);
      if (stored !== undefined && (request.onlyExpired === true ? !live : live)) {
        changes.push({ operation: 'delete', tuple: keyOnly(key) });
      } else if (request.onMissing === 'error') {
        return tupleMissing(key);
      }
    }
    for (const tuple of request.writes.map(asStored)) {
      const stored = this.#after.get(formatTupleKey(tuple));
      if (stored !== undefined && this.#isLive(stored)) {
        const refusal = refuseDuplicate(request.onDuplicate, stored, tuple);
        if (refusal !== undefined) return refusal;
        if (isSameTuple(stored, tuple)) continue;
      }
      if (stored !== undefined) changes.push({ operation: 'delete', tuple: keyOnly(tuple) });
      changes.push({ operation: 'write', tuple });
    }
    return changes;
  }

  #attributesChanges(wanted: readonly AttributesChange[]): readonly AttributesChange[] {
    const after = new Map<string, JsonObject | undefined>(this.#attributes);
    return wanted.map(normalized).filter(({ entity, attributes }) => {
      const name = formatObject(entity);
      const isNew = !isDeepStrictEqual(after.get(name), attributes);
      after.set(name, attributes);
      return isNew;
    });
  }

  #recorded(deed: Deed, changes: readonly StoreChange[]): Deed {
    const count = (wanted: StoreChange['operation']): number =>
      changes.filter(({ operation }) => operation === wanted).length;
    const attributes = count('attributes');
    return {
      ...deed,
      revision: this.head,
      details: {
        ...deed.details,
        ...(attributes > 0 && { attributes }),
        ...{ writes: count('write'), deletes: count('delete'), digest: changesDigest(changes) },
      },
    };
  }

  removed(): readonly TupleKey[] {
    return [...this.#before].filter(([name]) => !this.#after.has(name)).map(([, tuple]) => tuple);
  }

  stored(): readonly RelationTuple[] {
    return [...this.#after]
      .filter(([name, tuple]) => this.#before.get(name) !== tuple)
      .map(([, tuple]) => tuple);
  }

  /** The last word on each entity; undefined where it has no attributes any more. */
  attributes(): readonly AttributesChange[] {
    const last = new Map<string, AttributesChange>();
    for (const { change } of this.log) {
      if (!isOfTuple(change)) last.set(formatObject(change.entity), change);
    }
    return [...last.values()];
  }

  #apply(changes: readonly StoreChange[]): void {
    this.head = asRevision(this.head + 1);
    for (const change of changes) {
      this.log.push({ revision: this.head, change });
      if (!isOfTuple(change)) {
        this.#setAttributes(change);
        continue;
      }
      const name = formatTupleKey(change.tuple);
      if (change.operation === 'write') this.#after.set(name, change.tuple);
      else this.#after.delete(name);
    }
  }

  #setAttributes({ entity, attributes }: AttributesChange): void {
    const name = formatObject(entity);
    if (attributes === undefined) this.#attributes.delete(name);
    else this.#attributes.set(name, attributes);
  }

  #isLive(tuple: RelationTuple): boolean {
    return tuple.expiresAt === undefined || tuple.expiresAt > this.#nowMs;
  }
}

/** As it will be read back. */
const normalized = (change: AttributesChange): AttributesChange =>
  change.attributes === undefined
    ? change
    : { ...change, attributes: JSON.parse(JSON.stringify(change.attributes)) as JsonObject };

const keyOnly = ({ object, relation, subject }: TupleKey): TupleKey => ({
  object,
  relation,
  subject,
});

const isSameTuple = (a: RelationTuple, b: RelationTuple): boolean =>
  a.expiresAt === b.expiresAt && isDeepStrictEqual(a.condition, b.condition);

function refuseDuplicate(
  onDuplicate: WriteRequest['onDuplicate'],
  stored: RelationTuple,
  tuple: RelationTuple,
): PembaError | undefined {
  switch (onDuplicate) {
    case 'replace':
      return undefined;
    case 'ignore':
      return isSameTuple(stored, tuple) ? undefined : differingDuplicate(tuple);
    case 'error':
      return new PembaError(
        'tuple_exists',
        `cannot write a tuple which already exists: ${describe(tuple)}: ` +
          'tuple to be written already existed or the tuple to be deleted did not exist',
        { facts: { tuple: formatTupleKey(tuple) } },
      );
  }
}

const tupleMissing = (key: TupleKey): PembaError =>
  new PembaError(
    'tuple_missing',
    `cannot delete a tuple which does not exist: ${describe(key)}: ` +
      'tuple to be written already existed or the tuple to be deleted did not exist',
    { facts: { tuple: formatTupleKey(key) } },
  );

const differingDuplicate = (tuple: RelationTuple): PembaError =>
  new PembaError(
    'write_conflict',
    'transactional write failed due to conflict: attempted to write a tuple which already exists ' +
      `with a different condition or expiry: ${describe(tuple)}`,
    { facts: { tuple: formatTupleKey(tuple) } },
  );

const describe = ({ object, relation, subject }: TupleKey): string =>
  `user: '${formatSubject(subject)}', relation: '${relation}', object: '${formatObject(object)}'`;
