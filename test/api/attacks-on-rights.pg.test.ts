/** Callers that are known, and want more than is theirs. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startPemba } from '../support/pemba.js';
import type { Answer, CallOptions, Pemba, TestStore } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { routesOf } from './attacks/routes.js';
import type { Route } from './attacks/routes.js';
import { bearer, refusalOf, send } from './attacks/wire.js';
import type { WireAnswer } from './attacks/wire.js';
import { fingerprintOf } from './hostile/fingerprint.js';
import { keyOf } from './stores.js';

const MODEL = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user]
`;
const UNKNOWN_ID = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const NOT_FOUND = /"(store_id_not_found|latest_authorization_model_not_found)"|No authorization/;
const METADATA = '/.well-known/oauth-authorization-server';
const PUBLIC = [
  ...['/healthz', '/livez', '/readyz', '/openapi.json'],
  ...[METADATA, `${METADATA}/stores/:storeId`, '/.well-known/jwks.json'],
  '/.well-known/authzen-configuration/stores/:storeId',
  // These authenticate by themselves: see test/api/oauth.
  ...['/oauth/token', '/stores/:storeId/oauth/token'],
];

describeWithPostgres('a caller', () => {
  let pemba: Pemba;
  let routes: readonly Route[];
  let store: TestStore;
  let stranger: string;
  let system: string;

  beforeAll(async () => {
    const start = (): Promise<Pemba> =>
      startPemba({ PEMBA_AUTHENTICATION: 'keys', PEMBA_RATE_FAILED_AUTHENTICATIONS: '0' });
    ({ pemba, routes } = await routesOf(start));
    // Gateways say who they are elsewhere, and are told in other words: see test/api/edge.
    routes = routes.filter(({ url }) => !url.includes('/edge/'));
    store = await pemba.storeWith(MODEL);
    stranger = await keyWith([]);
    system = pemba.assembly.identity.systemStore ?? '';
  });
  afterAll(() => pemba.stop());

  async function keyWith(roles: readonly object[]): Promise<string> {
    const { json } = await pemba.call('POST', '/admin/keys', { name: 'k', roles });
    return String(json.key);
  }

  const idOf = (key: string): string => key.slice(6, 32);

  const as = (
    key: string,
    method: string,
    path: string,
    body?: unknown,
    { headers, ...options }: CallOptions = {},
  ): Promise<Answer> =>
    pemba.call(method, path, body, {
      ...options,
      headers: { ...headers, authorization: `Bearer ${key}` },
    });

  /** Nothing of it may be there afterwards. */
  async function inVain(work: () => Promise<unknown>): Promise<void> {
    const before = await fingerprintOf(pemba);
    await work();
    expect(await fingerprintOf(pemba)).toEqual(before);
  }

  const ask = ({ method, url }: Route, storeId: string, key?: string): Promise<WireAnswer> =>
    send(pemba.url, {
      method,
      path: url
        .replace(':storeId', storeId)
        .replace(':modelId', store.modelId)
        .replace(':keyId', idOf(pemba.adminKey ?? '')),
      ...(key !== undefined && { headers: bearer(key) }),
      ...(['POST', 'PUT'].includes(method) && { body: {} }),
    });

  it('without credentials is refused everywhere, in the same words', async () => {
    const guarded = routes.filter(({ right }) => right !== 'public');
    const open = routes.filter(({ right }) => right === 'public').map(({ url }) => url);
    expect([...open].sort()).toEqual([...PUBLIC].sort());
    expect(guarded.length).toBeGreaterThan(25);
    await inVain(async () => {
      for (const route of guarded) {
        for (const id of [store.id, UNKNOWN_ID, system, 'x', '__proto__', '%00']) {
          const answer = await ask(route, id);
          // AuthZEN has a form of its own, and is no less the same for every store.
          const refusal = route.url.includes('/access/v1/')
            ? await ask(route, UNKNOWN_ID)
            : refusalOf({ headers: [], path: route.url });
          expect([route, id, answer]).toEqual([route, id, refusal]);
          expect(answer.status).toBe(401);
        }
      }
    });
  });

  it("without a role sees no difference between somebody's store and none", async () => {
    const ofStores = routes.filter(({ right }) => right?.startsWith('store:') === true);
    expect(ofStores.length).toBeGreaterThan(18);
    const told = ({ status, headers, text }: WireAnswer, id: string): object => ({
      status,
      headers,
      text: text.replaceAll(id, 'ID'),
    });
    await inVain(async () => {
      for (const route of ofStores) {
        const none = told(await ask(route, UNKNOWN_ID, stranger), UNKNOWN_ID);
        expect([route, none]).toEqual([
          route,
          expect.objectContaining({ text: expect.stringMatching(NOT_FOUND) }),
        ]);
        for (const id of [store.id, system]) {
          const theirs = told(await ask(route, id, stranger), id);
          expect([route, id, theirs]).toEqual([route, id, none]);
        }
      }
    });
  });

  it('without a role has no right to the deployment, nor to keys and grants', async () => {
    const refusals = routes.filter(({ right }) => right?.startsWith('deployment:') === true);
    expect(refusals.map(({ url }) => url).sort()).toEqual([
      '/admin/signing-keys',
      '/admin/signing-keys/:kid/drop',
      '/admin/signing-keys/rotate',
      '/metrics',
      '/restore',
      '/stores',
    ]);
    await inVain(async () => {
      for (const route of refusals) {
        const { status, text } = await ask(route, store.id, stranger);
        const message = `the caller does not hold the right ${route.right ?? ''}`;
        expect([status, JSON.parse(text)]).toEqual([403, { code: 'forbidden', message }]);
      }
      const adminId = idOf(pemba.adminKey ?? '');
      for (const method of ['GET', 'DELETE']) {
        const [theirs, none] = [
          await as(stranger, method, `/admin/keys/${adminId}`),
          await as(stranger, method, `/admin/keys/${UNKNOWN_ID}`),
        ];
        expect(theirs.status).toBe(404);
        expect(theirs.text).toBe(none.text.replaceAll(UNKNOWN_ID, adminId));
      }
      expect((await as(stranger, 'GET', '/admin/keys')).json.keys).toEqual([]);
      expect((await as(stranger, 'GET', '/stores')).json.stores).toEqual([]);
      expect((await as(stranger, 'GET', '/admin/grants')).status).toBe(403);
      for (const id of [store.id, UNKNOWN_ID]) {
        const answer = await as(stranger, 'GET', `/admin/grants?store_id=${id}`);
        expect([answer.status, answer.json.code]).toEqual([404, 'store_id_not_found']);
      }
    });
  });

  describe('that has a role', () => {
    const ROLES: Readonly<Record<string, () => object>> = {
      creator: () => ({ role: 'creator' }),
      observer: () => ({ role: 'observer' }),
      reader: () => ({ role: 'reader', store_id: store.id }),
      writer: () => ({ role: 'writer', store_id: store.id }),
      modeller: () => ({ role: 'modeller', store_id: store.id }),
      'writer of a module': () => ({ role: 'writer', store_id: store.id, module: 'sales' }),
    };

    it.each(Object.keys(ROLES))('%s, grants nobody anything, by no way', async (role) => {
      const key = await keyWith([ROLES[role]!()]);
      const accomplice = await keyWith([]);
      await inVain(async () => {
        for (const subject of [key, accomplice].map((one) => `key:${idOf(one)}`)) {
          for (const wanted of wantedRoles()) {
            const add = [{ ...wanted, subject }];
            const granted = await as(key, 'POST', '/admin/grants', { add });
            const removed = await as(key, 'POST', '/admin/grants', { remove: add });
            const made = await as(key, 'POST', '/admin/keys', { name: 'k', roles: [wanted] });
            expect([wanted, granted.status, removed.status, made.status]).toEqual([
              wanted,
              expect.any(Number),
              granted.status,
              granted.status,
            ]);
            expect([403, 404]).toContain(granted.status);
          }
        }
        expect((await as(key, 'POST', '/admin/keys', { name: 'k' })).status).toBe(400);
      });
    });

    const wantedRoles = (): readonly object[] => [
      { role: 'admin' },
      { role: 'creator' },
      { role: 'observer' },
      ...['admin', 'modeller', 'writer', 'reader'].map((role) => ({ role, store_id: store.id })),
      { role: 'writer', store_id: store.id, module: 'core' },
      { role: 'admin', store_id: system },
      { role: 'reader', store_id: system },
    ];

    it('over one store, grants nothing beyond it', async () => {
      const other = await pemba.storeWith(MODEL);
      const owner = await keyWith([{ role: 'admin', store_id: store.id }]);
      const subject = `key:${idOf(owner)}`;
      const mine = { role: 'reader', store_id: store.id };
      const beyond = [
        { role: 'admin' },
        { role: 'reader', store_id: other.id },
        { role: 'reader', store_id: UNKNOWN_ID },
        { role: 'reader', store_id: system },
        { role: 'writer', store_id: other.id, module: 'sales' },
      ];
      await inVain(async () => {
        for (const wanted of beyond) {
          // Not even half of it, with something that may be granted in front.
          const add = [mine, wanted].map((role) => ({ ...role, subject }));
          const granted = await as(owner, 'POST', '/admin/grants', { add });
          const roles = [mine, wanted];
          const made = await as(owner, 'POST', '/admin/keys', { name: 'k', roles });
          expect([wanted, granted.status, made.status]).toEqual([
            wanted,
            'store_id' in wanted ? 404 : 403,
            'store_id' in wanted ? 404 : 403,
          ]);
        }
      });
      for (const module of [`../${other.id}/sales`, '*', '%2e%2e', 'a/b', '__proto__']) {
        const add = [{ role: 'writer', store_id: store.id, module, subject }];
        const { status } = await as(owner, 'POST', '/admin/grants', { add });
        expect([module, status]).toEqual([module, expect.any(Number)]);
        expect([200, 400]).toContain(status);
      }
      expect((await as(owner, 'GET', other.path)).status).toBe(404);
      const listed = (await as(owner, 'GET', '/stores')).json.stores as readonly { id: string }[];
      expect(listed.map(({ id }) => id)).toEqual([store.id]);
    });

    it('is granted to nobody but callers and roles', async () => {
      await inVain(async () => {
        for (const subject of [
          ...['user:*', 'key:*', 'role:corp/ops', 'role:*#assignee', 'role:a#other'],
          ...['deployment:pemba#admin', 'store:x#admin', 'module:x#writer', 'document:1', 'anne'],
          ...['user:a#b', 'key:', ':x', 'service:*', 'anyone', 'user:a b', '__proto__:x'],
        ]) {
          const add = [{ role: 'reader', store_id: store.id, subject }];
          const { status } = await pemba.call('POST', '/admin/grants', { add });
          expect([subject, status]).toEqual([subject, 400]);
        }
      });
    });
  });

  it('that administers everything still writes no right but by the grants', async () => {
    const { modelId } = await pemba.storeWith(MODEL);
    const grab = {
      user: `key:${idOf(stranger)}`,
      relation: 'admin',
      object: 'deployment:pemba',
    };
    const ndjson = { 'content-type': 'application/x-ndjson' };
    const path = `/stores/${system}`;
    const admin = pemba.adminKey ?? '';
    const model = { schema_version: '1.1', type_definitions: [{ type: 'user' }] };
    const attempts: readonly (() => Promise<Answer>)[] = [
      () => as(admin, 'POST', `${path}/write`, { writes: { tuple_keys: [grab] } }),
      () => as(admin, 'POST', `${path}/write`, { deletes: { tuple_keys: [grab] } }),
      () =>
        as(admin, 'POST', `${path}/import`, undefined, {
          raw: `${JSON.stringify(grab)}\n`,
          headers: ndjson,
        }),
      () => as(admin, 'POST', `${path}/delete-by-filter`, { filter: { object: 'store:' } }),
      ...['copy', 'clean'].map(
        (step) => () =>
          as(admin, 'POST', `${path}/rename-tuples`, { type: 'key', to: 'user', step }),
      ),
      () => as(admin, 'POST', `${path}/authorization-models`, model),
      () => as(admin, 'PUT', `${path}/claims-mapping`, {}),
      () => as(admin, 'PUT', `${path}/delegation-settings`, {}),
      () => as(admin, 'PUT', `${path}/authzen-mapping`, {}),
      () => as(admin, 'PUT', `${path}/route-table`, {}),
      () => as(admin, 'PUT', `${path}/assertions/${modelId}`, { assertions: [] }),
      () => as(admin, 'DELETE', path),
    ];
    await inVain(async () => {
      const statuses = [];
      for (const attempt of attempts) statuses.push((await attempt()).status);
      expect(statuses).toEqual(attempts.map(() => 403));
      const asked = { tuple_key: grab, contextual_tuples: { tuple_keys: [grab] } };
      expect((await as(admin, 'POST', `${path}/check`, asked)).json.allowed).toBe(true);
      expect((await as(stranger, 'POST', '/stores', { name: 'mine' })).status).toBe(403);
      for (const [key, status] of [
        [stranger, 403],
        [admin, 409],
      ] as const) {
        const store = { id: system, name: 'mine', format: 1, revision: 0 };
        const options = { raw: `${JSON.stringify({ store })}\n`, headers: ndjson };
        const answer = await as(key, 'POST', '/restore?keep_id=true', undefined, options);
        expect(answer.status).toBe(status);
      }
    });
  });

  describe('that sends names of members that all objects have', () => {
    const roles = [{ role: 'admin' }];
    /** Raw, because an object literal would set its prototype. */
    const withProto = (text: object, at = '{'): string =>
      JSON.stringify(text).replace(at, `${at}"__proto__":${JSON.stringify({ roles, ...add })},`);
    const add = { add: [{ role: 'admin', subject: 'key:x' }] };
    const BODIES: readonly (readonly [string, string])[] = [
      ['/admin/keys', withProto({ name: 'k' })],
      ['/admin/keys', withProto({ name: 'k', roles: [{ a: 1 }] }, '[{')],
      ['/admin/keys', '{"name":"k","constructor":{"prototype":{"roles":[{"role":"admin"}]}}}'],
      ['/admin/keys', '{"name":"k","roles":[{"role":"constructor"}]}'],
      ['/admin/keys', '{"name":"k","roles":[{"role":"__proto__"}]}'],
      ['/admin/keys', '{"name":"k","roles":{"length":1,"0":{"role":"admin"}}}'],
      ['/admin/keys', '{"name":"k","roles":[["role","admin"]]}'],
      ['/admin/grants', withProto({ x: 1 })],
      ['/admin/grants', '{"__proto__":{"add":[]},"constructor":1,"add":[]}'],
      ['/admin/grants', '{"add":[{"__proto__":{"role":"admin","subject":"key:x"}}]}'],
      ['/stores', '{"__proto__":{"name":"abcd"}}'],
      ['/stores', '{"constructor":{"name":"abcd"}}'],
      ['/stores/STORE/write', '{"__proto__":{"writes":{"tuple_keys":[]}}}'],
      ['/stores/STORE/write', '{"writes":{"__proto__":{"tuple_keys":[]}}}'],
      ['/stores/STORE/delete-by-filter', '{"filter":{"__proto__":{"object":"document:1"}}}'],
      ['/stores/STORE/check', '{"tuple_key":{"__proto__":{"user":"user:a"}}}'],
      ['/stores/STORE/check', JSON.stringify({ tuple_key: keyOf('constructor:1#name@user:a') })],
      ['/stores/STORE/check', JSON.stringify({ tuple_key: keyOf('document:1#toString@user:a') })],
      [
        '/stores/STORE/check',
        JSON.stringify({ tuple_key: keyOf('document:1#viewer@__proto__:a') }),
      ],
    ];

    it('gains nothing', async () => {
      const creator = await keyWith([{ role: 'creator' }]);
      await inVain(async () => {
        for (const [path, raw] of BODIES) {
          const at = path.replace('STORE', store.id);
          for (const key of [creator, stranger]) {
            const { status } = await as(key, 'POST', at, undefined, { raw });
            expect([path, raw, status]).toEqual([path, raw, expect.any(Number)]);
            expect([400, 403, 404]).toContain(status);
          }
        }
      });
      // Nor is whoever may do it misunderstood.
      const before = await pemba.call('GET', '/admin/grants');
      for (const [path, raw] of BODIES) {
        const at = path.replace('STORE', store.id);
        const { status, json } = await pemba.call('POST', at, undefined, { raw });
        if (status === 201) expect([raw, json.roles]).toEqual([raw, []]);
        else expect([path, raw, status]).toEqual([path, raw, 400]);
      }
      expect((await pemba.call('GET', '/admin/grants')).text).toBe(before.text);
      expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('roles');
      expect(Reflect.get({}, 'role')).toBeUndefined();
      expect(pemba.failures()).toEqual([]);
    });
  });
});
