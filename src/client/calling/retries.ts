/** When a request is sent again, and how long after. */
import type { PembaClientError } from './client-error.js';

export interface RetryOptions {
  /** Of one call, after its first attempt. Default 3; 0 turns retries off. */
  readonly max?: number | undefined;
  /** The first delay is between 0 and this; each later one between 0 and twice as much. Default 50. */
  readonly baseDelayMs?: number | undefined;
  /** No delay of our own is longer. Default 2000. */
  readonly maxDelayMs?: number | undefined;
  /** Retries for each call, in the long run. Default 0.1. */
  readonly budget?: number | undefined;
}

/** A client that has been quiet may send so many retries at once, as after a server's restart. */
const BUDGET_AT_START = 10;
const BUDGET_MAX = 100;

/**
 * Full jitter: a delay is anywhere between 0 and a bound that doubles, so that clients that failed
 * together do not come again together. What `Retry-After` says comes before that delay.
 *
 * The budget is a bucket: each call adds a part of a retry, each retry takes a whole one. When a
 * service is down, its clients add a tenth to the load, and not three times as much again.
 */
export class Retries {
  readonly max: number;
  readonly #baseDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #perCall: number;
  readonly #random: () => number;
  #budget = BUDGET_AT_START;

  constructor(options: RetryOptions, random: () => number) {
    this.max = options.max ?? 3;
    this.#baseDelayMs = options.baseDelayMs ?? 50;
    this.#maxDelayMs = options.maxDelayMs ?? 2000;
    this.#perCall = options.budget ?? 0.1;
    this.#random = random;
  }

  /** To be told of each call. */
  called(): void {
    this.#budget = Math.min(BUDGET_MAX, this.#budget + this.#perCall);
  }

  /** Takes one retry out of the budget, unless there is none. */
  spend(): boolean {
    if (this.#budget < 1) return false;
    this.#budget--;
    return true;
  }

  /** Before retry 0, 1, 2 … */
  delayMs(retry: number, retryAfterMs = 0): number {
    const bound = Math.min(this.#maxDelayMs, this.#baseDelayMs * 2 ** retry);
    return retryAfterMs + this.#random() * bound;
  }
}

/** Errors of system calls and of undici before anything of a request was sent. */
const BEFORE_SENDING = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/**
 * Whether another attempt can help and do no harm. What may be done twice is repeated whenever the
 * server was not reached or cannot answer just now. What may not, only if nobody can have acted on
 * it: there was no connection; its rate was refused (429); or Pemba shed it before its body was
 * read, which is the 503 that says when to come again.
 */
export function mayRepeat(error: PembaClientError, isRepeatable: boolean): boolean {
  if (error.code === 'connection_failed') return isRepeatable || wasNeverSent(error.cause);
  switch (error.status) {
    case 429:
      return true;
    case 502:
      return isRepeatable;
    case 503:
      return isRepeatable || (error.code === 'resource_exhausted' && isDated(error));
    default:
      return false;
  }
}

const isDated = ({ retryAfterMs }: PembaClientError): boolean => retryAfterMs !== undefined;

/** As fetch tells it in Node: a TypeError whose cause has the code. Elsewhere nobody knows. */
function wasNeverSent(error: unknown): boolean {
  const code = memberOf(memberOf(error, 'cause'), 'code');
  return typeof code === 'string' && BEFORE_SENDING.has(code);
}

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
