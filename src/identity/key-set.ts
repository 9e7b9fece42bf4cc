/**
 * The keys of one issuer, or of one registered client, kept current.
 *
 *   absent ──load──▶ fresh ──max age──▶ stale ──24 h──▶ absent
 *                      ▲───────load───────┘
 *
 * While fresh or stale, a known key is found in the same turn; an issuer that is down stops nobody
 * whose key is known. A refresh runs in the background when 80 % of the age is over. Reading the
 * keys on behalf of a token happens when its key is not known, and then is shared by all who wait,
 * and not repeated before the cooldown is over, whatever tokens arrive. After failures the cooldown
 * begins at a second and doubles.
 *
 * A key id that the issuer was asked for in vain is remembered for a while, so that a client which
 * goes on sending an old token does not cause a fetch with each cooldown. While the last attempt has
 * failed, an unknown key may well exist: that is `issuer_unavailable`, no word about the token.
 *
 * Ages are counted by the clock that never runs backwards.
 */
import type { CryptoKey } from 'jose';
import type { Clock } from '../clock.js';
import { BoundedMap } from './bounded-map.js';
import type { Algorithm, KeyOwner } from './issuers.js';
import { readJwkSet } from './jwk-set.js';
import type { JwkSet, VerificationKey } from './jwk-set.js';
import { readKeyDocument } from './key-source.js';
import type { Fetch } from './key-source.js';
import type { Timers } from './timers.js';
import { issuerUnavailable, tokenRefusal } from './token-refusal.js';

export type KeySetState = 'absent' | 'fresh' | 'stale';

export interface KeySetEvents {
  /** The keys were read. `ignored` says, a sentence each, which members of the set are of no use. */
  loaded(owner: KeyOwner, outcome: { keys: number; ignored: readonly string[] }): void;
  failed(owner: KeyOwner, error: unknown): void;
}

export interface KeySetParts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly fetch: Fetch;
  readonly events: KeySetEvents;
}

/** What most issuers say themselves is between an hour and a day; a withdrawn key ends this soon. */
const MAX_AGE_DEFAULT_MS = 600_000;
const MAX_AGE_MIN_MS = 60_000;
const MAX_AGE_MAX_MS = 3_600_000;
const REFRESH_AT = 0.8;
/** From the load on; an issuer that is down for longer is to be looked at by somebody. */
const USABLE_MS = 24 * 3_600_000;
const COOLDOWN_MS = 30_000;
const BACKOFF_MIN_MS = 1000;
const BACKOFF_MAX_MS = 60_000;
const TIMEOUT_MS = 5000;
/** Twice the cooldown: a key that is published later than it is used must not wait for long. */
const UNKNOWN_ID_MS = 60_000;
const UNKNOWN_IDS_MAX = 1000;

export class KeySet {
  readonly #owner: KeyOwner;
  readonly #parts: KeySetParts;
  #keys: ReadonlySet<VerificationKey> = new Set();
  #loadedAt = -Infinity;
  #maxAgeMs = 0;
  #failures = 0;
  #lastFailure: unknown;
  #nextAttemptAt = -Infinity;
  #refreshing: Promise<void> | undefined;
  /** Of key ids, '' for none, until when they count as unknown. */
  readonly #unknownIds = new BoundedMap<string, number>(UNKNOWN_IDS_MAX);
  #isStarted = false;
  #isStopped = false;
  #loading: AbortController | undefined;
  #cancelTimer: () => void = () => undefined;

  constructor(owner: KeyOwner, parts: KeySetParts) {
    this.#owner = owner;
    this.#parts = parts;
  }

  /** Loads, and goes on refreshing. Resolves after the first attempt, whatever came of it. */
  async start(): Promise<void> {
    if (this.#isStarted) return;
    this.#isStarted = true;
    await this.#refresh();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#loading?.abort();
    this.#cancelTimer();
    await this.#refreshing;
  }

  state(): KeySetState {
    const age = this.#age();
    return age < this.#maxAgeMs ? 'fresh' : age < USABLE_MS ? 'stale' : 'absent';
  }

  /** Whether the key may still be relied on. */
  holds(key: VerificationKey): boolean {
    return this.#keys.has(key) && this.#age() < USABLE_MS;
  }

  /** Some key of the algorithm, if one is known: for whoever only wants to take as long. */
  any(algorithm: Algorithm): CryptoKey | undefined {
    for (const { forAlgorithm } of this.#keys) {
      const material = forAlgorithm.get(algorithm);
      if (material !== undefined) return material;
    }
    return undefined;
  }

  /**
   * In the same turn if it is known. Throws or rejects with `unauthenticated` when there is no such
   * key, with `issuer_unavailable` when that cannot be known.
   */
  find(algorithm: Algorithm, id: string | undefined): VerificationKey | Promise<VerificationKey> {
    const known = this.#known(algorithm, id);
    if (known !== undefined) {
      if (this.state() === 'stale' && this.#mayAttempt()) void this.#refresh();
      return known;
    }
    if (this.#refreshing === undefined && (!this.#mayAttempt() || this.#isUnknown(id))) {
      throw this.#missing();
    }
    return this.#afterRefresh(algorithm, id);
  }

  async #afterRefresh(algorithm: Algorithm, id: string | undefined): Promise<VerificationKey> {
    await this.#refresh();
    const key = this.#known(algorithm, id);
    if (key !== undefined) return key;
    if (this.#isComplete()) this.#unknownIds.set(id ?? '', this.#now() + UNKNOWN_ID_MS);
    throw this.#missing();
  }

  #known(algorithm: Algorithm, id: string | undefined): VerificationKey | undefined {
    if (this.state() === 'absent') return undefined;
    const named = [...this.#keys].filter((key) => id === undefined || key.id === id);
    const [key, another] = named.filter((candidate) => candidate.forAlgorithm.has(algorithm));
    if (another !== undefined) throw tokenRefusal('ambiguous_key');
    if (key === undefined && id !== undefined && named.length > 0) {
      throw tokenRefusal('key_algorithm');
    }
    return key;
  }

  #missing(): Error {
    return this.#isComplete() ? tokenRefusal('unknown_key') : issuerUnavailable(this.#lastFailure);
  }

  #isUnknown(id: string | undefined): boolean {
    const until = this.#unknownIds.get(id ?? '') ?? -Infinity;
    return this.#isComplete() && this.#now() < until;
  }

  /** Whether what is not among the keys may be said not to exist. */
  #isComplete(): boolean {
    return this.#failures === 0 && this.state() !== 'absent';
  }

  #mayAttempt(): boolean {
    return this.#now() >= this.#nextAttemptAt && !this.#isStopped;
  }

  /** One at a time; never rejects. */
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#attempt().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #attempt(): Promise<void> {
    this.#cancelTimer();
    let waitMs: number;
    try {
      await this.#load();
      this.#failures = 0;
      this.#lastFailure = undefined;
      this.#nextAttemptAt = this.#now() + COOLDOWN_MS;
      waitMs = this.#maxAgeMs * REFRESH_AT;
    } catch (error) {
      waitMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** this.#failures);
      this.#failures += 1;
      this.#lastFailure = error;
      this.#nextAttemptAt = this.#now() + waitMs;
      if (!this.#isStopped) this.#parts.events.failed(this.#owner, error);
    }
    if (!this.#isStarted || this.#isStopped) return;
    this.#cancelTimer = this.#parts.timers.after(waitMs, () => void this.#refresh());
  }

  async #load(): Promise<void> {
    const { keys: source, algorithms } = this.#owner;
    const loading = new AbortController();
    this.#loading = loading;
    const cancelTimeout = this.#parts.timers.after(TIMEOUT_MS, () => {
      loading.abort(new Error(`no answer within ${TIMEOUT_MS} ms`));
    });
    try {
      const document = await readKeyDocument(source, this.#parts.fetch, loading.signal);
      const set = await readJwkSet(document.bytes, algorithms);
      this.#replace(set, document.maxAgeMs ?? MAX_AGE_DEFAULT_MS);
    } finally {
      cancelTimeout();
    }
  }

  /** A key that stays is the same object as before: what was verified with it goes on to count. */
  #replace({ keys, ignored }: JwkSet, maxAgeMs: number): void {
    const known = new Map([...keys, ...this.#keys].map((key) => [key.identity, key]));
    this.#keys = new Set(keys.map((key) => known.get(key.identity) ?? key));
    this.#loadedAt = this.#now();
    this.#maxAgeMs = Math.min(MAX_AGE_MAX_MS, Math.max(MAX_AGE_MIN_MS, maxAgeMs));
    this.#parts.events.loaded(this.#owner, { keys: this.#keys.size, ignored });
  }

  #age = (): number => this.#now() - this.#loadedAt;
  #now = (): number => this.#parts.clock.monotonic();
}
