/**
 * The watermarks of stores: raised here or in another process, kept in PostgreSQL until they concern
 * nothing any more, and followed by whoever verifies permits.
 *
 * RAISING must not fail for good: what cannot be stored is kept and stored later, in order. In this
 * process a watermark counts from the moment it is raised.
 *
 * FOLLOWING: a store is read after the last id that was seen, which misses nothing because ids become
 * visible in their order. It is read every `POLL_MS` while somebody follows it, and else when asked.
 */
import type { Clock } from '../clock.js';
import type { StoreId } from '../ids.js';
import type { Timers } from '../identity/timers.js';
import type { Database } from '../storage/database.js';
import type { Deed } from '../storage/audit-chain.js';
import { appendDeeds } from '../storage/audit.js';
import { insertRevocations, lastRevocationId, readRevocations } from '../storage/revocations.js';
import type { NewRevocation } from '../storage/revocations.js';
import { StoreWatermarks } from './store-watermarks.js';
import type { Revocable } from './revocation-list.js';
import type { Watermark } from './watermark.js';

/** Beside the 60 s that a permit lives, what a service learns late by this is little. */
export const POLL_MS = 500;
/** A store that nobody has asked about for so long is forgotten; permits live for 5 minutes. */
const FORGOTTEN_AFTER_MS = 10 * 60_000;
const RETRY_MS = 1000;
const PAGE = 1000;

export interface RevocationsParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly onError: (what: string, error: unknown) => void;
  readonly onRaised: (count: number) => void;
}

interface Feed {
  readonly watermarks: StoreWatermarks;
  reading: Promise<void> | undefined;
  readAt: number;
  usedAt: number;
  /** Called once when there is something new. */
  readonly waiting: Set<() => void>;
}

export class Revocations {
  readonly #parts: RevocationsParts;
  readonly #feeds = new Map<StoreId, Feed>();
  readonly #unstored = new Map<StoreId, NewRevocation[]>();
  readonly #storing = new Map<StoreId, Promise<void>>();
  readonly #followers = new Map<StoreId, number>();
  #cancelPoll: (() => void) | undefined;
  #isEnding = false;
  #isStopped = false;

  constructor(parts: RevocationsParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#poll();
  }

  /** Ends what follows; nothing is to be waited for that goes on for ever. */
  endStreams(): void {
    this.#isEnding = true;
    for (const { waiting } of this.#feeds.values()) for (const wake of waiting) wake();
  }

  /** Stores what is still to be stored, if that works at once. */
  async stop(): Promise<void> {
    this.endStreams();
    this.#isStopped = true;
    this.#cancelPoll?.();
    await Promise.all([...this.#unstored.keys()].map((storeId) => this.#store(storeId)));
  }

  raise(storeId: StoreId, revocations: readonly NewRevocation[]): void {
    if (revocations.length === 0) return;
    this.#parts.onRaised(revocations.length);
    this.#feed(storeId).watermarks.addOwn(revocations);
    const waiting = this.#unstored.get(storeId);
    if (waiting === undefined) this.#unstored.set(storeId, [...revocations]);
    else waiting.push(...revocations);
    void this.#store(storeId);
  }

  /** By hand: resolves when it is stored, with what the audit log says of it. */
  async raiseNow(storeId: StoreId, revocation: NewRevocation, deed?: Deed): Promise<void> {
    const { database, clock, onRaised } = this.#parts;
    await database.transaction(async (session) => {
      await insertRevocations(session, storeId, [revocation]);
      if (deed !== undefined) {
        await appendDeeds(session, storeId, [deed], new Date(clock.now()));
      }
    });
    onRaised(1);
    // A reading that is under way may have begun before.
    this.#feed(storeId).watermarks.addOwn([revocation]);
    await this.#read(storeId);
  }

  /**
   * Whether the store has come to this id. It has not where the database was restored since it was
   * given: who waits for what comes after it would miss all until then.
   */
  async hasReached(storeId: StoreId, id: number): Promise<boolean> {
    if (id <= this.#feed(storeId).watermarks.lastId) return true;
    return id <= (await lastRevocationId(this.#parts.database, storeId));
  }

  /** Those after an id. Reads what other processes have raised, unless that was done just now. */
  async after(storeId: StoreId, id: number, limit: number): Promise<readonly Watermark[]> {
    await this.#freshen(storeId);
    return this.#feed(storeId).watermarks.after(id, limit, this.#seconds);
  }

  /** Reads what other processes have raised, unless that was done just now. Never rejects. */
  async refresh(storeId: StoreId): Promise<void> {
    try {
      await this.#freshen(storeId);
    } catch (error) {
      this.#parts.onError('reading revocations', error);
    }
  }

  /** Whether a permit is revoked, as far as is known: the database may be away. */
  concern(storeId: StoreId, permit: Revocable): boolean {
    return this.#feed(storeId).watermarks.concern(permit, this.#seconds);
  }

  /**
   * What comes after an id, as it comes, in parts; an empty part when there was nothing for so long.
   * Ends when it is stopped, or by the signal of who follows.
   */
  async *follow(
    storeId: StoreId,
    id: number,
    { heartbeatMs, signal }: { readonly heartbeatMs: number; readonly signal: AbortSignal },
  ): AsyncGenerator<readonly Watermark[], void, undefined> {
    this.#followers.set(storeId, (this.#followers.get(storeId) ?? 0) + 1);
    try {
      let last = id;
      const next = (): readonly Watermark[] =>
        this.#feed(storeId).watermarks.after(last, PAGE, this.#seconds);
      await this.#freshen(storeId);
      yield [];
      while (!this.#isEnding && !signal.aborted) {
        let found = next();
        // In the turn in which nothing was found, so that nothing comes between.
        if (found.length === 0) {
          await this.#news(storeId, heartbeatMs, signal);
          found = next();
        }
        last = found.at(-1)?.id ?? last;
        yield found;
      }
    } finally {
      const left = (this.#followers.get(storeId) ?? 1) - 1;
      if (left === 0) this.#followers.delete(storeId);
      else this.#followers.set(storeId, left);
    }
  }

  get #seconds(): number {
    return Math.floor(this.#parts.clock.now() / 1000);
  }

  #feed(storeId: StoreId): Feed {
    const usedAt = this.#parts.clock.monotonic();
    let feed = this.#feeds.get(storeId);
    if (feed === undefined) {
      const watermarks = new StoreWatermarks();
      feed = { watermarks, reading: undefined, readAt: -Infinity, usedAt, waiting: new Set() };
      this.#feeds.set(storeId, feed);
    }
    feed.usedAt = usedAt;
    return feed;
  }

  #news(storeId: StoreId, ms: number, signal: AbortSignal): Promise<void> {
    const { waiting } = this.#feed(storeId);
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const cancel = this.#parts.timers.after(ms, wake);
      waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  async #freshen(storeId: StoreId): Promise<void> {
    const { readAt } = this.#feed(storeId);
    if (this.#parts.clock.monotonic() - readAt >= POLL_MS) await this.#read(storeId);
  }

  #read(storeId: StoreId): Promise<void> {
    const feed = this.#feed(storeId);
    feed.reading ??= this.#readAll(storeId, feed).finally(() => {
      feed.reading = undefined;
    });
    return feed.reading;
  }

  async #readAll(storeId: StoreId, feed: Feed): Promise<void> {
    const { database, clock } = this.#parts;
    const { watermarks, waiting } = feed;
    const readAt = clock.monotonic();
    let found;
    do {
      const after = watermarks.lastId;
      const now = new Date(clock.now());
      found = await readRevocations(database, storeId, { after, now, limit: PAGE });
      watermarks.add(found);
      if (found.length > 0) for (const wake of waiting) wake();
    } while (found.length === PAGE);
    feed.readAt = readAt;
  }

  #poll(): void {
    this.#cancelPoll = this.#parts.timers.after(POLL_MS, () => {
      this.#forget();
      const reads = [...this.#followers.keys()].map((storeId) => this.#read(storeId));
      void Promise.all(reads)
        .catch((error: unknown) => {
          this.#parts.onError('reading revocations', error);
        })
        .then(() => {
          if (!this.#isStopped) this.#poll();
        });
    });
  }

  #forget(): void {
    const before = this.#parts.clock.monotonic() - FORGOTTEN_AFTER_MS;
    for (const [storeId, { usedAt }] of this.#feeds) {
      if (usedAt < before && !this.#followers.has(storeId)) this.#feeds.delete(storeId);
    }
  }

  #store(storeId: StoreId): Promise<void> {
    let storing = this.#storing.get(storeId);
    if (storing === undefined) {
      storing = this.#storeAll(storeId).finally(() => this.#storing.delete(storeId));
      this.#storing.set(storeId, storing);
    }
    return storing;
  }

  /** Never rejects. */
  async #storeAll(storeId: StoreId): Promise<void> {
    const { database, timers, onError } = this.#parts;
    for (;;) {
      const seconds = this.#seconds;
      const waiting = (this.#unstored.get(storeId) ?? []).filter((one) => one.expiresAt > seconds);
      this.#unstored.delete(storeId);
      if (waiting.length === 0) return;
      try {
        await insertRevocations(database, storeId, waiting);
        await this.#read(storeId);
      } catch (error) {
        this.#unstored.set(storeId, [...waiting, ...(this.#unstored.get(storeId) ?? [])]);
        onError('storing revocations', error);
        if (this.#isStopped) return;
        await new Promise<void>((resolve) => {
          timers.after(RETRY_MS, resolve);
        });
      }
    }
  }
}
