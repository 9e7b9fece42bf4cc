/**
 * The stores that this process holds. A store is loaded when it is first asked for, followed from
 * then on, and dropped when it is deleted.
 */
import type { Clock } from '../clock.js';
import { PembaError } from '../errors.js';
import type { StoreId } from '../ids.js';
import { isUnavailability } from '../storage/database.js';
import type { Database } from '../storage/database.js';
import { storeHeads } from '../storage/stores.js';
import type { ChangeNotice, StoreHead } from '../storage/stores.js';
import { ChangeListener } from './listener.js';
import { StoreReplica } from './store-replica.js';

export interface ReplicasOptions {
  readonly pollIntervalMs: number;
  /** For all graphs together; beyond, those used longest ago are dropped. Default: no limit. */
  readonly memoryBytes?: number;
  readonly onError: (what: string, error: unknown) => void;
}

/** How many stores are behind, and which of them for the longest. */
export interface Lag {
  readonly count: number;
  readonly worst: { readonly storeId: StoreId; readonly ms: number };
}

export class Replicas {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #options: ReplicasOptions;
  readonly #listener: ChangeListener;
  readonly #open = new Map<StoreId, StoreReplica>();
  readonly #loading = new Map<StoreId, Promise<StoreReplica>>();
  readonly #headQueries = new Map<StoreId, Promise<StoreHead | undefined>>();
  #pollTimer: NodeJS.Timeout | undefined;
  #polledAt: number;
  #headsReadAt: number;
  #polling: Promise<void> | undefined;
  #uses = 0;
  #onModels: (() => void) | undefined;

  constructor(database: Database, clock: Clock, options: ReplicasOptions) {
    this.#database = database;
    this.#clock = clock;
    this.#options = options;
    this.#polledAt = clock.monotonic();
    this.#headsReadAt = this.#polledAt;
    this.#listener = new ChangeListener(database, {
      changed: (notice) => {
        // Of a commit of this process, the answer comes at about the same time, and brings it along.
        setImmediate(() => {
          this.#noticed(notice);
        });
        if (notice.revision === undefined) this.#onModels?.();
      },
      listening: () => void this.poll(),
      failed: (error) => {
        options.onError('listening for changes', error);
      },
    });
  }

  start(): void {
    this.#listener.start();
    this.#pollTimer = setInterval(() => void this.poll(), this.#options.pollIntervalMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#pollTimer);
    await this.#listener.stop();
    await this.#polling;
  }

  /** Milliseconds since every open store was last known to be at its head. */
  get stalenessMs(): number {
    return this.#clock.monotonic() - this.#polledAt;
  }

  /** Milliseconds since the heads of all open stores were read. */
  get headsAgeMs(): number {
    return this.#clock.monotonic() - this.#headsReadAt;
  }

  /** The stores that know of a head which they have not been at for more than so long. */
  behind(ms: number): Lag | undefined {
    const now = this.#clock.monotonic();
    let count = 0;
    let worst: StoreReplica | undefined;
    for (const replica of this.#open.values()) {
      if (!replica.isBehind || now - replica.currentAt <= ms) continue;
      count += 1;
      if (worst === undefined || replica.currentAt < worst.currentAt) worst = replica;
    }
    return worst && { count, worst: { storeId: worst.storeId, ms: now - worst.currentAt } };
  }

  get stores(): Iterable<StoreReplica> {
    return this.#open.values();
  }

  peek(storeId: StoreId): StoreReplica | undefined {
    const replica = this.#open.get(storeId);
    if (replica !== undefined) replica.lastUse = ++this.#uses;
    return replica;
  }

  /** Loads the store if need be; throws `store_not_found`. */
  async open(storeId: StoreId): Promise<StoreReplica> {
    const replica = this.peek(storeId);
    if (replica !== undefined) return replica;
    let loading = this.#loading.get(storeId);
    if (loading === undefined) {
      loading = this.#load(storeId).finally(() => this.#loading.delete(storeId));
      this.#loading.set(storeId, loading);
    }
    return loading;
  }

  /** Resolves when the store is at the head as it is now: one query for all who ask together. */
  async reachHead(replica: StoreReplica): Promise<void> {
    const { storeId } = replica;
    const askedAt = this.#clock.monotonic();
    let query = this.#headQueries.get(storeId);
    if (query === undefined) {
      query = this.#queryHead(storeId);
      this.#headQueries.set(storeId, query);
    }
    const head = await query;
    if (head === undefined) {
      this.drop(storeId);
      throw new PembaError('store_not_found', 'Store ID not found');
    }
    await replica.keepUp(head, askedAt);
  }

  drop(storeId: StoreId): void {
    const replica = this.#open.get(storeId);
    this.#open.delete(storeId);
    replica?.drop();
  }

  /** `hear` is called when some store may have another model; a notice can be lost. */
  watchModels(hear: () => void): void {
    this.#onModels = hear;
  }

  /** Resolves when no store is held that knows an older newest model than was stored before. */
  async learnModels(): Promise<void> {
    // One that is being loaded may have been read before.
    await Promise.allSettled(this.#loading.values());
    const heads = await storeHeads(this.#database, [...this.#open.keys()]);
    for (const [id, { newestModel }] of heads) this.#open.get(id)?.noteModel(newestModel);
  }

  /** Compares every open store with its head. Never rejects. */
  poll(): Promise<void> {
    this.#polling ??= this.#poll()
      .catch((error: unknown) => {
        this.#options.onError('polling for changes', error);
      })
      .finally(() => {
        this.#polling = undefined;
      });
    return this.#polling;
  }

  async #poll(): Promise<void> {
    const readAt = this.#clock.monotonic();
    const ids = [...this.#open.keys()];
    const heads = await storeHeads(this.#database, ids);
    this.#headsReadAt = readAt;
    const failures: unknown[] = [];
    for (const id of ids) {
      const head = heads.get(id);
      try {
        if (head === undefined) this.drop(id);
        else await this.#open.get(id)?.keepUp(head, readAt);
      } catch (error) {
        // What is wrong with one store must not keep the others back.
        if (isUnavailability(error)) throw error;
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    this.#polledAt = readAt;
    this.#economize();
  }

  /** Keeps the graphs within their memory, and makes those anew that have become mostly holes. */
  #economize(): void {
    this.#makeRoom();
    for (const replica of this.#open.values()) {
      if (!replica.graph.isWasteful) continue;
      replica.compact().catch((error: unknown) => {
        this.#options.onError('compacting a store', error);
      });
    }
  }

  /** Drops the stores used longest ago until the rest fits. */
  #makeRoom(): void {
    const { memoryBytes = Infinity } = this.#options;
    const byUse = [...this.#open.values()].sort((a, b) => b.lastUse - a.lastUse);
    let total = 0;
    for (const replica of byUse) {
      total += replica.graph.bytes;
      if (total > memoryBytes) this.drop(replica.storeId);
    }
  }

  /**
   * The query is shared by those who ask in the same turn of the event loop, before it is sent: a
   * query sent earlier could miss a commit that the asker has already seen acknowledged.
   */
  async #queryHead(storeId: StoreId): Promise<StoreHead | undefined> {
    await new Promise(setImmediate);
    this.#headQueries.delete(storeId);
    return (await storeHeads(this.#database, [storeId])).get(storeId);
  }

  async #load(storeId: StoreId): Promise<StoreReplica> {
    const { memoryBytes } = this.#options;
    const replica = await StoreReplica.load(storeId, this.#database, this.#clock, memoryBytes);
    replica.lastUse = ++this.#uses;
    this.#open.set(storeId, replica);
    this.#makeRoom();
    // Notices that came while it was loading went unheard.
    this.#noticed({ storeId, revision: undefined });
    return replica;
  }

  /** A revision is followed to; without one something else changed, and the head is asked for. */
  #noticed({ storeId, revision }: ChangeNotice): void {
    const replica = this.#open.get(storeId);
    if (replica === undefined) return;
    const fail = (error: unknown): void => {
      if (error instanceof PembaError && error.code === 'store_not_found') return;
      this.#options.onError('following a store', error);
    };
    const reached = revision === undefined ? this.reachHead(replica) : replica.catchUp(revision);
    reached.catch(fail);
  }
}
