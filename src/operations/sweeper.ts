/**
 * What has ended goes away by itself: expired tuples, through the change log like any delete, the
 * rows of stores that were deleted a while ago, the memory of what could count once only, and
 * processes that have ended without a word. Several processes may sweep at once; each delete is
 * decided under the store's lock, so none is logged twice.
 */
import type { StoreId } from '../ids.js';
import { forgetProcesses } from '../storage/processes.js';
import { purgeDeletedStore } from '../storage/purge.js';
import { deleteExpiredRevocations } from '../storage/revocations.js';
import { readExpired } from '../storage/read-tuples.js';
import { forgetUsed } from '../storage/used-once.js';
import type { RelationTuple } from '../tuple/tuple.js';
import type { Engine } from './engine.js';
import { SILENT_MS } from './rollout.js';
import { submit } from './write.js';

export class Sweeper {
  readonly #engine: Engine;
  readonly #onError: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> | undefined;
  #stopping = false;

  constructor(engine: Engine, onError: (error: unknown) => void) {
    this.#engine = engine;
    this.#onError = onError;
  }

  start(): void {
    this.#timer = setInterval(() => void this.sweep(), this.#engine.config.sweepIntervalMs);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#timer);
    await this.#sweeping;
  }

  /** One sweep at a time; never rejects. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep()
      .catch(this.#onError)
      .finally(() => {
        this.#sweeping = undefined;
      });
    return this.#sweeping;
  }

  async #sweep(): Promise<void> {
    while (!this.#stopping && (await this.#sweepTuples())) continue;
    while (!this.#stopping && (await this.#purge())) continue;
    while (!this.#stopping && (await this.#sweepRevocations())) continue;
    while (!this.#stopping && (await this.#forgetUsed())) continue;
    if (!this.#stopping) await forgetProcesses(this.#engine.database, SILENT_MS);
  }

  async #sweepRevocations(): Promise<boolean> {
    const { database, clock, config } = this.#engine;
    const now = new Date(clock.now());
    return (await deleteExpiredRevocations(database, now, config.batchSize)) === config.batchSize;
  }

  /** True when there may be more. */
  async #sweepTuples(): Promise<boolean> {
    const { database, clock, config } = this.#engine;
    const expired = await readExpired(database, new Date(clock.now()), config.batchSize);
    const byStore = new Map<StoreId, RelationTuple[]>();
    for (const { storeId, tuple } of expired) {
      const tuples = byStore.get(storeId);
      if (tuples === undefined) byStore.set(storeId, [tuple]);
      else tuples.push(tuple);
    }
    for (const [storeId, deletes] of byStore) {
      await submit(this.#engine, storeId, {
        deletes,
        writes: [],
        onMissing: 'ignore',
        onDuplicate: 'error',
        onlyExpired: true,
      });
    }
    return expired.length === config.batchSize;
  }

  async #forgetUsed(): Promise<boolean> {
    const { database, clock, config } = this.#engine;
    const now = new Date(clock.now());
    return (await forgetUsed(database, now, config.batchSize)) === config.batchSize;
  }

  async #purge(): Promise<boolean> {
    const { database, clock, config } = this.#engine;
    const before = new Date(clock.now() - config.deletedStoreRetentionMs);
    return (await purgeDeletedStore(database, before, config.batchSize)) > 0;
  }
}
