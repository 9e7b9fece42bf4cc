/** Callers with tokens of live issuers: who they are, what they may, and how their keys change. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestIssuer } from '../support/issuer.js';
import type { Claims } from '../support/issuer.js';
import { writeIssuersFile } from '../support/issuers-file.js';
import type { IssuersFile } from '../support/issuers-file.js';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba, TestStore } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { keyOf } from './stores.js';

const MODEL = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user]
`;
const TOKENS = 10_000;
const CONCURRENCY = 20;
/** A check in all but so many requests. */
const LOOK_EVERY = 10;
/** Keys are not read again before, whoever asks. */
const COOLDOWN_MS = 30_000;
const SKEW_S = 5;

describeWithPostgres('a caller with a token', () => {
  let corp: TestIssuer;
  let other: TestIssuer;
  let file: IssuersFile;
  let pemba: Pemba;
  let store: TestStore;

  beforeAll(async () => {
    const now = (): number => pemba.clock.now();
    [corp, other] = await Promise.all([TestIssuer.start(now), TestIssuer.start(now)]);
    file = writeIssuersFile([
      corp.settings('corp', { callers: { audience: ['pemba'], roles: 'realm_access.roles' } }),
      other.settings('other', { callers: { audience: ['pemba'], roles: 'realm_access.roles' } }),
    ]);
    pemba = await startPemba({
      PEMBA_AUTHENTICATION: 'keys,jwt',
      PEMBA_ISSUERS_FILE: file.path,
      PEMBA_ADMINISTRATORS: 'user:corp/root,role:corp/operators#assignee',
      PEMBA_RATE_FAILED_AUTHENTICATIONS: '0',
    });
    store = await pemba.storeWith(MODEL);
    await granted('role:corp/staff#assignee');
  });
  afterAll(async () => {
    await pemba.stop();
    file.remove();
    await Promise.all([corp.stop(), other.stop()]);
  });

  async function granted(subject: string, verb: 'add' | 'remove' = 'add'): Promise<void> {
    const change = { [verb]: [{ role: 'reader', store_id: store.id, subject }] };
    expect((await pemba.call('POST', '/admin/grants', change)).status).toBe(200);
  }

  const withRoles = (...roles: readonly string[]): Claims => ({ realm_access: { roles } });
  const STAFF = withRoles('staff');

  const as = (token: string, method: string, path: string, body?: unknown): Promise<Answer> =>
    pemba.call(method, path, body, { headers: { authorization: `Bearer ${token}` } });

  const check = async (token: string): Promise<number> => {
    const body = { tuple_key: keyOf('document:1#viewer@user:anne') };
    return (await as(token, 'POST', `${store.path}/check`, body)).status;
  };
  const look = async (token: string): Promise<number> =>
    (await as(token, 'GET', store.path)).status;

  interface Me {
    readonly principal: string;
    readonly kind: string;
    readonly roles: readonly string[];
    readonly rights: readonly string[];
  }
  const me = async (token: string): Promise<Me> => {
    const { status, json } = await as(token, 'GET', '/admin/me');
    expect(status).toBe(200);
    return json as Me;
  };

  it('is let in ten thousand times, by as many tokens, while keys are changed twice', async () => {
    const rotations = [TOKENS / 3, (2 * TOKENS) / 3].map(Math.floor);
    const statuses = new Map<number, number>();
    let started = 0;
    const one = async (): Promise<void> => {
      while (started < TOKENS) {
        const number = started++;
        if (rotations.includes(number)) {
          pemba.clock.pass(COOLDOWN_MS);
          await corp.rotate();
        }
        const token = await corp.accessToken({ sub: `user-${number}`, ...STAFF });
        const status = await (number % LOOK_EVERY === 0 ? look : check)(token);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, one));
    expect([...statuses]).toEqual([[200, TOKENS]]);
    expect(corp.published).toHaveLength(3);
    expect(corp.fetches).toBe(3);
  });

  describe('whose issuer is away', () => {
    it('is let in by a key that is known, told to wait with another, and let in again', async () => {
      await corp.disappear();
      const known = await corp.accessToken(STAFF);
      expect([await look(known), await check(known), await check(known)]).toEqual([200, 200, 200]);
      await corp.rotate();
      const unknown = await corp.accessToken(STAFF);
      pemba.clock.pass(COOLDOWN_MS);
      for (const status of [await check(unknown), await look(unknown), await check(unknown)]) {
        expect(status).toBe(503);
      }
      expect([await look(known), await check(known)]).toEqual([200, 200]);
      await corp.comeBack();
      pemba.clock.pass(COOLDOWN_MS);
      expect([await check(unknown), await look(unknown), await check(known)]).toEqual([
        200, 200, 200,
      ]);
      // Told once, and not with each request that it refused.
      expect(pemba.failures()).toEqual([]);
      expect(pemba.logged.filter((line) => line.includes('cannot be read'))).toHaveLength(1);
    });
  });

  it('is refused from the moment that its key is known to be withdrawn', async () => {
    const old = await corp.accessToken({ sub: 'late', ...STAFF });
    expect([await look(old), await check(old), await check(old)]).toEqual([200, 200, 200]);
    await corp.rotate();
    corp.retireOldKeys();
    pemba.clock.pass(COOLDOWN_MS);
    const current = await corp.accessToken(STAFF);
    expect(await check(current)).toBe(200);
    expect([await check(old), await look(old), await check(old)]).toEqual([401, 401, 401]);
    expect([await check(current), await look(current)]).toEqual([200, 200]);
  });

  it.each(['check', 'look'] as const)('is let in until its token expires: %s', async (name) => {
    const ask = { check, look }[name];
    const exp = Math.floor(pemba.clock.now() / 1000) + 60;
    const token = await corp.accessToken({ exp, ...STAFF });
    expect([await ask(token), await ask(token)]).toEqual([200, 200]);
    pemba.clock.stopAt(exp * 1000 - 1);
    expect([await ask(token), await ask(token)]).toEqual([200, 200]);
    pemba.clock.stopAt((exp + SKEW_S) * 1000 - 1);
    expect([await ask(token), await ask(token)]).toEqual([200, 200]);
    pemba.clock.stopAt((exp + SKEW_S) * 1000);
    expect([await ask(token), await ask(token)]).toEqual([401, 401]);
    pemba.clock.goOn();
  });

  describe('is taken for', () => {
    it('a user of its issuer, and nobody of another', async () => {
      const [here, there] = [await corp.accessToken(), await other.accessToken()];
      expect([(await me(here)).principal, (await me(there)).principal]).toEqual([
        'user:corp/anne',
        'user:other/anne',
      ]);
      await granted('user:corp/anne');
      expect([await look(here), await look(there)]).toEqual([200, 404]);
      await granted('user:corp/anne', 'remove');
      expect([await look(here), await look(there)]).toEqual([404, 404]);
    });

    it('a service where the token is of the client itself', async () => {
      const service = await corp.accessToken({ sub: 'orders', client_id: 'orders' });
      const user = await corp.accessToken({ sub: 'orders', client_id: 'web' });
      expect([await me(service), await me(user)]).toMatchObject([
        { principal: 'service:corp/orders', kind: 'service' },
        { principal: 'user:corp/orders', kind: 'user' },
      ]);
      await granted('service:corp/orders');
      expect([await look(service), await look(user)]).toEqual([200, 404]);
    });

    it.each([
      ['corp2/anne', 'user:corp/corp2/anne'],
      ['*', 'user:corp/%2A'],
      ['anne#member', 'user:corp/anne%23member'],
      ['../other/anne', 'user:corp/../other/anne'],
      ['user:corp/root', 'user:corp/user%3Acorp/root'],
      ['ROOT', 'user:corp/ROOT'],
      ['root ', 'user:corp/root%20'],
      ['__proto__', 'user:corp/__proto__'],
    ])('no more than its claims say: sub %j', async (sub, principal) => {
      const answer = await as(await corp.accessToken({ sub }), 'GET', '/admin/me');
      expect(answer.status).toBe(200);
      expect(answer.json).toMatchObject({ principal, roles: [], rights: [] });
    });
  });

  describe('administers what PEMBA_ADMINISTRATORS says', () => {
    const ALL = ['deployment:admin', 'deployment:create', 'deployment:observe'];

    it('by its name', async () => {
      const root = await corp.accessToken({ sub: 'root' });
      expect(await me(root)).toEqual({
        principal: 'user:corp/root',
        kind: 'user',
        roles: [],
        rights: ALL,
      });
      expect((await as(root, 'POST', '/stores', { name: 'mine' })).status).toBe(201);
      expect((await me(await other.accessToken({ sub: 'root' }))).rights).toEqual([]);
    });

    it('by a role, as long as its token has it', async () => {
      const operator = await corp.accessToken({ sub: 'olga', ...withRoles('operators', 'x') });
      expect(await me(operator)).toEqual({
        principal: 'user:corp/olga',
        kind: 'user',
        roles: ['role:corp/operators#assignee', 'role:corp/x#assignee'],
        rights: ALL,
      });
      expect(await look(operator)).toBe(200);
      const without = await corp.accessToken({ sub: 'olga' });
      expect([(await me(without)).rights, await look(without), await check(without)]).toEqual([
        [],
        404,
        400,
      ]);
    });

    it('by the last of two hundred roles, whatever a request may bring along itself', async () => {
      const others = Array.from({ length: 199 }, (_, i) => `r${i}`);
      const token = await corp.accessToken({ sub: 'ruth', ...withRoles(...others, 'operators') });
      expect((await me(token)).rights).toEqual(ALL);
      expect([await look(token), await check(token)]).toEqual([200, 200]);
    });

    it.each([
      ['another name', { realm_access: { roles: ['operator', 'Operators', 'operators '] } }],
      ["another issuer's", { realm_access: { roles: ['corp/operators', '../corp/operators'] } }],
      ['the whole name', { realm_access: { roles: ['role:corp/operators#assignee'] } }],
      ['any', { realm_access: { roles: ['*'] } }],
      ['a list in a list', { realm_access: { roles: [['operators']] } }],
      ['an object', { realm_access: { roles: { operators: true } } }],
      ['elsewhere', { roles: ['operators'], 'realm_access.roles': ['operators'] }],
      ['too far down', { realm_access: [{ roles: ['operators'] }] }],
      [
        'behind two hundred',
        {
          realm_access: { roles: [...Array.from({ length: 200 }, (_, i) => `r${i}`), 'operators'] },
        },
      ],
    ] as const)('by no other role: %s', async (_what, claims) => {
      for (const issuer of [corp, other]) {
        expect((await me(await issuer.accessToken(claims as Claims))).rights).toEqual([]);
      }
      const token = await other.accessToken(withRoles('operators'));
      expect((await me(token)).rights).toEqual([]);
    });
  });

  it('has the rights of its roles, until they are taken from the role', async () => {
    const token = await corp.accessToken({ sub: 'rita', ...withRoles('readers') });
    expect([await look(token), await check(token)]).toEqual([404, 400]);
    await granted('role:corp/readers#assignee');
    expect([await look(token), await check(token), await check(token)]).toEqual([200, 200, 200]);
    const listed = (await as(token, 'GET', '/stores')).json.stores as readonly { id: string }[];
    expect(listed.map(({ id }) => id)).toEqual([store.id]);
    expect((await as(token, 'POST', `${store.path}/write`, {})).status).toBe(403);
    await granted('role:corp/readers#assignee', 'remove');
    expect([await check(token), await look(token)]).toEqual([400, 404]);
  });

  it('is the only one to be let in where keys are not named', async () => {
    const settings = {
      PEMBA_AUTHENTICATION: 'jwt',
      PEMBA_ISSUERS_FILE: file.path,
      PEMBA_ADMINISTRATORS: 'role:corp/operators#assignee',
      PEMBA_MAX_CONTEXTUAL_TUPLES: '0',
    };
    const strict = await startPemba(settings, pemba);
    try {
      expect((await strict.call('GET', '/stores')).status).toBe(401);
      const token = await corp.accessToken(withRoles('operators'));
      const headers = { authorization: `Bearer ${token}` };
      expect((await strict.call('GET', '/stores', undefined, { headers })).status).toBe(200);
    } finally {
      await strict.stop();
    }
  });
});
