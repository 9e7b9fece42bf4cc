/**
 * Brings the requests for a store that arrive while a transaction of it runs into the next one. The
 * store's row lock would make them wait anyway; so they share its cost instead.
 *
 * A store's queue has a limit: when the database is slow, callers are told rather than kept.
 *
 * Each caller gets its own outcome. If a shared transaction fails for another reason than an
 * unavailable database, its requests are tried again alone, so that none fails for its neighbour.
 */
import { PembaError } from '../errors.js';
import type { StoreId } from '../ids.js';
import { isUnavailability } from './database.js';
import type { WriteOutcome, WriteRequest } from './write-ledger.js';

type Write = (
  storeId: StoreId,
  requests: readonly WriteRequest[],
) => Promise<readonly WriteOutcome[]>;

interface Waiting {
  readonly request: WriteRequest;
  readonly resolve: (outcome: WriteOutcome) => void;
  readonly reject: (reason: unknown) => void;
}

/** Beyond some dozens the cost of the commit is spread thin already, and latency only grows. */
const MAX_REQUESTS_PER_TRANSACTION = 64;

export class WriteQueue {
  readonly #write: Write;
  readonly #maxWaiting: number;
  readonly #waiting = new Map<StoreId, Waiting[]>();

  /** `maxWaiting`: requests of one store, besides those in a transaction. */
  constructor(write: Write, maxWaiting = Infinity) {
    this.#write = write;
    this.#maxWaiting = maxWaiting;
  }

  submit(storeId: StoreId, request: WriteRequest): Promise<WriteOutcome> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { request, resolve, reject };
      const queue = this.#waiting.get(storeId);
      if (queue !== undefined) {
        if (queue.length >= this.#maxWaiting) reject(tooManyWaiting(queue.length));
        else queue.push(waiting);
        return;
      }
      this.#waiting.set(storeId, [waiting]);
      void this.#drain(storeId);
    });
  }

  async #drain(storeId: StoreId): Promise<void> {
    const queue = this.#waiting.get(storeId) ?? [];
    while (queue.length > 0) {
      // Whoever asks in this turn of the event loop, such as those just answered, comes along.
      await new Promise(setImmediate);
      await this.#transact(storeId, queue.splice(0, MAX_REQUESTS_PER_TRANSACTION));
    }
    this.#waiting.delete(storeId);
  }

  async #transact(storeId: StoreId, batch: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await this.#write(
        storeId,
        batch.map(({ request }) => request),
      );
      batch.forEach(({ resolve, reject }, i) => {
        const outcome = outcomes[i];
        if (outcome === undefined) reject(new Error('a write got no outcome'));
        else resolve(outcome);
      });
    } catch (error) {
      if (batch.length > 1 && !isUnavailability(error)) {
        for (const waiting of batch) await this.#transact(storeId, [waiting]);
      } else {
        for (const { reject } of batch) reject(error);
      }
    }
  }
}

const tooManyWaiting = (waiting: number): PembaError =>
  new PembaError('unavailable', `${waiting} writes to the store wait already: try again later`, {
    facts: { waiting },
  });
