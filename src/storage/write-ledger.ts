/**
 * Write requests, decided one after the other in memory, each on what the ones before it leave. Each
 * that changes something gets the next revision; one that is refused leaves no trace.
 */
import { isDeepStrictEqual } from 'node:util';
import { PembaError } from '../errors.js';
import { asRevision } from '../ids.js';
import type { Revision } from '../ids.js';
import { formatObject, formatSubject, formatTupleKey } from '../tuple/tuple.js';
import type { RelationTuple, TupleChange, TupleKey } from '../tuple/tuple.js';
import { changesDigest } from './audit-chain.js';
import type { Deed } from './audit-chain.js';
import { asStored } from './rows.js';

export interface WriteRequest {
  /** Applied before the writes. */
  readonly deletes: readonly TupleKey[];
  readonly writes: readonly RelationTuple[];
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
      readonly changes: readonly TupleChange[];
    }
  | { readonly kind: 'refused'; readonly error: PembaError };

/** The named tuples as they will stand, the log that leads there, and whom it is ascribed to. */
export class Ledger {
  readonly #before: ReadonlyMap<string, RelationTuple>;
  readonly #after: Map<string, RelationTuple>;
  readonly #nowMs: number;
  readonly log: { readonly revision: Revision; readonly change: TupleChange }[] = [];
  readonly deeds: Deed[] = [];
  head: Revision;

  constructor(before: ReadonlyMap<string, RelationTuple>, head: Revision, now: Date) {
    this.#before = before;
    this.#after = new Map(before);
    this.head = head;
    this.#nowMs = now.getTime();
  }

  decide(request: WriteRequest): WriteOutcome {
    const changes: TupleChange[] = [];
    for (const key of request.deletes) {
      const stored = this.#after.get(formatTupleKey(key));
      const live = stored !== undefined && this.#isLive(stored);
      if (stored !== undefined && (request.onlyExpired === true ? !live : live)) {
        changes.push({ operation: 'delete', tuple: keyOnly(key) });
      } else if (request.onMissing === 'error') {
        return { kind: 'refused', error: tupleMissing(key) };
      }
    }
    for (const tuple of request.writes.map(asStored)) {
      const stored = this.#after.get(formatTupleKey(tuple));
      if (stored !== undefined && this.#isLive(stored)) {
        const refusal = refuseDuplicate(request.onDuplicate, stored, tuple);
        if (refusal !== undefined) return { kind: 'refused', error: refusal };
        if (isSameTuple(stored, tuple)) continue;
      }
      if (stored !== undefined) changes.push({ operation: 'delete', tuple: keyOnly(tuple) });
      changes.push({ operation: 'write', tuple });
    }
    if (changes.length > 0) {
      this.#apply(changes);
      if (request.deed !== undefined) this.deeds.push(this.#recorded(request.deed, changes));
    }
    return { kind: 'written', revision: this.head, changes };
  }

  #recorded(deed: Deed, changes: readonly TupleChange[]): Deed {
    const writes = changes.filter(({ operation }) => operation === 'write').length;
    return {
      ...deed,
      revision: this.head,
      details: {
        ...deed.details,
        ...{ writes, deletes: changes.length - writes, digest: changesDigest(changes) },
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

  #apply(changes: readonly TupleChange[]): void {
    this.head = asRevision(this.head + 1);
    for (const change of changes) {
      this.log.push({ revision: this.head, change });
      const name = formatTupleKey(change.tuple);
      if (change.operation === 'write') this.#after.set(name, change.tuple);
      else this.#after.delete(name);
    }
  }

  #isLive(tuple: RelationTuple): boolean {
    return tuple.expiresAt === undefined || tuple.expiresAt > this.#nowMs;
  }
}

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
