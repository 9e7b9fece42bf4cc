/**
 * How late the event loop is: a timer that should have fired and has not. Queries run to their end in
 * the turn that they arrive in, so what waits is not in a queue of ours but in the sockets, and the
 * lateness of the loop is how long it has waited.
 *
 *   on time ── no tick on time for SUSTAINED_MS ──▶ overloaded ── a tick on time ──▶ on time
 *
 * While overloaded, a turn of the loop works for the limit and refuses what else the turn has: the
 * sockets are emptied fast, and who is let in has waited a turn at most. One query that holds the
 * loop for long is not overload, and refuses nobody.
 *
 * What this cannot see is the queue of connections not yet accepted: libuv takes one a turn.
 *
 * Looked at for every request, and never sampled: between two ticks of a busy loop lies all that it
 * should refuse. `perf_hooks.monitorEventLoopDelay` tells of turns that are over.
 */
import type { Clock } from '../clock.js';

/** Some per cent of any limit that makes sense; fifty wake-ups a second cost nothing measurable. */
const TICK_MS = 20;

/** A few long queries in a row are honest; who waits in a queue for so long gives up. */
export const SUSTAINED_MS = 1000;

export class LoopDelay {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #maxMs: number;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Infinity;
  #onTimeAt = 0;

  /** 0: never too late. */
  constructor(clock: Pick<Clock, 'monotonic'>, maxMs: number) {
    this.#clock = clock;
    this.#maxMs = maxMs;
  }

  start(): void {
    if (this.#maxMs === 0) return;
    this.#onTimeAt = this.#clock.monotonic();
    this.#dueAt = this.#onTimeAt + TICK_MS;
    this.#timer = setInterval(() => {
      this.tick();
    }, TICK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#dueAt = Infinity;
  }

  /** On time is half of the limit: a loop that is at the limit stays in the state that it is in. */
  tick(): void {
    const now = this.#clock.monotonic();
    if (now - this.#dueAt <= this.#maxMs / 2) this.#onTimeAt = now;
    this.#dueAt = now + TICK_MS;
  }

  isTooLate(): boolean {
    const now = this.#clock.monotonic();
    return now - this.#dueAt > this.#maxMs && now - this.#onTimeAt > SUSTAINED_MS;
  }
}
