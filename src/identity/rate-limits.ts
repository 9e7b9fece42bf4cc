/**
 * Token buckets, one for each pool and caller. A bucket is one number: the instant at which it will
 * be full again. What it lacks now is the time until then, by its rate; so it refills by itself, and
 * a bucket that is full is worth as much as none. Takes that are refused take nothing.
 *
 * Whether an attempt fails is known when it is over, and many may be made at once. So their cost is
 * charged, not taken: a bucket can owe, and until that has come in there is nothing to be had.
 *
 * Forgetting a full bucket loses nothing. Of more callers in a window than are remembered, one that
 * has not been heard of for a round starts full again: a clock with a second chance, because keeping
 * the order of use takes three times as long, for each request. Names of principals are
 * authenticated, so nobody makes them up; and whoever commands addresses enough to have his own
 * forgotten has the limit that many times over as it is.
 *
 * Every worker has buckets of its own with its share of the rate. That is approximate: a caller
 * whose connections all go to one worker has that worker's share.
 */
import { isIPv6 } from 'node:net';
import type { Clock } from '../clock.js';
import { workerCount } from '../config.js';
import type { Config } from '../config.js';

/**
 * What is limited apart from each other. All but the last are spent by principals, by their names;
 * `authentication` by addresses (see `addressKey`), one for each attempt that failed.
 */
export const POOLS = [
  'queries',
  'writes',
  'administration',
  'exchanges',
  'authentication',
] as const;
export type Pool = (typeof POOLS)[number];

/**
 * What a request costs. In `queries` a check is 1, a batch as many as it has checks, and a list or an
 * expansion, which walks many sets where a check walks few, this. In `writes` a request is as many as
 * it has tuples, at least 1. In `administration` and `exchanges` everything is 1.
 *
 * Where the cost stands in the body, `look` before it is read and `take` before it is acted on.
 */
export const LIST_COST = 10;

/** In `writes`: the bulk path copies an unknown number of tuples, at a small part of a write's cost. */
export const IMPORT_COST = 100;

/** In `queries`: reads all of a store. */
export const EXPORT_COST = 100;

/** Deletes an unknown number of tuples, in batches. */
export const DELETE_BY_FILTER_COST = 100;

export interface Limit {
  /** That a full bucket holds. */
  readonly tokens: number;
  /** In which an empty one fills. */
  readonly windowSeconds: number;
}

/** Undefined: not limited. */
export type Limits = Readonly<Record<Pool, Limit | undefined>>;

export interface RateDecision {
  readonly pool: Pool;
  readonly allowed: boolean;
  /** Whole tokens that a full bucket holds. */
  readonly limit: number;
  readonly windowSeconds: number;
  /** Whole tokens that are left. */
  readonly remaining: number;
  /** Until the bucket is full. */
  readonly resetSeconds: number;
  /** Until the same may be tried again; 0 where it is allowed, at least 1 where not. */
  readonly retryAfterSeconds: number;
}

/** Of one pool. With a key of some 50 bytes, some 15 MB. */
const MAX_BUCKETS = 100_000;

/** That can be owed. Attempts at once are requests in flight: a thousand at sixty a minute are 17. */
const MAX_WINDOWS_OWED = 20;

/** By a new bucket: more than one, so that full ones go faster than new ones come. */
const LOOKED_AT = 4;

export class RateLimits {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #pools: Readonly<Record<Pool, Buckets | undefined>>;

  constructor(limits: Limits, clock: Pick<Clock, 'monotonic'>, maxBuckets = MAX_BUCKETS) {
    this.#clock = clock;
    const bucketsOf = (pool: Pool): Buckets | undefined => {
      const limit = limits[pool];
      return limit && new Buckets(pool, limit, maxBuckets);
    };
    this.#pools = {
      queries: bucketsOf('queries'),
      writes: bucketsOf('writes'),
      administration: bucketsOf('administration'),
      exchanges: bucketsOf('exchanges'),
      authentication: bucketsOf('authentication'),
    };
  }

  /**
   * Takes `cost` tokens, or none when there are fewer. What costs more than a bucket holds takes a
   * full one. Undefined: the pool is not limited.
   */
  take(pool: Pool, key: string, cost: number): RateDecision | undefined {
    return this.#pools[pool]?.take(key, cost, this.#clock.monotonic());
  }

  /**
   * Whether a token is left. Takes none. Of `authentication`: before a credential is verified that is
   * not known already, so that those who are known get through beside one who guesses.
   */
  look(pool: Pool, key: string): RateDecision | undefined {
    return this.#pools[pool]?.look(key, this.#clock.monotonic());
  }

  /** For an attempt that failed, even if no token is left. */
  chargeFailure(address: string): void {
    this.#pools.authentication?.charge(address, this.#clock.monotonic());
  }

  isLimited(pool: Pool): boolean {
    return this.#pools[pool] !== undefined;
  }

  /** Buckets that are remembered. */
  sizeOf(pool: Pool): number {
    return this.#pools[pool]?.size ?? 0;
  }
}

interface Bucket {
  /** An instant, in milliseconds. */
  fullAt: number;
  /** Since it was last put behind the others. */
  isUsed: boolean;
}

class Buckets {
  readonly #pool: Pool;
  readonly #limit: Limit;
  readonly #maxBuckets: number;
  readonly #windowMs: number;
  readonly #msPerToken: number;
  readonly #mostLackingMs: number;
  readonly #buckets = new Map<string, Bucket>();
  /** Stands before the one that was put behind the others the longest ago. */
  #hand: Iterator<[string, Bucket], undefined>;

  constructor(pool: Pool, limit: Limit, maxBuckets: number) {
    this.#pool = pool;
    this.#limit = limit;
    this.#maxBuckets = maxBuckets;
    this.#windowMs = limit.windowSeconds * 1000;
    this.#msPerToken = this.#windowMs / limit.tokens;
    this.#mostLackingMs = this.#windowMs * (pool === 'authentication' ? MAX_WINDOWS_OWED : 1);
    this.#hand = this.#buckets.entries();
  }

  get size(): number {
    return this.#buckets.size;
  }

  take(key: string, cost: number, now: number): RateDecision {
    const known = this.#buckets.get(key);
    const lacking = this.#lacking(known, now);
    const after = lacking + Math.min(cost, this.#limit.tokens) * this.#msPerToken;
    if (after > this.#windowMs + SLACK_MS) return this.#refused(lacking, after);
    this.#put(key, known, after, now);
    return this.#decision(after, 0);
  }

  charge(key: string, now: number): void {
    const known = this.#buckets.get(key);
    this.#put(key, known, this.#lacking(known, now) + this.#msPerToken, now);
  }

  look(key: string, now: number): RateDecision {
    const lacking = this.#lacking(this.#buckets.get(key), now);
    const after = lacking + this.#msPerToken;
    return after > this.#windowMs + SLACK_MS
      ? this.#refused(lacking, after)
      : this.#decision(lacking, 0);
  }

  #put(key: string, known: Bucket | undefined, lackingMs: number, now: number): void {
    const fullAt = now + lackingMs;
    if (known === undefined) {
      this.#makeRoom(now);
      this.#buckets.set(key, { fullAt, isUsed: false });
    } else {
      known.fullAt = fullAt;
      known.isUsed = true;
    }
  }

  /** Milliseconds until the bucket is full; bounded, should the clock run backwards after all. */
  #lacking(bucket: Bucket | undefined, now: number): number {
    if (bucket === undefined || bucket.fullAt <= now) return 0;
    return Math.min(bucket.fullAt - now, this.#mostLackingMs);
  }

  #refused(lacking: number, after: number): RateDecision {
    const waitMs = after - this.#windowMs;
    return this.#decision(lacking, Math.max(1, Math.ceil((waitMs - SLACK_MS) / 1000)));
  }

  #decision(lacking: number, retryAfterSeconds: number): RateDecision {
    const left = (this.#windowMs - lacking + SLACK_MS) / this.#msPerToken;
    return {
      pool: this.#pool,
      allowed: retryAfterSeconds === 0,
      limit: Math.floor(this.#limit.tokens),
      windowSeconds: this.#limit.windowSeconds,
      remaining: Math.max(0, Math.floor(Math.min(left, this.#limit.tokens))),
      resetSeconds: Math.ceil(lacking / 1000),
      retryAfterSeconds,
    };
  }

  /** The hand goes over the oldest: forgets what is full, or puts it behind the others. */
  #makeRoom(now: number): void {
    for (let looked = 0; looked < LOOKED_AT; looked++) {
      const next = this.#hand.next();
      if (next.done === true) {
        this.#hand = this.#buckets.entries();
        return;
      }
      const [key, bucket] = next.value;
      this.#buckets.delete(key);
      if (bucket.fullAt <= now) continue;
      if (!bucket.isUsed && this.#buckets.size + 1 >= this.#maxBuckets) return;
      bucket.isUsed = false;
      this.#buckets.set(key, bucket);
    }
    if (this.#buckets.size >= this.#maxBuckets) this.#forgetNext();
  }

  #forgetNext(): void {
    const next = this.#hand.next();
    if (next.done !== true) this.#buckets.delete(next.value[0]);
  }
}

/** Sums of fractions come out a little beside: nobody is refused for that. */
const SLACK_MS = 1e-6;

/** As `draft-ietf-httpapi-ratelimit-headers` writes them, and `Retry-After` where it is refused. */
export function rateHeaders(decision: RateDecision): Record<string, string> {
  const { pool, limit, windowSeconds, remaining, resetSeconds } = decision;
  const headers: Record<string, string> = {
    'ratelimit-policy': `"${pool}";q=${limit};w=${windowSeconds}`,
    ratelimit: `"${pool}";r=${remaining};t=${resetSeconds}`,
  };
  if (!decision.allowed) headers['retry-after'] = String(decision.retryAfterSeconds);
  return headers;
}

/**
 * The settings, a process's share of them. A bucket holds what comes in `PEMBA_RATE_BURST_SECONDS`,
 * or longer where the largest request would never fit.
 */
export function limitsOf(config: Config): Limits {
  const share = 1 / workerCount(config);
  const perSecond = (rate: number, largest: number): Limit | undefined => {
    if (rate === 0) return undefined;
    const each = rate * share;
    const windowSeconds = Math.max(config.rateBurstSeconds, Math.ceil(largest / each));
    return { tokens: each * windowSeconds, windowSeconds };
  };
  return {
    queries: perSecond(config.rateQueries, Math.max(config.maxBatchChecks, LIST_COST)),
    writes: perSecond(config.rateWrites, Math.max(config.maxTuplesPerWrite, DELETE_BY_FILTER_COST)),
    administration: perSecond(config.rateAdministration, 1),
    exchanges: perSecond(config.rateExchanges, 1),
    authentication:
      config.rateFailedAuthentications === 0
        ? undefined
        : { tokens: Math.max(1, config.rateFailedAuthentications * share), windowSeconds: 60 },
  };
}

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** Who is at one end of a line: an IPv4 address, or the network of an IPv6 one, all of which he has. */
export function addressKey(address: string): string {
  const mapped = MAPPED_IPV4.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [start = '', end] = address.replace(/%.*$/, '').split('::');
  const groups = start === '' ? [] : start.split(':');
  if (end !== undefined) {
    const rest = end === '' ? [] : end.split(':');
    const missing = 8 - groups.length - rest.length - (end.includes('.') ? 1 : 0);
    groups.push(...Array.from({ length: missing }, () => '0'), ...rest);
  }
  return `${groups.slice(0, 4).map(withoutZeros).join(':')}::/64`;
}

const withoutZeros = (group: string): string => group.toLowerCase().replace(/^0+(?=.)/, '');
