/**
 * Credentials that must not be accepted, against the whole service. Those whose tokens the attacks
 * are made of administer the deployment, so that one attack that got through would have its effect.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LAX_CALLERS, attackRequests, attackTokens } from '../identity/attacks.js';
import type { Attack, AttackRequest } from '../identity/attacks.js';
import { TestIssuer } from '../support/issuer.js';
import { writeIssuersFile } from '../support/issuers-file.js';
import type { IssuersFile } from '../support/issuers-file.js';
import { startPemba } from '../support/pemba.js';
import type { Pemba, TestStore } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { bearer, refusalOf, send } from './attacks/wire.js';
import type { WireAnswer, WireRequest } from './attacks/wire.js';
import { fingerprintOf } from './hostile/fingerprint.js';
import { keyOf } from './stores.js';

const MODEL = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user]
`;
const COOLDOWN_MS = 30_000;
const NOW = Date.now();

describeWithPostgres('an attack', () => {
  let strict: TestIssuer;
  let lax: TestIssuer;
  let attacks: readonly Attack[];
  let file: IssuersFile;
  let pemba: Pemba;
  let store: TestStore;
  let before: unknown;
  const startedAt = performance.now();

  beforeAll(async () => {
    const now = (): number => NOW;
    [strict, lax] = await Promise.all([TestIssuer.start(now), TestIssuer.start(now)]);
    attacks = (await attackTokens({ strict, lax, now })).filter(({ fitsHeader }) => fitsHeader);
    file = writeIssuersFile([
      strict.settings('strict'),
      lax.settings('lax', { callers: LAX_CALLERS }),
    ]);
    pemba = await startPemba({
      PEMBA_AUTHENTICATION: 'keys,jwt',
      PEMBA_ISSUERS_FILE: file.path,
      PEMBA_ADMINISTRATORS: 'user:strict/anne,user:lax/anne',
      PEMBA_RATE_FAILED_AUTHENTICATIONS: '0',
    });
    pemba.clock.stopAt(NOW);
    store = await pemba.storeWith(MODEL);
    before = await fingerprintOf(pemba);
  });
  afterAll(async () => {
    await pemba.stop();
    file.remove();
    await Promise.all([strict.stop(), lax.stop()]);
  });

  const endpoints = (): readonly WireRequest[] => {
    const key = keyOf('document:1#viewer@user:mallory');
    return [
      { method: 'GET', path: '/stores' },
      { method: 'POST', path: `${store.path}/check`, body: { tuple_key: key } },
      { method: 'POST', path: `${store.path}/write`, body: { writes: { tuple_keys: [key] } } },
      { method: 'POST', path: '/admin/keys', body: { name: 'mine', roles: [{ role: 'admin' }] } },
    ];
  };

  const attempt = (
    endpoint: WireRequest,
    { headers, query = '' }: Partial<AttackRequest>,
  ): Promise<WireAnswer> =>
    send(pemba.url, { ...endpoint, path: endpoint.path + query, headers: headers ?? [] });

  /** At every endpoint, and a good caller goes on to be let in, known or new. */
  async function expectRefused(name: string, request: Omit<AttackRequest, 'name'>): Promise<void> {
    const answers = await Promise.all(endpoints().map((each) => attempt(each, request)));
    expect([name, ...answers]).toEqual([name, ...answers.map(() => refusalOf(request))]);
    const [list, check] = endpoints() as [WireRequest, WireRequest];
    const newcomer = await attempt(list, { headers: bearer(await strict.accessToken()) });
    const known = await attempt(check, { headers: bearer(pemba.adminKey ?? '') });
    expect([name, newcomer.status, known.status]).toEqual([name, 200, 200]);
  }

  it('is refused with every bad token, at every endpoint, each time', async () => {
    expect(attacks.length).toBeGreaterThan(130);
    for (const { name, token } of attacks) {
      await expectRefused(name, { headers: bearer(token), query: '' });
    }
    await Promise.all(
      attacks.map(async ({ name, token }) => {
        const request = { headers: bearer(token) };
        const answers = await Promise.all(endpoints().map((each) => attempt(each, request)));
        expect([name, ...answers]).toEqual([name, ...answers.map(() => refusalOf(request))]);
      }),
    );
  });

  it('is refused with a good token in the wrong place, or beside another', async () => {
    const requests = attackRequests(await strict.accessToken());
    for (const { name, ...request } of requests) await expectRefused(name, request);
  });

  it('is refused with a good key in the wrong place, or beside another', async () => {
    const requests = attackRequests(pemba.adminKey ?? '');
    for (const { name, ...request } of requests) await expectRefused(name, request);
    const [one, other] = [pemba.adminKey ?? '', await strict.accessToken()];
    for (const [first, second] of [
      [one, other],
      [other, one],
      ['x', one],
      [one, 'x'],
    ] as const) {
      await expectRefused('two', { headers: [...bearer(first), ...bearer(second)], query: '' });
    }
  });

  it('that comes as HTTP of another kind is none', async () => {
    const key = pemba.adminKey ?? '';
    const lines = [
      `Bearer ${key}\u0000`,
      `Bearer \u0000${key}`,
      `Bearer\u0000${key}`,
      `Bearer ${key}\r`,
      `Bearer ${key}\u0001`,
    ];
    for (const value of lines) {
      const { status } = await attempt(endpoints()[0]!, { headers: [['authorization', value]] });
      expect([JSON.stringify(value.replace(key, 'KEY')), status]).toEqual([
        expect.any(String),
        400,
      ]);
    }
    const long = await attempt(endpoints()[0]!, { headers: bearer('a'.repeat(20_000)) });
    expect(long.status).toBe(431);
  });

  it('changes nothing, and causes no fetch of keys beyond the cooldown', async () => {
    expect(await fingerprintOf(pemba)).toEqual(before);
    const fetches = 1 + Math.floor((performance.now() - startedAt) / COOLDOWN_MS);
    expect(strict.fetches).toBeLessThanOrEqual(fetches);
    expect(lax.fetches).toBeLessThanOrEqual(fetches);
  });

  it('is told of in the log by the rule that it breaks', async () => {
    const others = [
      ['missing', ''],
      ['not_bearer', 'Basic YTpi'],
      ['malformed_key', `Bearer ${pemba.adminKey?.slice(0, -1) ?? ''}`],
      ['wrong_key', `Bearer ${pemba.adminKey?.slice(0, -4) ?? ''}AAAA`],
    ] as const;
    const isCredential = (token: string): boolean => /^[\w.~+/=-]+$/.test(token);
    const all = [
      ...attacks.map(({ rule, token }) => [
        isCredential(token) ? rule : 'not_bearer',
        `Bearer ${token}`,
      ]),
      ...others,
    ] as readonly (readonly [rule: string, authorization: string])[];
    for (const [i, [, authorization]] of [...all, ...others].entries()) {
      const headers = [
        ['authorization', authorization] as const,
        ['x-request-id', `r-${i}`] as const,
      ];
      await attempt(endpoints()[0]!, { headers });
    }
    const lines = pemba.logged.map((line) => JSON.parse(line) as Record<string, unknown>);
    const told = new Map(lines.map((line) => [line['request_id'], line['refused']]));
    expect(all.map((_, i) => told.get(`r-${i}`))).toEqual(all.map(([rule]) => rule));
  });

  it('leaves no credential in the log, and is no failure of the service', () => {
    expect(pemba.failures()).toEqual([]);
    const logged = pemba.logged.join('');
    expect(logged).toContain('"status":401');
    for (const { name, token } of attacks.filter((attack) => attack.token.length > 40)) {
      expect([name, logged.includes(token)]).toEqual([name, false]);
    }
    expect(logged).not.toContain(pemba.adminKey?.slice(33));
  });

  describe('while an issuer is away', () => {
    it('is told no more than that it cannot be known now', async () => {
      const issuer = await TestIssuer.start(() => NOW);
      const alone = writeIssuersFile([issuer.settings('away')]);
      await issuer.disappear();
      const settings = { PEMBA_AUTHENTICATION: 'jwt', PEMBA_ISSUERS_FILE: alone.path };
      const waiting = await startPemba(settings, pemba);
      const unharmed = await fingerprintOf(pemba);
      try {
        const good = await issuer.accessToken();
        const forged = await strict.sign(issuer.claims());
        for (const token of [good, forged]) {
          for (const endpoint of endpoints()) {
            const answer = await send(waiting.url, { ...endpoint, headers: bearer(token) });
            expect([answer.status, JSON.parse(answer.text)]).toEqual([
              503,
              { code: 'unavailable', message: "the keys of the token's issuer cannot be had" },
            ]);
          }
        }
        expect(await fingerprintOf(pemba)).toEqual(unharmed);
      } finally {
        await waiting.stop();
        alone.remove();
      }
    });
  });
});
