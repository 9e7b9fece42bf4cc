/**
 * The permits that this process has minted and that still count, each with what it rests on, held
 * against every change of the store as it is applied:
 *
 *   a tuple of the proof is deleted or replaced      the permit is revoked, whatever else might still
 *                                                    grant it: whoever needs it asks for another
 *   a tuple is written or deleted that may let the   it is decided again, and revoked unless granted
 *   subject into a set it has to stay out of
 *   attributes change of one that it is about        likewise
 *   a newer model, or a graph whose changes were     all of the store's are decided again
 *   not seen one by one
 *   the graph is given up (memory, deletion)         all are revoked, for nobody would watch them
 *
 * A permit is noted in the turn in which it is decided, so no change falls between the two. It is
 * watched where it was minted: if that process ends, its permits live out their minute. It is watched
 * for as long as a verifier with a slow clock may take it.
 */
import { PembaError } from '../errors.js';
import type { ModelId, StoreId } from '../ids.js';
import type { StoreReplica } from '../replica/store-replica.js';
import { isOfTuple } from '../tuple/attributes.js';
import type { StoreChanges } from '../tuple/attributes.js';
import { formatObject, formatTupleKey } from '../tuple/tuple.js';
import type { ObjectRef, TupleKey } from '../tuple/tuple.js';
import { CLOCK_SKEW_MAX_S } from './lifetime.js';

export interface LivePermit {
  readonly id: string;
  /** Seconds since 1970, as is the end. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Stored tuples. */
  readonly tuples: readonly TupleKey[];
  /** Kinds of tuples, `type#relation`, that may end it when they come or go. */
  readonly comes: ReadonlySet<string>;
  readonly goes: ReadonlySet<string>;
  /** Whose attributes conditions may have read. */
  readonly entities: readonly ObjectRef[];
  /** Whether it would be granted now. */
  holds(): boolean;
}

/** The store's graph in this process. */
export type Watched = Pick<StoreReplica, 'storeId' | 'watch'>;

export interface LivePermitsParts {
  readonly now: () => number;
  readonly max: number;
  /** Makes the model ready to decide by, and then calls back, whether or not that worked. */
  readonly prepare: (storeId: StoreId, modelId: ModelId, done: () => void) => void;
  /** These permits; or whatever the store has issued, these among it. */
  readonly revoke: (storeId: StoreId, permits: readonly LivePermit[], all?: 'all') => void;
}

/** Decided again at once; beyond, all are revoked rather than the process held up: 10 ms or so. */
const MAX_RECHECKS = 2000;

export class LivePermits {
  readonly #parts: LivePermitsParts;
  readonly #stores = new Map<StoreId, StorePermits>();

  constructor(parts: LivePermitsParts) {
    this.#parts = parts;
  }

  get count(): number {
    let count = 0;
    for (const permits of this.#stores.values()) count += permits.count;
    return count;
  }

  /** Throws `overloaded` when there are too many, before anything is signed. */
  assertRoom(): void {
    if (this.count < this.#parts.max) return;
    this.#forgetExpired();
    if (this.count < this.#parts.max) return;
    throw new PembaError('overloaded', 'too many permits are alive: try again in a minute');
  }

  /** In the turn in which it was decided from the replica's graph. */
  add(replica: Watched, permit: LivePermit): void {
    const { storeId } = replica;
    let permits = this.#stores.get(storeId);
    if (permits?.replica !== replica) {
      if (permits !== undefined) this.#giveUp(storeId);
      permits = new StorePermits(replica);
      this.#stores.set(storeId, permits);
      replica.watch({
        changed: (changes) => {
          this.#changed(storeId, changes);
        },
        modelChanged: (modelId) => {
          this.#parts.prepare(storeId, modelId, () => {
            this.#changed(storeId, undefined);
          });
        },
        dropped: () => {
          this.#giveUp(storeId);
        },
      });
    }
    permits.forgetExpired(this.#seconds);
    permits.add(permit);
  }

  get #seconds(): number {
    return Math.floor(this.#parts.now() / 1000);
  }

  #forgetExpired(): void {
    for (const permits of this.#stores.values()) permits.forgetExpired(this.#seconds);
  }

  #changed(storeId: StoreId, changes: StoreChanges | undefined): void {
    const permits = this.#stores.get(storeId);
    if (permits === undefined) return;
    permits.forgetExpired(this.#seconds);
    if (permits.count === 0) return;
    const { ended, doubtful } = permits.touchedBy(changes);
    if (doubtful.size > MAX_RECHECKS) {
      this.#parts.revoke(storeId, permits.takeAll(), 'all');
      return;
    }
    for (const permit of doubtful) if (!ended.has(permit) && !holds(permit)) ended.add(permit);
    for (const permit of ended) permits.remove(permit);
    if (ended.size > 0) this.#parts.revoke(storeId, [...ended]);
  }

  #giveUp(storeId: StoreId): void {
    const permits = this.#stores.get(storeId);
    this.#stores.delete(storeId);
    permits?.replica.watch(undefined);
    permits?.forgetExpired(this.#seconds);
    if (permits === undefined || permits.count === 0) return;
    this.#parts.revoke(storeId, permits.takeAll(), 'all');
  }
}

/** What cannot be decided any more is not granted. */
function holds(permit: LivePermit): boolean {
  try {
    return permit.holds();
  } catch (error) {
    if (error instanceof PembaError) return false;
    throw error;
  }
}

class StorePermits {
  readonly replica: Watched;
  readonly #permits = new Set<LivePermit>();
  readonly #byTuple = new PermitIndex();
  /** Those that rest on an absence, by the changes that may end it: `write type#relation`. */
  readonly #byKind = new PermitIndex();
  readonly #byEntity = new PermitIndex();
  readonly #bySecond = new Map<number, LivePermit[]>();
  #forgottenAt = 0;

  constructor(replica: Watched) {
    this.replica = replica;
  }

  get count(): number {
    return this.#permits.size;
  }

  add(permit: LivePermit): void {
    this.#permits.add(permit);
    for (const [index, name] of this.#placesOf(permit)) index.add(name, permit);
    const second = permit.expiresAt + CLOCK_SKEW_MAX_S;
    const ending = this.#bySecond.get(second);
    if (ending === undefined) this.#bySecond.set(second, [permit]);
    else ending.push(permit);
  }

  remove(permit: LivePermit): void {
    if (!this.#permits.delete(permit)) return;
    for (const [index, name] of this.#placesOf(permit)) index.delete(name, permit);
  }

  *#placesOf(permit: LivePermit): Generator<[PermitIndex, string], void> {
    for (const key of permit.tuples) yield [this.#byTuple, formatTupleKey(key)];
    for (const kind of permit.comes) yield [this.#byKind, `write ${kind}`];
    for (const kind of permit.goes) yield [this.#byKind, `delete ${kind}`];
    for (const entity of permit.entities) yield [this.#byEntity, formatObject(entity)];
  }

  takeAll(): readonly LivePermit[] {
    const all = [...this.#permits];
    for (const permit of all) this.remove(permit);
    this.#bySecond.clear();
    return all;
  }

  /** Once a second at most; clocks are set back, too. */
  forgetExpired(now: number): void {
    if (now === this.#forgottenAt) return;
    this.#forgottenAt = now;
    for (const [second, permits] of this.#bySecond) {
      if (second > now) continue;
      for (const permit of permits) this.remove(permit);
      this.#bySecond.delete(second);
    }
  }

  /** Without changes, all are doubtful. */
  touchedBy(changes: StoreChanges | undefined): {
    readonly ended: Set<LivePermit>;
    readonly doubtful: ReadonlySet<LivePermit>;
  } {
    const ended = new Set<LivePermit>();
    if (changes === undefined) return { ended, doubtful: this.#permits };
    const doubtful = new Set<LivePermit>();
    for (const change of changes) {
      if (!isOfTuple(change)) {
        for (const permit of this.#byEntity.of(formatObject(change.entity))) doubtful.add(permit);
        continue;
      }
      const { operation, tuple } = change;
      // A tuple that is replaced is written over the one that was there.
      for (const permit of this.#byTuple.of(formatTupleKey(tuple))) ended.add(permit);
      const kind = `${operation} ${tuple.object.type}#${tuple.relation}`;
      for (const permit of this.#byKind.of(kind)) doubtful.add(permit);
    }
    return { ended, doubtful };
  }
}

/** Permits by a name that most share with no other: a set for each would take most of the memory. */
class PermitIndex {
  readonly #known = new Map<string, LivePermit | Set<LivePermit>>();

  of(name: string): Iterable<LivePermit> {
    const known = this.#known.get(name);
    if (known === undefined) return [];
    return known instanceof Set ? known : [known];
  }

  add(name: string, permit: LivePermit): void {
    const known = this.#known.get(name);
    if (known === undefined || known === permit) this.#known.set(name, permit);
    else if (known instanceof Set) known.add(permit);
    else this.#known.set(name, new Set([known, permit]));
  }

  delete(name: string, permit: LivePermit): void {
    const known = this.#known.get(name);
    if (known === permit) this.#known.delete(name);
    else if (known instanceof Set && known.delete(permit) && known.size === 0) {
      this.#known.delete(name);
    }
  }
}
