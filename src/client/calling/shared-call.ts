/**
 * One request that several wait for. Each waits as long as it wants to: the request may last until
 * the latest of their deadlines, and is given up when the last of them has gone. So nobody fails of
 * another's impatience.
 */
import { untilAborted } from './call.js';
import type { Call } from './call.js';
import { PembaClientError } from './client-error.js';

export class SharedCall<Result> implements Call {
  readonly #controller = new AbortController();
  readonly #start: (call: Call) => Promise<Result>;
  #result: Promise<Result> | undefined;
  #deadlineAt = -Infinity;
  #waiting = 0;

  /** Starts when the first one joins. */
  constructor(start: (call: Call) => Promise<Result>) {
    this.#start = start;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  deadlineAt(): number {
    return this.#deadlineAt;
  }

  async join(call: Call): Promise<Result> {
    this.#waiting++;
    this.#deadlineAt = Math.max(this.#deadlineAt, call.deadlineAt());
    this.#result ??= this.#start(this);
    try {
      return await untilAborted(call.signal, this.#result);
    } finally {
      // Of no effect when the request is done.
      if (--this.#waiting === 0) this.#controller.abort(NOBODY_WAITS());
    }
  }
}

const NOBODY_WAITS = (): PembaClientError =>
  new PembaClientError('aborted', 'nobody waits for the answer any more');

/** Calls in flight by what they ask. */
export class SharedCalls<Result> {
  readonly #inFlight = new Map<string, SharedCall<Result>>();

  async join(key: string, call: Call, start: (call: Call) => Promise<Result>): Promise<Result> {
    let shared = this.#inFlight.get(key);
    if (shared === undefined || shared.signal.aborted) {
      const made = new SharedCall((own) =>
        start(own).finally(() => {
          if (this.#inFlight.get(key) === made) this.#inFlight.delete(key);
        }),
      );
      this.#inFlight.set(key, made);
      shared = made;
    }
    return shared.join(call);
  }

  /** Who comes from now on starts anew. */
  clear(): void {
    this.#inFlight.clear();
  }
}
