/** Time that moves only when it is told to; what waits for it runs then. */
import type { Clock } from '../../src/clock.js';
import type { Timers } from '../../src/identity/timers.js';

export class ManualTime implements Clock, Timers {
  #now: number;
  #monotonic = 0;
  readonly #waiting = new Set<{ readonly at: number; readonly run: () => void }>();

  constructor(now = Date.UTC(2030, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  after(ms: number, run: () => void): () => void {
    const waiting = { at: this.#monotonic + ms, run };
    this.#waiting.add(waiting);
    return () => void this.#waiting.delete(waiting);
  }

  /** How many wait for their time. */
  get waiting(): number {
    return this.#waiting.size;
  }

  advance(ms: number): void {
    this.#now += ms;
    this.#monotonic += ms;
    const due = [...this.#waiting].filter(({ at }) => at <= this.#monotonic);
    for (const waiting of due) {
      this.#waiting.delete(waiting);
      waiting.run();
    }
  }

  /** Somebody sets the clock; no time passes. */
  setClock(now: number): void {
    this.#now = now;
  }
}
