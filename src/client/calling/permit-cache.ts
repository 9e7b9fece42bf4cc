/**
 * Permits that are still good, by all that they were asked for with. Who asks for one that is being
 * fetched waits for that one.
 *
 * NO PERMIT OLDER THAN A WRITE. A write of this client may have ended what a permit rests on, so it
 * empties the cache; what was on its way then is handed to those who wait, and not kept.
 */
import type { Call, Time } from './call.js';
import type { PermitCacheOptions } from './exchange-options.js';
import { SharedCalls } from './shared-call.js';
import type { IssuedToken } from './token-exchange.js';

interface Kept {
  readonly permit: IssuedToken;
  /** In `Time.now`. */
  readonly expiresAt: number;
}

export class PermitCache {
  readonly #time: Time;
  readonly #minValidMs: number;
  readonly #maxPermits: number;
  readonly #kept = new Map<string, Kept>();
  readonly #pending = new SharedCalls<IssuedToken>();
  #age = 0;

  constructor(time: Time, { minValidSeconds = 10, maxPermits = 1000 }: PermitCacheOptions) {
    this.#time = time;
    this.#minValidMs = minValidSeconds * 1000;
    this.#maxPermits = maxPermits;
  }

  async get(
    key: string,
    call: Call,
    fetch: (call: Call) => Promise<IssuedToken>,
  ): Promise<IssuedToken> {
    const kept = this.#kept.get(key);
    const leftMs = (kept?.expiresAt ?? 0) - this.#time.now();
    if (kept !== undefined && leftMs >= this.#minValidMs) {
      return { ...kept.permit, expiresInSeconds: Math.floor(leftMs / 1000) };
    }
    return this.#pending.join(key, call, (own) => this.#fetch(key, own, fetch));
  }

  clear(): void {
    this.#age++;
    this.#kept.clear();
    this.#pending.clear();
  }

  async #fetch(
    key: string,
    call: Call,
    fetch: (call: Call) => Promise<IssuedToken>,
  ): Promise<IssuedToken> {
    const age = this.#age;
    // Its life is counted from before it was asked for: it cannot be longer than it is.
    const askedAt = this.#time.now();
    const permit = await fetch(call);
    if (age !== this.#age) return permit;
    this.#kept.delete(key);
    this.#kept.set(key, { permit, expiresAt: askedAt + permit.expiresInSeconds * 1000 });
    // The one that was fetched longest ago ends first, as a rule.
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#maxPermits) break;
      this.#kept.delete(oldest);
    }
    return permit;
  }
}
