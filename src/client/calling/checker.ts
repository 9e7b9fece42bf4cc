/** Checks, on their way from many callers to few requests. */
import type { Answer } from './answer.js';
import { CheckBatcher } from './check-batcher.js';
import type { BatchingOptions } from './check-batcher.js';
import type { Call } from './call.js';
import type { Posted, Target } from './connection.js';
import { SharedCalls } from './shared-call.js';

export interface AskedCheck {
  readonly target: Target;
  readonly subjectToken: string | undefined;
  /** As the wire has it, without a subject token. */
  readonly question: object;
}

export interface CheckAnswer {
  readonly allowed: boolean;
  readonly consistencyToken: string | undefined;
}

export interface Poster {
  post(posted: Posted, call: Call): Promise<Answer>;
  readonly maxBatchChecks: number;
}

export class Checker {
  readonly #poster: Poster;
  readonly #shared: SharedCalls<CheckAnswer> | undefined;
  readonly #batcher: CheckBatcher | undefined;

  constructor(
    poster: Poster & ConstructorParameters<typeof CheckBatcher>[0]['poster'],
    options: { readonly coalescing: boolean; readonly limits?: BatchingOptions },
  ) {
    this.#poster = poster;
    this.#shared = options.coalescing ? new SharedCalls() : undefined;
    if (options.limits !== undefined) {
      this.#batcher = new CheckBatcher({
        poster,
        windowMs: options.limits.windowMs ?? 0,
        single: (check, call) => this.#single(check, call),
      });
    }
  }

  /**
   * Whoever joins a check in flight is told what was true before it asked: not before anything it
   * was told, as the token is a part of the key, but `higher` means now, and is never shared.
   */
  ask(check: AskedCheck, call: Call): Promise<CheckAnswer> {
    const key = JSON.stringify(check);
    const isNow = check.target.wire.consistency !== undefined;
    if (this.#shared === undefined || isNow) return this.#start(check, call);
    return this.#shared.join(key, call, (own) => this.#start(check, own));
  }

  #start(check: AskedCheck, call: Call): Promise<CheckAnswer> {
    return this.#batcher?.ask(check, call) ?? this.#single(check, call);
  }

  async #single({ target, subjectToken, question }: AskedCheck, call: Call): Promise<CheckAnswer> {
    const body = { ...question, subject_token: subjectToken };
    const answer = await this.#poster.post({ target, verb: 'check', body }, call);
    return { allowed: answer.boolean('allowed'), consistencyToken: answer.consistencyToken };
  }
}
