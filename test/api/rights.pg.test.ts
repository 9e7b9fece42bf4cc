/** Who is let in, to what: keys, roles, stores of others, every endpoint's declared right. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba, TestStore } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';

const MODEL = `model
  schema 1.1
type user
type doc
  relations
    define viewer: [user]`;

let pemba: Pemba;
let store: TestStore;

type RoleWire = Readonly<Record<string, string>>;

async function keyWith(roles: readonly RoleWire[], more: object = {}): Promise<string> {
  const made = await pemba.call('POST', '/admin/keys', { name: 'k', roles, ...more });
  expect(made.status).toBe(201);
  return String(made.json.key);
}

const as = (key: string, method: string, path: string, body?: unknown): Promise<Answer> =>
  pemba.call(method, path, body, { headers: { authorization: `Bearer ${key}` } });

const idOf = (key: string): string => key.split('_')[1] ?? '';

const TUPLE = { user: 'user:anne', relation: 'viewer', object: 'doc:1' };
const check = { tuple_key: TUPLE };

/** A request for each right to a store, and what whoever holds it is answered. */
const REQUESTS: Readonly<Record<string, (path: string) => readonly [string, string, unknown?]>> = {
  see: (path) => ['GET', path],
  query: (path) => ['POST', `${path}/check`, check],
  read: (path) => ['POST', `${path}/read`, {}],
  write: (path) => [
    'POST',
    `${path}/write`,
    { writes: { tuple_keys: [TUPLE], on_duplicate: 'ignore' } },
  ],
  model: (path) => [
    'POST',
    `${path}/authorization-models`,
    { schema_version: '1.1', type_definitions: [{ type: 'user' }] },
  ],
  administer: (path) => ['GET', `/admin/grants?store_id=${path.split('/')[2] ?? ''}`],
};

const HELD: Readonly<Record<string, readonly string[]>> = {
  reader: ['see', 'query', 'read'],
  writer: ['see', 'query', 'read', 'write'],
  modeller: ['see', 'query', 'read', 'model'],
  admin: ['see', 'query', 'read', 'write', 'model', 'administer'],
};

describeWithPostgres('with keys', () => {
  beforeAll(async () => {
    pemba = await startPemba({ PEMBA_AUTHENTICATION: 'keys' });
    store = await pemba.storeWith(MODEL);
  });
  afterAll(() => pemba.stop());

  describe('a role on a store', () => {
    it.each(Object.entries(HELD))('%s holds exactly its rights', async (role, held) => {
      const scratch = await pemba.storeWith(MODEL);
      const key = await keyWith([{ role, store_id: scratch.id }]);
      for (const [right, request] of Object.entries(REQUESTS)) {
        const [method, path, body] = request(scratch.path);
        const { status } = await as(key, method, path, body);
        expect([role, right, status < 300 ? 'allowed' : status]).toEqual([
          role,
          right,
          held.includes(right) ? 'allowed' : 403,
        ]);
      }
    });

    it('names the missing right, and challenges', async () => {
      const key = await keyWith([{ role: 'reader', store_id: store.id }]);
      const refused = await as(key, 'POST', `${store.path}/write`, {});
      expect(refused.status).toBe(403);
      expect(refused.json).toEqual({
        code: 'forbidden',
        message: 'the caller does not hold the right store:write',
      });
      expect(refused.headers.get('www-authenticate')).toContain('insufficient_scope');
    });

    it('ends when it is taken away', async () => {
      const key = await keyWith([{ role: 'reader', store_id: store.id }]);
      expect((await as(key, 'GET', store.path)).status).toBe(200);
      const subject = `key:${idOf(key)}`;
      const taken = { remove: [{ role: 'reader', store_id: store.id, subject }] };
      expect((await pemba.call('POST', '/admin/grants', taken)).status).toBe(200);
      expect((await as(key, 'GET', store.path)).status).toBe(404);
    });
  });

  describe("somebody else's store", () => {
    it.each(Object.entries(REQUESTS))('is not there: %s', async (_right, request) => {
      const stranger = await keyWith([{ role: 'creator' }]);
      const unknown = '/stores/01ARZ3NDEKTSV4RRFFQ69G5FAV';
      const [method, path, body] = request(store.path);
      const [, unknownPath] = request(unknown);
      const theirs = await as(stranger, method, path, body);
      const nobodys = await as(stranger, method, unknownPath, body);
      expect([theirs.status, theirs.text]).toEqual([
        nobodys.status,
        nobodys.text.replaceAll('01ARZ3NDEKTSV4RRFFQ69G5FAV', store.id),
      ]);
      expect(theirs.status).toBeGreaterThanOrEqual(400);
    });

    it('is in no list', async () => {
      const owner = await keyWith([{ role: 'creator' }]);
      const made = await as(owner, 'POST', '/stores', { name: 'mine' });
      const listed = await as(owner, 'GET', '/stores');
      const stores = listed.json.stores as readonly { readonly id: string }[];
      expect(stores.map(({ id }) => id)).toEqual([made.json.id]);
    });
  });

  it('lets whoever creates a store administer it', async () => {
    const owner = await keyWith([{ role: 'creator' }]);
    const made = await as(owner, 'POST', '/stores', { name: 'mine' });
    const path = `/stores/${String(made.json.id)}`;
    expect((await as(owner, 'GET', path)).status).toBe(200);
    expect((await as(owner, 'DELETE', path)).status).toBe(204);
  });

  describe('a caller', () => {
    it.each([
      ['without credentials', undefined, 'missing bearer token'],
      ['with another scheme', 'Basic cGVtYmE6eA==', 'the credentials are not valid'],
      ['with nothing behind the scheme', 'Bearer', 'the credentials are not valid'],
      ['with a malformed key', 'Bearer pemba_x', 'the credentials are not valid'],
      [
        'with an unknown key',
        `Bearer pemba_01ARZ3NDEKTSV4RRFFQ69G5FAV_${'A'.repeat(43)}`,
        'the credentials are not valid',
      ],
      ['with a token, when there are only keys', 'Bearer a.b.c', 'the credentials are not valid'],
    ])('%s is refused', async (_what, authorization, message) => {
      const answer = await fetch(`${pemba.url}/stores`, {
        headers: authorization === undefined ? {} : { authorization },
      });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer realm="pemba"/);
      expect(await answer.json()).toMatchObject({ message });
    });

    it('with a wrong secret is refused as one whose key is unknown', async () => {
      const key = await keyWith([{ role: 'creator' }]);
      const wrong = `${key.slice(0, -2)}${key.endsWith('AA') ? 'BB' : 'AA'}`;
      expect((await as(wrong, 'GET', '/stores')).status).toBe(401);
    });

    it('sees no more of an endpoint without credentials than that it is refused', async () => {
      const { status } = await fetch(`${pemba.url}/stores/x`, { method: 'GET' });
      expect(status).toBe(401);
    });

    it('needs no credentials for health, and does for metrics', async () => {
      const of = async (path: string): Promise<number> => (await fetch(pemba.url + path)).status;
      expect(await Promise.all(['/livez', '/readyz', '/healthz', '/metrics'].map(of))).toEqual([
        200, 200, 200, 401,
      ]);
      const observer = await keyWith([{ role: 'observer' }]);
      expect((await as(observer, 'GET', '/metrics')).status).toBe(200);
    });
  });

  describe('a key', () => {
    it('is refused from the moment that it is revoked, in every process', async () => {
      const other = await startPemba({ PEMBA_AUTHENTICATION: 'keys' }, pemba);
      try {
        const key = await keyWith([{ role: 'creator' }]);
        const headers = { authorization: `Bearer ${key}` };
        expect((await other.call('GET', '/stores', undefined, { headers })).status).toBe(200);
        expect((await pemba.call('DELETE', `/admin/keys/${idOf(key)}`)).status).toBe(204);
        expect((await as(key, 'GET', '/stores')).status).toBe(401);
        await eventually(async () => {
          const { status } = await other.call('GET', '/stores', undefined, { headers });
          return status === 401;
        });
      } finally {
        await other.stop();
      }
    });

    it('ends with its time', async () => {
      const expires_at = new Date(pemba.clock.now() + 60_000).toISOString();
      const key = await keyWith([{ role: 'creator' }], { expires_at });
      expect((await as(key, 'GET', '/stores')).status).toBe(200);
      pemba.clock.putForward(61_000);
      expect((await as(key, 'GET', '/stores')).status).toBe(401);
    });

    it('is shown once', async () => {
      const key = await keyWith([{ role: 'creator' }]);
      const shown = await pemba.call('GET', `/admin/keys/${idOf(key)}`);
      expect(shown.status).toBe(200);
      expect(shown.text).not.toContain(key.slice(33));
      const rows = await pemba.assembly.database.query('SELECT * FROM api_key');
      expect(JSON.stringify(rows)).not.toContain(key.slice(33));
    });

    it('is seen and revoked by whoever made it, and by administrators', async () => {
      const scratch = await pemba.storeWith(MODEL);
      const owner = await keyWith([{ role: 'admin', store_id: scratch.id }]);
      const roles = [{ role: 'reader', store_id: scratch.id }];
      const made = await as(owner, 'POST', '/admin/keys', { name: 'k', roles });
      const path = `/admin/keys/${String(made.json.id)}`;
      const stranger = await keyWith([{ role: 'creator' }]);
      expect((await as(stranger, 'GET', path)).status).toBe(404);
      expect((await as(stranger, 'DELETE', path)).status).toBe(404);
      expect((await as(owner, 'GET', path)).status).toBe(200);
      expect((await as(owner, 'DELETE', path)).status).toBe(204);
    });

    it('can be given no more than its maker may grant', async () => {
      const scratch = await pemba.storeWith(MODEL);
      const owner = await keyWith([{ role: 'admin', store_id: scratch.id }]);
      const attempt = (roles: readonly RoleWire[]): Promise<Answer> =>
        as(owner, 'POST', '/admin/keys', { name: 'k', roles });
      expect((await attempt([{ role: 'admin' }])).status).toBe(403);
      expect((await attempt([{ role: 'reader', store_id: store.id }])).status).toBe(404);
      expect((await attempt([])).status).toBe(400);
      expect((await attempt([{ role: 'writer', store_id: scratch.id }])).status).toBe(201);
    });

    it.each([
      ['name', { name: '' }],
      ['expires_at', { name: 'k', expires_at: '2001-01-01T00:00:00Z' }],
      ['expires', { name: 'k', expires: 'tomorrow' }],
      ['roles[0].role', { name: 'k', roles: [{ role: 'god' }] }],
      ['roles[0].role', { name: 'k', roles: [{ role: 'reader' }] }],
      ['roles[0].store_id', { name: 'k', roles: [{ role: 'reader', store_id: 'x' }] }],
      ['roles[0].store_id', { name: 'k', roles: [{ role: 'admin', module: 'm' }] }],
    ])('is not made of bad input: %s', async (field, body) => {
      const answer = await pemba.call('POST', '/admin/keys', body);
      expect(answer.status).toBe(400);
      expect(answer.json.message).toContain(`${field}:`);
    });
  });

  describe('the store of rights', () => {
    const system = (): string => String(pemba.assembly.identity.systemStore);

    it('is there for administrators only', async () => {
      const reader = await keyWith([{ role: 'reader', store_id: store.id }]);
      expect((await as(reader, 'GET', `/stores/${system()}`)).status).toBe(404);
      expect((await pemba.call('GET', `/stores/${system()}`)).status).toBe(200);
    });

    it('is changed by the administrative API alone', async () => {
      for (const right of ['write', 'model'] as const) {
        const [method, path, body] = REQUESTS[right]!(`/stores/${system()}`);
        expect((await pemba.call(method, path, body)).status).toBe(403);
      }
      expect((await pemba.call('DELETE', `/stores/${system()}`)).status).toBe(403);
    });
  });

  it('tells a caller who it is taken for', async () => {
    const key = await keyWith([{ role: 'creator' }]);
    expect((await as(key, 'GET', '/admin/me')).json).toEqual({
      principal: `key:${idOf(key)}`,
      kind: 'key',
      roles: [],
      rights: ['deployment:create'],
    });
  });
});

async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + 5000;
  while (!(await holds())) {
    if (performance.now() > until) throw new Error('it did not come about within 5 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
