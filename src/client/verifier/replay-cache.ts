/**
 * What was used once and must not be used again, until it would have expired anyway. Nothing is
 * driven out early, for that would let it in once more: when there is no room, nothing new is let in.
 */
import type { Clock } from '../../clock.js';

export type ReplayOutcome = 'new' | 'seen' | 'full';

/**
 * One that several processes share (a database, Redis `SET key NX EXAT`) implements this. Looking and
 * remembering must be one step.
 */
export interface ReplayCache {
  /** `expiresAt` is in seconds since 1970; afterwards the id may be forgotten. */
  remember(id: string, expiresAt: number): ReplayOutcome | Promise<ReplayOutcome>;
}

/** At a minute each, for some 1600 mutations a second; some 20 MB when full. */
const ENTRIES_MAX_DEFAULT = 100_000;

export class MemoryReplayCache implements ReplayCache {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #entriesMax: number;
  readonly #expiries = new Map<string, number>();
  #sweptAt = -Infinity;

  constructor(clock: Pick<Clock, 'now'>, entriesMax = ENTRIES_MAX_DEFAULT) {
    this.#clock = clock;
    this.#entriesMax = entriesMax;
  }

  get size(): number {
    return this.#expiries.size;
  }

  remember(id: string, expiresAt: number): ReplayOutcome {
    const now = Math.floor(this.#clock.now() / 1000);
    const known = this.#expiries.get(id);
    if (known !== undefined && now <= known) return 'seen';
    if (this.#expiries.size >= this.#entriesMax) this.#sweep(now);
    if (this.#expiries.size >= this.#entriesMax) return 'full';
    this.#expiries.set(id, expiresAt);
    return 'new';
  }

  /** Expiries are whole seconds: within one, a second sweep would find nothing. */
  #sweep(now: number): void {
    if (now === this.#sweptAt) return;
    this.#sweptAt = now;
    for (const [id, expiresAt] of this.#expiries) {
      if (expiresAt < now) this.#expiries.delete(id);
    }
  }
}
