/** Keys of a live issuer, whose server rotates, hangs and goes away. */
import { describe, expect, it } from '@jest/globals';
import { JWKS_PATH, answer, makeKey } from '../support/issuer.js';
import { until } from '../support/storage.js';
import { Live } from './live.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const live = new Live();

describe('keys', () => {
  it('are fetched once for all who wait', async () => {
    const tokens = await Promise.all(Array.from({ length: 50 }, () => live.good()));
    expect(new Set(await Promise.all(tokens.map((token) => live.verdict(token))))).toEqual(
      new Set(['accepted']),
    );
    expect(live.issuer.fetches).toBe(1);
  });

  it('are there before the first token when the verifier was started', async () => {
    live.verification.verifier.start();
    await until(() => live.stateOfKeys() === 'fresh');
    expect(await live.verdict(await live.good())).toBe('accepted');
    expect(live.issuer.fetches).toBe(1);
  });

  it('are refreshed in the background at four fifths of their age', async () => {
    live.verification.verifier.start();
    await live.afterAttempts(1);
    live.time.advance(479 * SECOND);
    expect(live.time.waiting).toBe(1);
    live.time.advance(SECOND);
    await until(() => live.issuer.fetches === 2);
  });

  it.each([
    ['max-age=100', 80],
    ['public, max-age=1000, must-revalidate', 800],
    ['max-age=1', 48],
    ['max-age=86400', 2880],
    ['no-store', 480],
  ])('with cache-control %s are refreshed after %d s', async (cacheControl, seconds) => {
    live.issuer.lie(JWKS_PATH, answer(live.issuer.jwks(), 200, { 'cache-control': cacheControl }));
    live.verification.verifier.start();
    await live.afterAttempts(1);
    live.time.advance(seconds * SECOND - 1);
    expect(live.time.waiting).toBe(1);
    live.time.advance(1);
    await until(() => live.issuer.fetches === 2);
  });

  it('that are known verify while the issuer is away, for a day', async () => {
    expect(await live.verdict(await live.good())).toBe('accepted');
    await live.issuer.disappear();
    for (const hours of [0, 1, 12, 23]) {
      live.time.advance(hours * HOUR - (hours > 0 ? live.time.monotonic() : 0));
      expect([hours, await live.verdict(await live.good())]).toEqual([hours, 'accepted']);
    }
    expect(live.stateOfKeys()).toBe('stale');
    live.time.advance(HOUR);
    expect(live.stateOfKeys()).toBe('absent');
    expect(await live.verdict(await live.good())).toBe('issuer_unavailable');
  });

  it('that are stale are read again when one of them is used', async () => {
    expect(await live.verdict(await live.good())).toBe('accepted');
    live.time.advance(10 * MINUTE);
    expect(live.stateOfKeys()).toBe('stale');
    expect(await live.verdict(await live.good())).toBe('accepted');
    await until(() => live.stateOfKeys() === 'fresh');
    expect(live.issuer.fetches).toBe(2);
  });

  it('that are unknown while the issuer is away say nothing against the token', async () => {
    expect(await live.verdict(await live.good())).toBe('accepted');
    await live.issuer.disappear();
    live.time.advance(MINUTE);
    expect(await live.verdict(await live.strange('new'))).toBe('issuer_unavailable');
    expect(await live.verdict(await live.strange('new'))).toBe('issuer_unavailable');
    await live.issuer.comeBack();
    live.time.advance(SECOND);
    expect(await live.verdict(await live.strange('new'))).toBe('unknown_key');
  });

  it('of an issuer that was never there are unavailable, and come when it does', async () => {
    await live.issuer.disappear();
    expect(await live.verdict(await live.good())).toBe('issuer_unavailable');
    await live.issuer.comeBack();
    expect(await live.verdict(await live.good())).toBe('issuer_unavailable');
    live.time.advance(SECOND);
    expect(await live.verdict(await live.good())).toBe('accepted');
  });

  it('are asked for ever more seldom while the issuer fails', async () => {
    live.issuer.lie(JWKS_PATH, answer('', 500));
    const token = await live.issuer.accessToken({ exp: live.time.now() / 1000 + 3600 });
    const at: number[] = [];
    for (let second = 0; second < 300; second++) {
      const before = live.issuer.fetches;
      expect(await live.verdict(token)).toBe('issuer_unavailable');
      if (live.issuer.fetches > before) at.push(second);
      live.time.advance(SECOND);
    }
    expect(at).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
  });

  it('are given up when the issuer hangs', async () => {
    live.issuer.hang();
    const verdicts = Promise.all([
      live.good().then((token) => live.verdict(token)),
      live.good().then((token) => live.verdict(token)),
    ]);
    await until(() => live.issuer.fetches === 1);
    live.time.advance(5 * SECOND);
    expect(await verdicts).toEqual(['issuer_unavailable', 'issuer_unavailable']);
    expect(live.issuer.fetches).toBe(1);
  });

  it('are given up when the answer never ends', async () => {
    live.issuer.lie(JWKS_PATH, (response) => response.writeHead(200).write('{"keys":['));
    const verdicts = live.good().then((token) => live.verdict(token));
    await until(() => live.issuer.fetches === 1);
    live.time.advance(5 * SECOND);
    expect(await verdicts).toBe('issuer_unavailable');
  });

  it('no longer keep anybody waiting when the verifier stops', async () => {
    live.issuer.hang();
    live.verification.verifier.start();
    await until(() => live.issuer.fetches === 1);
    const waiting = live.verdict(await live.good());
    await live.verification.verifier.stop();
    expect(await waiting).toBe('issuer_unavailable');
    expect(live.time.waiting).toBe(0);
    expect(await live.verdict(await live.good())).toBe('issuer_unavailable');
    expect(live.issuer.fetches).toBe(1);
  });
});

describe('a thousand unknown key ids', () => {
  it('cause one fetch a cooldown', async () => {
    expect(await live.verdict(await live.good())).toBe('accepted');
    const tokens = await Promise.all(Array.from({ length: 1000 }, (_, i) => live.strange(`k${i}`)));
    const all = async (): Promise<Set<string>> =>
      new Set(await Promise.all(tokens.map((token) => live.verdict(token))));
    expect(await all()).toEqual(new Set(['unknown_key']));
    expect(live.issuer.fetches).toBe(1);
    live.time.advance(30 * SECOND);
    expect(await all()).toEqual(new Set(['unknown_key']));
    expect(live.issuer.fetches).toBe(2);
    live.time.advance(29 * SECOND);
    expect(await all()).toEqual(new Set(['unknown_key']));
    expect(live.issuer.fetches).toBe(2);
    expect(await live.verdict(await live.good())).toBe('accepted');
  });

  it('cause no more while the issuer fails', async () => {
    live.issuer.lie(JWKS_PATH, answer('', 503));
    const tokens = await Promise.all(Array.from({ length: 1000 }, (_, i) => live.strange(`k${i}`)));
    for (const token of tokens) expect(await live.verdict(token)).toBe('issuer_unavailable');
    expect(live.issuer.fetches).toBe(1);
  });

  it('of one client that repeats itself cause none for a minute', async () => {
    expect(await live.verdict(await live.good())).toBe('accepted');
    live.time.advance(30 * SECOND);
    expect(await live.verdict(await live.strange('old'))).toBe('unknown_key');
    live.time.advance(31 * SECOND);
    expect(await live.verdict(await live.strange('old'))).toBe('unknown_key');
    expect(live.issuer.fetches).toBe(2);
    live.time.advance(30 * SECOND);
    expect(await live.verdict(await live.strange('old'))).toBe('unknown_key');
    expect(live.issuer.fetches).toBe(3);
  });
});

describe('a rotation', () => {
  it('is followed by the first token of the new key, after the cooldown', async () => {
    expect(await live.verdict(await live.good())).toBe('accepted');
    await live.issuer.rotate();
    expect(await live.verdict(await live.good())).toBe('unknown_key');
    live.time.advance(30 * SECOND);
    expect(await live.verdict(await live.good())).toBe('accepted');
    expect(live.issuer.fetches).toBe(2);
  });

  it('forgets at once what was verified with a key that is gone', async () => {
    const token = await live.good();
    expect(await live.verdict(token)).toBe('accepted');
    expect(live.verification.verifier.verify(token, 'caller')).not.toBeInstanceOf(Promise);
    await live.issuer.rotate();
    live.issuer.retireOldKeys();
    live.time.advance(30 * SECOND);
    expect(await live.verdict(await live.good())).toBe('accepted');
    expect(await live.verdict(token)).toBe('unknown_key');
  });

  it('keeps what was verified with a key that stays', async () => {
    const token = await live.good();
    await live.verdict(token);
    await live.issuer.rotate();
    live.time.advance(30 * SECOND);
    expect(await live.verdict(await live.good())).toBe('accepted');
    expect(live.verification.verifier.verify(token, 'caller')).not.toBeInstanceOf(Promise);
  });

  it('to another key under the same id ends the old one', async () => {
    const token = await live.good();
    expect(await live.verdict(token)).toBe('accepted');
    const next = await makeKey(live.issuer.key.id);
    live.issuer.lie(JWKS_PATH, answer({ keys: [next.publicJwk] }));
    live.time.advance(30 * SECOND);
    await live.verdict(await live.strange('whatever'));
    expect(await live.verdict(token)).toBe('signature');
    expect(await live.verdict(await live.issuer.accessToken({}, { key: next }))).toBe('accepted');
  });

  it('to no key at all ends every token', async () => {
    const token = await live.good();
    expect(await live.verdict(token)).toBe('accepted');
    live.issuer.lie(JWKS_PATH, answer({ keys: [] }));
    live.time.advance(30 * SECOND);
    await live.verdict(await live.strange('whatever'));
    expect(await live.verdict(token)).toBe('unknown_key');
  });

  it('twice among ten thousand tokens fails none of them', async () => {
    live.verification.verifier.start();
    await live.afterAttempts(1);
    const verdicts = new Map<string, number>();
    for (let round = 0; round < 100; round++) {
      if (round === 30 || round === 60) await live.issuer.rotate();
      if (round === 45 || round === 75) live.issuer.retireOldKeys();
      live.time.advance(31 * SECOND);
      const tokens = await Promise.all(Array.from({ length: 100 }, () => live.good()));
      for (const one of await Promise.all(tokens.map((token) => live.verdict(token)))) {
        verdicts.set(one, (verdicts.get(one) ?? 0) + 1);
      }
    }
    expect([...verdicts]).toEqual([['accepted', 10_000]]);
    // Some dozen, in 52 minutes of refreshing at random distances: far from one a round.
    expect(live.issuer.fetches).toBeLessThan(40);
  });
});
