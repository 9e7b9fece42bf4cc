/**
 * Brings the requests for a store that arrive while a transaction of it runs into the next one. The
 * store's row lock would make them wait anyway; so they share its cost instead.
 *
 * Each caller gets its own outcome. If a shared transaction fails for another reason than an
 * unavailable database, its requests are tried again alone, so that none fails for its neighbour.
 */
import type { StoreId } from '../ids.js';
import { isUnavailability } from './database.js';
import type { WriteOutcome, WriteRequest } from './write-tuples.js';

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
  readonly #waiting = new Map<StoreId, Waiting[]>();

  constructor(write: Write) {
    this.#write = write;
  }

  submit(storeId: StoreId, request: WriteRequest): Promise<WriteOutcome> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { request, resolve, reject };
      const queue = this.#waiting.get(storeId);
      if (queue !== undefined) {
        queue.push(waiting);
        return;
      }
      this.#waiting.set(storeId, [waiting]);
      void this.#drain(storeId);
    });
  }

  async #drain(storeId: StoreId): Promise<void> {
    const queue = this.#waiting.get(storeId) ?? [];
    while (queue.length > 0) {
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
