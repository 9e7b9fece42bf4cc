/** What was revoked is known of, soon, whatever happens to the feed; and what is done when it is not. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { RevocationList } from '../../src/delegation/revocation-list.js';
import { readWatermark } from '../../src/delegation/watermark.js';
import type { Watermark, WatermarkKind } from '../../src/delegation/watermark.js';
import { until } from '../support/storage.js';
import { LiveVerifier } from './live-verifier.js';
import { answering, hanging } from './permit-server.js';

const SECOND = 1000;
const FEED = '/stores/01KSTORE/revocations';

/** How a revocation comes to be known when the verifier runs already. */
const MODES = ['poll', 'stream'] as const;

describe.each(MODES)('revocations by %s', (mode) => {
  const live = new LiveVerifier({ revocations: mode });

  /** Until the verifier waits for whatever comes next. */
  async function started(): Promise<void> {
    await live.verifier.start();
    if (mode === 'stream') await until(() => live.server.streams === 1);
    await until(() => live.time.waiting === 2);
  }

  async function later(): Promise<void> {
    if (mode === 'poll') live.time.advance(5 * SECOND);
    await Promise.resolve();
  }

  it.each<[WatermarkKind, string]>([
    ['jti', 'jti-1'],
    ['sub', 'user:anne'],
    ['act', 'service:orders'],
    ['act', 'service:web'],
    ['txn', 'txn-1'],
    ['all', ''],
  ])('refuse by %s %s what was issued before', async (kind, value) => {
    await started();
    const act = { sub: 'service:orders', act: { sub: 'service:web' } };
    const token = await live.server.permit({ act });
    expect(await live.verdict(token)).toBe('accepted');
    live.server.revoke(kind, value);
    await later();
    await until(async () => (await live.verdict(token)) === 'revoked');
    live.time.advance(SECOND);
    expect(await live.verdict(await live.server.permit({ act }))).toBe('accepted');
  });

  it('that were there before the start are known after it, however many pages', async () => {
    for (let i = 0; i < 7; i++) live.server.revoke('sub', `user:${i}`);
    await started();
    for (let i = 0; i < 7; i++) {
      expect(await live.verdict(await live.server.permit({ sub: `user:${i}` }))).toBe('revoked');
    }
    expect(await live.verdict(await live.server.permit())).toBe('accepted');
  });

  it('are forgotten when no token that they concern can be alive', async () => {
    live.server.revoke('sub', 'user:anne', { not_before: live.time.now() / SECOND + 1000 });
    await started();
    expect(await live.verdict(await live.server.permit())).toBe('revoked');
    live.time.advance(306 * SECOND);
    await until(async () => {
      live.time.advance(SECOND);
      live.server.heartbeat();
      return (await live.verdict(await live.server.permit())) === 'accepted';
    });
  });

  it('that come while the server is away are known when it is back', async () => {
    await started();
    const token = await live.server.permit({ exp: live.time.now() / SECOND + 300 });
    await live.server.disappear();
    live.server.revoke('txn', 'txn-1');
    await until(async () => {
      live.time.advance(SECOND);
      await Promise.resolve();
      return live.failures.some(([of]) => of === 'revocations');
    });
    expect(await live.verdict(token)).toBe('accepted');
    await live.server.comeBack();
    await until(async () => {
      live.time.advance(SECOND);
      return (await live.verdict(token)) === 'revoked';
    });
  });

  it('are read from the beginning when the server does not know the cursor', async () => {
    await started();
    live.server.failures.set(FEED, answering(400));
    live.server.endStreams();
    await until(() => {
      live.time.advance(SECOND);
      return live.failures.length > 0;
    });
    live.server.failures.clear();
    const before = live.server.asked(FEED).length;
    await until(() => {
      live.time.advance(SECOND);
      return live.server.asked(FEED).length > before;
    });
    expect(live.server.asked(FEED)[before]).not.toContain('after=');
  });

  it('are asked for with the credentials that were given', async () => {
    let made = 0;
    live.configure({ authorization: () => Promise.resolve(`Bearer ${++made}`) });
    await started();
    expect(live.server.lastHeaders.authorization).toBe(`Bearer ${made}`);
    expect(made).toBe(live.server.feedReads);
  });

  it.each([
    ['no JSON', 'x'],
    ['no revocations', '{"cursor":"c1"}'],
    ['no cursor', '{"revocations":[]}'],
    ['half a revocation', '{"revocations":[{"id":1,"kind":"jti"}],"cursor":"c1"}'],
    ['a member twice', '{"revocations":[],"cursor":"c1","cursor":"c2"}'],
    [
      'a cursor that stands still',
      '{"revocations":[{"id":1,"kind":"jti","value":"x","not_before":1,"expires":2}],"cursor":"c1"}',
    ],
    ['too much', `{"revocations":[],"cursor":"${'c'.repeat(300_000)}"}`],
  ])('that are %s are a failure, which is told of', async (_, body) => {
    live.server.failures.set(FEED, answering(200, body));
    await live.verifier.start();
    expect(live.failures.map(([of]) => of)).toEqual(['revocations']);
    expect(live.verifier.state().revocationsAgeSeconds).toBe(Infinity);
  });

  it('are asked for ever more seldom while that fails', async () => {
    live.server.failures.set(FEED, answering(503));
    let begun = 0;
    const fetch: typeof globalThis.fetch = (url, init) => {
      if (typeof url === 'string' && url.includes(FEED)) begun++;
      return globalThis.fetch(url, init);
    };
    live.configure({ fetch });
    await live.verifier.start();
    const at: number[] = [];
    for (let second = 0; second < 200; second++) {
      const before = begun;
      live.time.advance(SECOND);
      await setImmediate();
      await until(() => live.failures.length === begun);
      if (begun > before) at.push(second + 1);
    }
    expect(at).toEqual([1, 3, 7, 15, 31, 63, 123, 183]);
  });

  it('do not hold up the end', async () => {
    await started();
    live.server.failures.set(FEED, hanging);
    await live.verifier.stop();
    expect(live.time.waiting).toBe(0);
    expect(live.failures).toEqual([]);
  });

  it('stop no permit while they cannot be had, unless that is wanted', async () => {
    live.server.failures.set(FEED, hanging);
    const starting = live.verifier.start();
    await until(() => live.server.feedReads === 1);
    live.time.advance(5 * SECOND);
    await starting;
    expect(await live.verdict(await live.server.permit())).toBe('accepted');
  });
});

describe('fresh revocations, where they are required', () => {
  const live = new LiveVerifier({ revocations: 'poll', requireFreshRevocations: 20 });

  it('are there after the start, and stale when the feed has been silent', async () => {
    expect(await live.verdict(await live.server.permit())).toBe('revocations_stale');
    await live.verifier.start();
    expect(await live.verdict(await live.server.permit())).toBe('accepted');
    await until(() => live.time.waiting === 2);
    await live.server.disappear();
    live.time.advance(20 * SECOND);
    expect(await live.verdict(await live.server.permit())).toBe('accepted');
    live.time.advance(SECOND);
    expect(await live.verdict(await live.server.permit())).toBe('revocations_stale');
    await live.server.comeBack();
    await until(async () => {
      live.time.advance(SECOND);
      return (await live.verdict(await live.server.permit())) === 'accepted';
    });
  });

  it('are asked for ever more seldom where there are pages and no stream', async () => {
    live.server.hasStreams = false;
    live.configure({ revocations: 'stream' });
    await live.verifier.start();
    await until(() => live.failures.length === 1);
    const reads = live.server.feedReads;
    for (let second = 0; second < 60; second++) {
      live.time.advance(SECOND);
      await setImmediate();
      await until(() => live.time.waiting === 2);
    }
    expect(live.server.feedReads - reads).toBeLessThanOrEqual(12);
  });

  it('are kept by the heartbeats of a stream', async () => {
    live.configure({ revocations: 'stream' });
    await live.verifier.start();
    await until(() => live.server.streams === 1);
    for (let i = 0; i < 4; i++) {
      live.time.advance(15 * SECOND);
      live.server.heartbeat();
      await until(() => live.verifier.state().revocationsAgeSeconds === 0);
      expect(await live.verdict(await live.server.permit())).toBe('accepted');
    }
    live.time.advance(21 * SECOND);
    expect(await live.verdict(await live.server.permit())).toBe('revocations_stale');
  });

  it('are sought anew when a stream falls silent', async () => {
    live.configure({ revocations: 'stream' });
    await live.verifier.start();
    await until(() => live.server.streams === 1);
    live.time.advance(45 * SECOND);
    await until(() => live.failures.length === 1);
    await until(async () => {
      live.time.advance(SECOND);
      return (await live.verdict(await live.server.permit())) === 'accepted';
    });
  });
});

describe('a list of revocations', () => {
  const token = {
    ...{ id: 'jti-1', subject: 'user:anne', transactionId: 'txn-1', issuedAt: 100 },
    actors: ['service:orders'],
  };
  const mark = (changes: Partial<Watermark>): Watermark => ({
    ...{ id: 1, kind: 'sub', value: 'user:eve', notBefore: 100, expiresAt: 400 },
    ...changes,
  });

  it('that is full refuses everybody issued before, rather than admit one who was revoked', () => {
    const list = new RevocationList(2);
    for (let i = 0; i < 5; i++) list.note(mark({ value: `user:${i}`, notBefore: 97 + i }));
    expect(list.size).toBe(2);
    expect(list.concerns({ ...token, subject: 'user:4', issuedAt: 101 })).toBe(true);
    expect(list.concerns(token)).toBe(true);
    expect(list.concerns({ ...token, issuedAt: 102 })).toBe(false);
    list.forgetExpired(401);
    expect(list.size).toBe(0);
    expect(list.concerns(token)).toBe(false);
  });

  it('takes a kind that it does not know for all', () => {
    const wire = { id: 1, kind: 'scope', value: 'x', not_before: 100, expires: 400 };
    const read = readWatermark(wire);
    const list = new RevocationList();
    if (read !== undefined) list.note(read);
    expect(list.concerns(token)).toBe(true);
    expect(list.concerns({ ...token, issuedAt: 101 })).toBe(false);
  });

  it.each([
    ['nothing', undefined],
    ['a list', []],
    ['a fraction', { id: 1, kind: 'jti', value: 'x', not_before: 1.5, expires: 400 }],
    ['no value', { id: 1, kind: 'jti', not_before: 1, expires: 400 }],
    ['no end', { id: 1, kind: 'jti', value: 'x', not_before: 1 }],
  ])('reads no watermark from %s', (_, wire) => {
    expect(readWatermark(wire)).toBeUndefined();
  });
});
