/** What a client is made of, and what a call may say. */
import type { BatchingOptions } from './check-batcher.js';
import type { Patience, Time } from './call.js';
import type { ExchangeOptions } from './exchange-options.js';
import type { RetryOptions } from './retries.js';
import type { Consistency } from './wire.js';

export interface PembaClientOptions {
  /** Where Pemba answers, such as `https://pemba.internal`, the preferred one first. */
  readonly urls: readonly string[];
  /** For calls that name none. */
  readonly storeId?: string | undefined;
  /** For queries and writes that name none. Default: the store's newest model. */
  readonly modelId?: string | undefined;
  /** `pemba_…`; instead of `token`. */
  readonly apiKey?: string | undefined;
  /** Asked before each attempt for a bearer token, which it should keep while it is good. */
  readonly token?: (() => Promise<string>) | undefined;
  /** For a call with all its retries. Default 5000. */
  readonly timeoutMs?: number | undefined;
  /** For queries that say nothing. Default: not older than anything this client has been told. */
  readonly consistency?: Consistency | undefined;
  readonly retries?: RetryOptions | undefined;
  /** Identical checks in flight share one request. Default true. */
  readonly coalescing?: boolean | undefined;
  /** Checks of one tick are sent as one batch. Default false. */
  readonly batching?: boolean | BatchingOptions | undefined;
  readonly exchange?: ExchangeOptions | undefined;
  /** Default: the runtime's. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  readonly time?: Time | undefined;
  /** From 0 to 1, for the delays of retries. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

export interface CallOptions {
  readonly storeId?: string | undefined;
  /** In place of the client's, retries included. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WriteOptions extends CallOptions {
  readonly modelId?: string | undefined;
}

export interface QueryOptions extends WriteOptions {
  readonly consistency?: Consistency | undefined;
}

/** OpenFGA's limit of a batch, and PEMBA_MAX_BATCH_CHECKS's default. */
export const MAX_BATCH_CHECKS = 50;

const DEFAULT_TIMEOUT_MS = 5000;
/** What timers can measure. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;

export function patienceOf(options: CallOptions, client: PembaClientOptions): Patience {
  const timeoutMs = options.timeoutMs ?? client.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  if (!(timeoutMs > 0 && timeoutMs <= TIMEOUT_MAX_MS)) {
    throw new RangeError(`timeoutMs is ${timeoutMs}; it can be 1 to ${TIMEOUT_MAX_MS}`);
  }
  return { timeoutMs, signal: options.signal };
}

/** Without the slashes at their ends. Throws when the options contradict themselves. */
export function urlsOf({ urls, apiKey, token }: PembaClientOptions): readonly string[] {
  if (urls.length === 0) throw new TypeError('urls: name at least one server');
  if (apiKey !== undefined && token !== undefined) {
    throw new TypeError('apiKey and token: give one of them');
  }
  return urls.map((text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '') {
      throw new TypeError(`urls: '${text}' is no base address of HTTP`);
    }
    return url.href.replace(/[/#]+$/, '');
  });
}
