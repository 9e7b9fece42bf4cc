/** Keys that come and go, a server that is away, jose as another implementation, wrong options. */
import { createPublicKey } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { jwtVerify } from 'jose';
import { MemoryReplayCache, createVerifier } from '../../src/client/verifier.js';
import type { ReplayOutcome, VerifierOptions } from '../../src/client/verifier.js';
import { permitClaims, readPermit } from '../../src/delegation/permit.js';
import { signed } from '../vectors/permit-keys.js';
import { ISSUER, JWKS, NOW, claimsOf, ed, es, headerOf, permit } from '../vectors/permit-vector.js';
import { until } from '../support/storage.js';
import { LiveVerifier, REQUEST, verdictOf } from './live-verifier.js';
import { answering } from './permit-server.js';

const SECOND = 1000;
const HOUR = 3_600_000;
const KEYS = '/.well-known/jwks.json';
const live = new LiveVerifier({ revocations: 'off' });

describe('a permit', () => {
  it('that jose signed is read', async () => {
    const token = await live.server.permit({
      act: { sub: 'service:orders', act: { sub: 'service:web' } },
    });
    const read = await live.verifier.verifyPermit(token, REQUEST);
    const iat = live.time.now() / 1000;
    expect(read).toEqual({
      issuer: live.server.issuer,
      audience: 'service:inventory',
      subject: 'user:anne',
      actors: ['service:orders', 'service:web'],
      transactionId: 'txn-1',
      id: 'jti-1',
      ...{ issuedAt: iat, notBefore: iat, expiresAt: iat + 60 },
      details: [{ actions: ['can_reserve'], resource: { type: 'item', id: '9' } }],
      consistencyToken: 'rev-1',
      modelId: '01KMODEL000000000000000000',
      decisionId: 'did-1',
    });
  });

  it.each([ed, es])('in our form verifies with jose: $alg', async (key) => {
    const claims = permitClaims(readPermit({ ...claimsOf() }));
    const token = signed(headerOf(key), claims, key);
    const jwk = createPublicKey({ key: key.publicJwk, format: 'jwk' });
    const { payload } = await jwtVerify(token, jwk, {
      ...{ issuer: ISSUER, audience: 'service:inventory', typ: 'permit+jwt' },
      currentDate: new Date((NOW + 1) * SECOND),
    });
    expect(payload).toEqual(claimsOf());
  });

  it('that is absent is refused', async () => {
    expect(await verdictOf(live.verifier.verifyPermit(undefined, REQUEST))).toBe('missing');
    const expected = { trustDomain: 'shop.example' };
    const verified = live.verifier.verifyTransactionToken(undefined, expected);
    expect(await verdictOf(verified)).toBe('missing');
  });

  it('that is refused is not told of in the error', async () => {
    const token = await live.server.permit({ aud: 'service:secret' });
    const refused = await live.verifier.verifyPermit(token, REQUEST).catch((e: unknown) => e);
    expect(JSON.stringify([refused, String(refused)])).not.toMatch(/secret|anne|eyJ/);
    expect(refused).toMatchObject({ reason: 'wrong_audience', status: 401 });
  });
});

describe('keys', () => {
  it('are there when the verifier has started, and not asked for again', async () => {
    await live.verifier.start();
    expect(live.verifier.state()).toEqual({ keys: 'fresh', revocationsAgeSeconds: undefined });
    for (let i = 0; i < 20; i++) {
      expect(await live.verdict(await live.server.permit())).toBe('accepted');
    }
    expect(live.server.keyFetches).toBe(1);
  });

  it('are fetched for the first permit when it has not', async () => {
    const tokens = await Promise.all([live.server.permit(), live.server.permit()]);
    const verdicts = await Promise.all(tokens.map((token) => live.verdict(token)));
    expect(verdicts).toEqual(['accepted', 'accepted']);
    expect(live.server.keyFetches).toBe(1);
  });

  it('that are new are found, and old ones end when they leave the set', async () => {
    await live.verifier.start();
    const old = await live.server.permit({ exp: live.time.now() / SECOND + 300 });
    live.server.rotate('second', 'ES256');
    live.time.advance(30 * SECOND);
    expect(await live.verdict(await live.server.permit())).toBe('accepted');
    expect(await live.verdict(old)).toBe('accepted');
    live.server.retireOldKeys();
    live.server.rotate('third');
    live.time.advance(30 * SECOND);
    expect(await live.verdict(await live.server.permit())).toBe('accepted');
    expect(await live.verdict(old)).toBe('unknown_key');
  });

  it('that are unknown cost one fetch a cooldown', async () => {
    await live.verifier.start();
    live.time.advance(30 * SECOND);
    for (let i = 0; i < 20; i++) {
      const token = await live.server.permit({}, 'permit+jwt', `strange-${i}`);
      expect(await live.verdict(token)).toBe('unknown_key');
    }
    expect(live.server.keyFetches).toBe(2);
  });

  it('verify for a day while the server is away', async () => {
    await live.verifier.start();
    await live.server.disappear();
    live.time.advance(23 * HOUR);
    expect(await live.verdict(await live.server.permit())).toBe('accepted');
    expect(live.verifier.state().keys).toBe('stale');
    live.time.advance(HOUR);
    expect(await live.verdict(await live.server.permit())).toBe('keys_unavailable');
    await live.server.comeBack();
    live.time.advance(60 * SECOND);
    await until(() => live.verifier.state().keys === 'fresh');
    expect(await live.verdict(await live.server.permit())).toBe('accepted');
  });

  it('that cannot be had at the start do not hold it up, and are told of', async () => {
    live.server.failures.set(KEYS, answering(500));
    await live.verifier.start();
    expect(live.failures.map(([of]) => of)).toEqual(['keys']);
    expect(await live.verdict(await live.server.permit())).toBe('keys_unavailable');
    live.server.failures.clear();
    live.time.advance(SECOND);
    await until(() => live.verifier.state().keys === 'fresh');
    expect(await live.verdict(await live.server.permit())).toBe('accepted');
  });

  it('that are given need no network', async () => {
    const fetch = (): never => {
      throw new Error('nothing is to be fetched');
    };
    live.configure({ issuer: ISSUER, keys: JWKS, fetch });
    live.time.setClock(NOW * SECOND);
    expect(await live.verdict(permit())).toBe('accepted');
    live.time.advance(100 * HOUR);
    live.time.setClock(NOW * SECOND);
    expect(await live.verdict(permit({}, es))).toBe('accepted');
    expect(live.failures).toEqual([]);
  });
});

describe('what is used once', () => {
  const once = { once: true };

  it('is remembered until it has expired, and no longer', () => {
    const cache = new MemoryReplayCache(live.time, 2);
    const now = live.time.now() / SECOND;
    expect(cache.remember('a', now + 10)).toBe('new');
    expect(cache.remember('a', now + 10)).toBe('seen');
    expect(cache.remember('b', now + 20)).toBe('new');
    live.time.advance(10 * SECOND);
    expect(cache.remember('a', now + 10)).toBe('seen');
    live.time.advance(SECOND);
    expect(cache.remember('c', now + 20)).toBe('new');
    expect(cache.remember('b', now + 20)).toBe('seen');
    expect(cache.size).toBe(2);
  });

  it('is refused when there is no room to remember it, and reading goes on', async () => {
    live.configure({ replay: new MemoryReplayCache(live.time, 1) });
    expect(await live.verdict(await live.server.permit(), once)).toBe('accepted');
    const second = await live.server.permit();
    expect(await live.verdict(second, once)).toBe('replay_cache_full');
    expect(await live.verdict(second)).toBe('accepted');
    live.time.advance(66 * SECOND);
    expect(await live.verdict(await live.server.permit(), once)).toBe('accepted');
  });

  it('is not used up by a permit that is refused', async () => {
    const token = await live.server.permit();
    expect(await live.verdict(token, { ...once, action: 'can_delete' })).toBe('not_permitted');
    const forged = `${token.slice(0, token.lastIndexOf('.'))}.${'A'.repeat(86)}`;
    expect(await live.verdict(forged, once)).toBe('bad_signature');
    expect(await live.verdict(token, once)).toBe('accepted');
  });

  it('is used by one of many at once', async () => {
    const token = await live.server.permit();
    const verdicts = await Promise.all(Array.from({ length: 10 }, () => live.verdict(token, once)));
    expect(verdicts.sort()).toEqual(['accepted', ...Array<string>(9).fill('replayed')]);
  });

  it('may be remembered elsewhere', async () => {
    const remembered = new Map<string, number>();
    const replay = {
      remember: (id: string, expiresAt: number): Promise<ReplayOutcome> => {
        const outcome = remembered.has(id) ? 'seen' : 'new';
        remembered.set(id, expiresAt);
        return Promise.resolve(outcome);
      },
    };
    live.configure({ replay });
    const token = await live.server.permit();
    expect(await live.verdict(token, once)).toBe('accepted');
    expect(await live.verdict(token, once)).toBe('replayed');
    const until = live.time.now() / SECOND + 65;
    expect([...remembered]).toEqual([[`permit ${live.server.issuer} jti-1`, until]]);
  });
});

describe('a verifier', () => {
  it.each<[string, Partial<VerifierOptions>, RegExp]>([
    ['an issuer by plain HTTP', { issuer: 'http://pemba.example' }, /^issuer: .* https/],
    ['an issuer that is no address', { issuer: 'pemba' }, /^issuer: .* is not a URL/],
    ['no issuer', { issuer: '' }, /^issuer/],
    ['keys by plain HTTP', { jwksUri: 'http://pemba.example/keys' }, /^jwksUri: .* https/],
    ['keys twice', { jwksUri: 'https://pemba.example/keys', keys: JWKS }, /^either keys/],
    ['a service that is none', { service: 'inventory' }, /^service must be service:ID/],
    ['every service', { service: 'service:*' }, /^service must be service:ID/],
    ['no algorithm', { algorithms: [] }, /^algorithms/],
    ['a symmetric algorithm', { algorithms: ['HS256' as 'ES256'] }, /^algorithms/],
    ['a skew of a minute', { clockSkewSeconds: 60 }, /^clockSkewSeconds/],
    ['a skew that is no number', { clockSkewSeconds: NaN }, /^clockSkewSeconds/],
    ['freshness of nothing', { requireFreshRevocations: 30 }, /^requireFresh.* needs revocations/],
    [
      'freshness of a second',
      { revocations: 'poll', requireFreshRevocations: 1 },
      /^requireFresh.* 20 at least/,
    ],
  ])('is not made with %s', (_, options, message) => {
    const make = () => createVerifier(live.options(options));
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });

  it('looks for the keys of all stores at one place', async () => {
    const asked: string[] = [];
    const fetch = (url: unknown): Promise<Response> => {
      asked.push(String(url));
      return Promise.resolve(Response.json(JWKS));
    };
    for (const issuer of [
      'https://pemba.example',
      'https://pemba.example/stores/01K',
      'https://example.com/pemba/stores/01K',
    ]) {
      live.configure({ issuer, fetch });
      await live.verifier.start();
      await live.verifier.stop();
    }
    expect(asked).toEqual([
      'https://pemba.example/.well-known/jwks.json',
      'https://pemba.example/.well-known/jwks.json',
      'https://example.com/pemba/.well-known/jwks.json',
    ]);
  });
});
