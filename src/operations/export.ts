/**
 * A store as it is at one revision, in pieces, as fast as they are taken. It is one transaction of
 * PostgreSQL, which keeps for it what is deleted meanwhile: so it has a time limit, and a process
 * gives out only some at once.
 *
 * What has expired is left out, and so is what no graph holds: that a service acts for a user.
 */
import { PembaError } from '../errors.js';
import type { StoreId } from '../ids.js';
import { formatDuration } from '../quantity.js';
import { ConsistencyTokens } from '../replica/consistency-tokens.js';
import type { StorePiece } from '../storage/snapshot.js';
import { readPieces } from '../storage/snapshot.js';
import { storeNotFound } from '../storage/stores.js';
import { isActingFor } from '../tuple/delegation.js';
import type { RelationTuple } from '../tuple/tuple.js';
import type { Engine } from './engine.js';

export interface StoreExport {
  readonly name: string;
  readonly revision: number;
  readonly consistencyToken: string;
  readonly pieces: AsyncGenerator<ContentPiece, void, undefined>;
  /** To be called by whoever does not read to the end; else it does no harm. */
  readonly end: () => Promise<void>;
}

export type ContentPiece = Exclude<StorePiece, { readonly kind: 'store' }>;

/** How many of a process are going out or, by a restore, coming in. */
export class ExportSlots {
  readonly #max: number;
  readonly #what: string;
  #taken = 0;

  constructor(max: number, what = 'stores are going out or coming in') {
    this.#max = max;
    this.#what = what;
  }

  /** Throws `overloaded` when all are taken; returns how to give it back, once. */
  take(): () => void {
    if (this.#taken >= this.#max) {
      throw new PembaError('overloaded', `${this.#max} ${this.#what}: try again later`);
    }
    this.#taken += 1;
    let isTaken = true;
    return () => {
      if (isTaken) this.#taken -= 1;
      isTaken = false;
    };
  }
}

/** Throws `store_not_found`, and `overloaded`. */
export async function exportStore(
  engine: Engine,
  storeId: StoreId,
  { slots, models }: { readonly slots: ExportSlots; readonly models: boolean },
): Promise<StoreExport> {
  const giveBack = slots.take();
  const deadline = engine.clock.monotonic() + engine.config.snapshotTimeoutMs;
  const reading = readPieces(engine.database, storeId, { models });
  const end = async (): Promise<void> => {
    giveBack();
    await reading.return();
  };
  try {
    const first = await reading.next();
    if (first.done === true) throw storeNotFound(storeId);
    if (first.value.kind !== 'store') throw new PembaError('internal', 'a store comes first');
    const { name, head } = first.value;
    return {
      name,
      revision: head.revision,
      consistencyToken: new ConsistencyTokens(storeId, head.tokenKey).of(head.revision),
      pieces: contents(engine, reading, { deadline, end }),
      end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

async function* contents(
  { clock, config }: Engine,
  reading: AsyncGenerator<StorePiece, void, undefined>,
  { deadline, end }: { readonly deadline: number; readonly end: () => Promise<void> },
): AsyncGenerator<ContentPiece, void, undefined> {
  const now = clock.now();
  const counts = (tuple: RelationTuple): boolean =>
    !isActingFor(tuple) && (tuple.expiresAt === undefined || tuple.expiresAt > now);
  try {
    for await (const piece of reading) {
      if (piece.kind === 'tuples') yield { ...piece, tuples: piece.tuples.filter(counts) };
      else if (piece.kind !== 'store') yield piece;
      if (clock.monotonic() > deadline) throw tooSlow(config.snapshotTimeoutMs);
    }
  } finally {
    await end();
  }
}

const tooSlow = (ms: number): PembaError =>
  new PembaError(
    'query_deadline',
    `it was not read within PEMBA_SNAPSHOT_TIMEOUT=${formatDuration(ms)}`,
  );
