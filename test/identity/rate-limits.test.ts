import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { loadConfig } from '../../src/config.js';
import { RateLimits, addressKey, limitsOf, rateHeaders } from '../../src/identity/rate-limits.js';
import type { Limit, Limits, RateDecision } from '../../src/identity/rate-limits.js';

const NONE: Limits = {
  queries: undefined,
  writes: undefined,
  administration: undefined,
  exchanges: undefined,
  authentication: undefined,
};
/** Ten a second. */
const LIMIT: Limit = { tokens: 50, windowSeconds: 5 };

/** `at` is the time, to be set. */
function bucketsOf(
  queries: Limit,
  maxBuckets?: number,
): {
  at: number;
  readonly limits: RateLimits;
  take(cost: number, key?: string): RateDecision;
  look(key?: string): RateDecision;
} {
  const clock = { at: 1_000_000, monotonic: (): number => clock.at };
  const limits = new RateLimits({ ...NONE, queries }, clock, maxBuckets);
  return Object.assign(clock, {
    limits,
    take: (cost: number, key = 'key:a') => limits.take('queries', key, cost) ?? unlimited(),
    look: (key = 'key:a') => limits.look('queries', key) ?? unlimited(),
  });
}

function unlimited(): never {
  throw new Error('the pool is limited');
}

describe('a bucket', () => {
  it('gives what it holds at once, then refuses and says for how long', () => {
    const buckets = bucketsOf(LIMIT);
    expect(buckets.take(49)).toMatchObject({ allowed: true, remaining: 1, limit: 50 });
    expect(buckets.take(1)).toMatchObject({ allowed: true, remaining: 0, retryAfterSeconds: 0 });
    expect(buckets.take(1)).toMatchObject({
      allowed: false,
      remaining: 0,
      resetSeconds: 5,
      retryAfterSeconds: 1,
    });
    expect(buckets.take(25)).toMatchObject({ allowed: false, retryAfterSeconds: 3 });
  });

  it('is refilled evenly', () => {
    const buckets = bucketsOf(LIMIT);
    buckets.take(50);
    buckets.at += 99;
    expect(buckets.take(1).allowed).toBe(false);
    buckets.at += 1;
    expect(buckets.take(1).allowed).toBe(true);
    expect(buckets.take(1).allowed).toBe(false);
    buckets.at += 1e12;
    expect(buckets.take(50).allowed).toBe(true);
    expect(buckets.take(1).allowed).toBe(false);
  });

  it('loses nothing to what it refuses', () => {
    const buckets = bucketsOf(LIMIT);
    buckets.take(45);
    for (let i = 0; i < 100; i++) expect(buckets.take(6).allowed).toBe(false);
    expect(buckets.take(5).allowed).toBe(true);
  });

  it('gives all of it for what costs more than it holds, when it is full', () => {
    const buckets = bucketsOf(LIMIT);
    expect(buckets.take(1000)).toMatchObject({ allowed: true, remaining: 0 });
    buckets.at += 4999;
    expect(buckets.take(1000)).toMatchObject({ allowed: false, retryAfterSeconds: 1 });
    buckets.at += 1;
    expect(buckets.take(1000).allowed).toBe(true);
  });

  it('is looked at without taking from it', () => {
    const buckets = bucketsOf(LIMIT);
    buckets.take(49);
    for (let i = 0; i < 3; i++) expect(buckets.look()).toMatchObject({ allowed: true });
    expect(buckets.take(1).allowed).toBe(true);
    expect(buckets.look()).toMatchObject({ allowed: false, retryAfterSeconds: 1 });
    expect(buckets.look('key:unseen')).toMatchObject({ allowed: true, remaining: 50 });
    expect(buckets.limits.sizeOf('queries')).toBe(1);
  });

  it('is empty at the worst when the clock runs backwards', () => {
    const buckets = bucketsOf(LIMIT);
    buckets.take(1);
    buckets.at -= 1e9;
    expect(buckets.take(1)).toMatchObject({ allowed: false, resetSeconds: 5 });
    buckets.at += 1;
    expect(buckets.take(1).retryAfterSeconds).toBe(1);
    // Whatever it was, one window after it went backwards all is as it should be.
    buckets.at += 1e9 + 5000;
    expect(buckets.take(50).allowed).toBe(true);
  });

  it('owes what was tried at once, and gives nothing until that has come in', () => {
    const clock = { at: 1_000_000, monotonic: (): number => clock.at };
    const authentication: Limit = { tokens: 60, windowSeconds: 60 };
    const limits = new RateLimits({ ...NONE, authentication }, clock);
    const look = (): RateDecision => limits.look('authentication', '::1') ?? unlimited();
    for (let i = 0; i < 100; i++) limits.chargeFailure('::1');
    expect(look()).toMatchObject({ allowed: false, remaining: 0, retryAfterSeconds: 41 });
    clock.at += 40_999;
    expect(look().allowed).toBe(false);
    clock.at += 1;
    expect(look()).toMatchObject({ allowed: true, remaining: 1 });
    for (let i = 0; i < 1_000_000; i++) limits.chargeFailure('::1');
    expect(look().resetSeconds).toBe(20 * 60);
  });

  it('is one of its own for each key and each pool', () => {
    const limits = new RateLimits(
      { ...NONE, queries: LIMIT, writes: LIMIT },
      { monotonic: () => 0 },
    );
    expect(limits.take('queries', 'key:a', 50)?.allowed).toBe(true);
    expect(limits.take('queries', 'key:a', 1)?.allowed).toBe(false);
    expect(limits.take('queries', 'key:b', 1)?.allowed).toBe(true);
    expect(limits.take('writes', 'key:a', 1)?.allowed).toBe(true);
    expect(limits.take('administration', 'key:a', 1)).toBeUndefined();
    expect(limits.look('administration', 'key:a')).toBeUndefined();
  });

  it('agrees with counting tokens one by one', () => {
    const step = fc.record({
      // Quarters are exact in both.
      afterMs: fc.oneof(fc.nat(40), fc.nat(20_000)).map((ms) => ms / 4),
      cost: fc.integer({ min: 1, max: 70 }),
      key: fc.constantFrom('a', 'b'),
    });
    const property = fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const buckets = bucketsOf(LIMIT);
      const naive = new Map([
        ['a', 50],
        ['b', 50],
      ]);
      for (const { afterMs, cost, key } of steps) {
        buckets.at += afterMs;
        for (const [each, tokens] of naive) naive.set(each, Math.min(50, tokens + afterMs / 100));
        const tokens = naive.get(key) ?? 0;
        const taken = Math.min(cost, 50);
        const isAllowed = tokens >= taken - 1e-6;
        if (isAllowed) naive.set(key, tokens - taken);
        const decision = buckets.take(cost, key);
        expect(decision.allowed).toBe(isAllowed);
        expect(decision.remaining).toBe(Math.floor((naive.get(key) ?? 0) + 1e-6));
        if (!isAllowed) {
          expect(decision.retryAfterSeconds).toBe(
            Math.max(1, Math.ceil((taken - tokens) / 10 - 1e-6)),
          );
        }
      }
    });
    fc.assert(property, { numRuns: 1000 });
  });

  it('keeps the rate over a million takes of fractions', () => {
    // A third of a token comes each 7 ms; neither is a sum of powers of two.
    const buckets = bucketsOf({ tokens: 1000 / 21, windowSeconds: 1 });
    buckets.at = 1e9 + 0.1;
    const start = buckets.at;
    while (buckets.take(1).allowed);
    let allowed = 0;
    for (let i = 0; i < 1_000_000; i++) {
      buckets.at += 7.3;
      if (buckets.take(1).allowed) allowed++;
    }
    expect(Math.abs(allowed - (buckets.at - start) / 21)).toBeLessThanOrEqual(1);
  });
});

describe('buckets', () => {
  const MAX = 1000;

  it('are forgotten when they are full', () => {
    const buckets = bucketsOf(LIMIT, MAX);
    for (let i = 0; i < 900; i++) buckets.take(1, `old${i}`);
    buckets.at += 100;
    for (let i = 0; i < 900; i++) buckets.take(50, `new${i}`);
    expect(buckets.limits.sizeOf('queries')).toBeLessThanOrEqual(MAX);
    for (let i = 0; i < 900; i++) expect(buckets.take(1, `new${i}`).allowed).toBe(false);
  });

  it('never are more than may be, and who was not heard of for long makes room', () => {
    const buckets = bucketsOf(LIMIT, MAX);
    buckets.take(50, 'old');
    buckets.take(49, 'used');
    for (let i = 0; i < MAX - 2; i++) buckets.take(50, `other${i}`);
    expect(buckets.take(1, 'used').allowed).toBe(true);
    expect(buckets.look('old').allowed).toBe(false);
    for (let i = 0; i < MAX - 1; i++) {
      buckets.take(50, `new${i}`);
      expect(buckets.limits.sizeOf('queries')).toBeLessThanOrEqual(MAX);
    }
    expect(buckets.look('old').allowed).toBe(true);
    expect(buckets.look('used').allowed).toBe(false);
    for (let i = 0; i < 2 * MAX; i++) buckets.take(50, `newer${i}`);
    expect(buckets.look('used').allowed).toBe(true);
  });

  it('stay few when callers come and go', () => {
    const buckets = bucketsOf(LIMIT, MAX);
    for (let i = 0; i < 100 * MAX; i++) {
      buckets.at += 10;
      buckets.take(1, `passer-by${i}`);
    }
    // Each is full after 100 ms.
    expect(buckets.limits.sizeOf('queries')).toBeLessThan(20);
  });
});

describe('the headers', () => {
  it('say the policy and what is left', () => {
    const buckets = bucketsOf(LIMIT);
    expect(rateHeaders(buckets.take(7))).toEqual({
      'ratelimit-policy': '"queries";q=50;w=5',
      ratelimit: '"queries";r=43;t=1',
    });
    buckets.take(43);
    expect(rateHeaders(buckets.take(20))).toEqual({
      'ratelimit-policy': '"queries";q=50;w=5',
      ratelimit: '"queries";r=0;t=5',
      'retry-after': '2',
    });
  });
});

describe('the settings', () => {
  const limits = (env: Record<string, string>): Limits => limitsOf(loadConfig(env));

  it('limit nothing but failed authentications unless told to', () => {
    expect(limits({})).toEqual({ ...NONE, authentication: { tokens: 60, windowSeconds: 60 } });
    expect(limits({ PEMBA_RATE_FAILED_AUTHENTICATIONS: '0' })).toEqual(NONE);
  });

  it('are rates, with a burst of some seconds', () => {
    expect(limits({ PEMBA_RATE_QUERIES: '100', PEMBA_RATE_BURST_SECONDS: '3' }).queries).toEqual({
      tokens: 300,
      windowSeconds: 3,
    });
  });

  it('leave room for the largest batch and the largest write', () => {
    const slow = limits({ PEMBA_RATE_QUERIES: '2', PEMBA_RATE_WRITES: '3' });
    expect(slow.queries).toEqual({ tokens: 50, windowSeconds: 25 });
    expect(slow.writes).toEqual({ tokens: 102, windowSeconds: 34 });
  });

  it('are shared by the workers', () => {
    const shared = limits({
      PEMBA_WORKERS: '4',
      PEMBA_RATE_QUERIES: '100',
      PEMBA_RATE_FAILED_AUTHENTICATIONS: '60',
    });
    expect(shared.queries).toEqual({ tokens: 125, windowSeconds: 5 });
    expect(shared.authentication).toEqual({ tokens: 15, windowSeconds: 60 });
  });
});

describe('an address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:0001:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
    ['', ''],
  ])('%s is known as %s', (address, key) => {
    expect(addressKey(address)).toBe(key);
  });
});
