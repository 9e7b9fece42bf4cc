/** Stores that are not there, not yet or no more; what becomes of deleted ones; lists of stores. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { Store, expectError, expectStatus, keyOf } from './stores.js';

const MODEL = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user]
`;

const NAME = 'document:1#viewer@user:anne';
const KEY = keyOf(NAME);
const UNKNOWN_ID = '01ARZ3NDEKTSV4RRFFQ69G5FAV';

const RETENTION_MS = 3_600_000;

/** Queries and writes of a store, which is one without models when there is none. */
const BY_MODEL: Readonly<Record<string, object>> = {
  write: { writes: { tuple_keys: [KEY] } },
  check: { tuple_key: KEY },
  'batch-check': { checks: [{ tuple_key: KEY, correlation_id: 'a' }] },
  expand: { tuple_key: { relation: 'viewer', object: 'document:1' } },
  'list-objects': { user: 'user:anne', relation: 'viewer', type: 'document' },
  'list-users': {
    object: { type: 'document', id: '1' },
    relation: 'viewer',
    user_filters: [{ type: 'user' }],
  },
};
const STREAMED: object = { user: 'user:anne', relation: 'viewer', type: 'document' };

/** Everything else of a store, by method and path; the model's id is to be filled in. */
const BY_STORE: readonly (readonly [method: string, endpoint: string, body: object | undefined])[] =
  [
    ['GET', '', undefined],
    ['POST', '/read', {}],
    ['GET', '/changes', undefined],
    ['POST', '/delete-by-filter', { filter: { user: 'user:anne' } }],
    [
      'POST',
      '/authorization-models',
      { schema_version: '1.1', type_definitions: [{ type: 'user' }] },
    ],
    ['GET', '/authorization-models', undefined],
    ['PUT', '/assertions/MODEL', { assertions: [] }],
    ['GET', '/assertions/MODEL', undefined],
  ];

const TABLES = ['store', 'authorization_model', 'assertion', 'relation_tuple', 'tuple_change'];

const idsOf = ({ json }: Answer): readonly string[] =>
  (json.stores as readonly { readonly id: string }[]).map(({ id }) => id);

describeWithPostgres('a store', () => {
  let pemba: Pemba;
  beforeAll(async () => {
    pemba = await startPemba({
      PEMBA_BATCH_SIZE: '4',
      PEMBA_SWEEP_INTERVAL_MS: '86400000',
      PEMBA_DELETED_STORE_RETENTION_MS: String(RETENTION_MS),
    });
  });
  afterAll(() => pemba.stop());

  const rowsOf = async (store: Store): Promise<Readonly<Record<string, number>>> => {
    const counts: Record<string, number> = {};
    for (const table of TABLES) {
      const [row] = await pemba.assembly.database.query(
        `SELECT count(*) AS rows FROM ${table} WHERE store_id = $1`,
        [store.id],
      );
      counts[table] = Number(row?.['rows']);
    }
    return counts;
  };

  const deleteStore = async (store: Store): Promise<void> => {
    expectStatus(await pemba.call('DELETE', store.path), 204);
  };

  /** Stores that are not there, with the id of a model. */
  const absent: readonly (readonly [string, () => Promise<Store>])[] = [
    [
      'unknown',
      () =>
        Promise.resolve(
          new Store(pemba, { id: UNKNOWN_ID, path: `/stores/${UNKNOWN_ID}`, modelId: UNKNOWN_ID }),
        ),
    ],
    [
      'deleted',
      async () => {
        const store = await Store.with(pemba, MODEL, [NAME]);
        await deleteStore(store);
        return store;
      },
    ],
    [
      'deleted and purged',
      async () => {
        const store = await Store.with(pemba, MODEL, [NAME]);
        await deleteStore(store);
        pemba.clock.putForward(RETENTION_MS + 1);
        await pemba.assembly.sweeper.sweep();
        expect((await rowsOf(store))['store']).toBe(0);
        return store;
      },
    ],
  ];

  describe.each(absent)('that is %s', (_how, make) => {
    let store: Store;
    beforeAll(async () => {
      store = await make();
    });

    it.each(Object.entries(BY_MODEL))('has no model for %s', async (endpoint, body) => {
      expectError(
        await store.post(endpoint, body),
        400,
        'latest_authorization_model_not_found',
        new RegExp(store.id),
      );
      expectError(
        await store.post(endpoint, { ...body, authorization_model_id: store.modelId }),
        400,
        'authorization_model_not_found',
        new RegExp(store.modelId),
      );
    });

    it('has no model for streamed-list-objects', async () => {
      const answer = await store.post('streamed-list-objects', STREAMED);
      expect([answer.status, answer.json]).toEqual([
        400,
        { error: { code: 3, message: expect.stringContaining(store.id), details: [] } },
      ]);
    });

    it.each(BY_STORE)('is not found by %s %s', async (method, endpoint, body) => {
      const path = `${store.path}${endpoint.replace('MODEL', store.modelId)}`;
      expectError(await pemba.call(method, path, body), 404, 'store_id_not_found');
    });

    it('has no model for import', async () => {
      const options = {
        raw: `${JSON.stringify(KEY)}\n`,
        headers: { 'content-type': 'application/x-ndjson' },
      };
      const answer = await store.post('import', undefined, options);
      expectError(answer, 400, 'latest_authorization_model_not_found');
    });

    it('has no model to give', async () => {
      for (const path of [store.modelId, `${store.modelId}/rollout`]) {
        const answer = await store.get(`authorization-models/${path}`);
        expectError(answer, 400, 'authorization_model_not_found');
      }
    });

    it('may be deleted', () => deleteStore(store));

    it('is in no list', async () => {
      expect(idsOf(await pemba.call('GET', '/stores?page_size=100'))).not.toContain(store.id);
    });
  });

  describe('that has no model yet', () => {
    it('can be read and not asked', async () => {
      const { json } = await pemba.call('POST', '/stores', { name: 'new' });
      const id: string = json.id;
      const store = new Store(pemba, { id, path: `/stores/${id}`, modelId: UNKNOWN_ID });
      expect(await store.read()).toEqual([]);
      expect(await store.changes()).toEqual([]);
      expect((await store.get('authorization-models')).json).toEqual({
        authorization_models: [],
        continuation_token: '',
      });
      for (const [endpoint, body] of Object.entries(BY_MODEL)) {
        const answer = await store.post(endpoint, body);
        expectError(answer, 400, 'latest_authorization_model_not_found');
      }
    });
  });

  describe('that is deleted', () => {
    afterEach(() => pemba.assembly.sweeper.sweep());

    it('leaves the others as they are', async () => {
      const kept = await Store.with(pemba, MODEL, [NAME]);
      await deleteStore(await Store.with(pemba, MODEL, [NAME]));
      expect(await kept.allows(NAME)).toBe(true);
    });

    it('keeps its rows for the retention, then goes in batches', async () => {
      const names = Array.from({ length: 10 }, (_, i) => `document:${i}#viewer@user:anne`);
      const store = await Store.with(pemba, MODEL, names);
      const kept = await Store.with(pemba, MODEL, names);
      const assertions = { assertions: [{ tuple_key: KEY, expectation: true }] };
      await pemba.call('PUT', `${store.path}/assertions/${store.modelId}`, assertions);
      await deleteStore(store);
      const full = {
        store: 1,
        authorization_model: 1,
        assertion: 1,
        relation_tuple: 10,
        tuple_change: 10,
      };
      pemba.clock.putForward(RETENTION_MS - 60_000);
      await pemba.assembly.sweeper.sweep();
      expect(await rowsOf(store)).toEqual(full);
      pemba.clock.putForward(60_001);
      await pemba.assembly.sweeper.sweep();
      expect(Object.values(await rowsOf(store))).toEqual(TABLES.map(() => 0));
      expect(await rowsOf(kept)).toEqual({ ...full, assertion: 0 });
    });

    it('is not swept for its expired tuples', async () => {
      const instant = pemba.clock.now() + 1000;
      const expires_at = new Date(instant).toISOString();
      const store = await Store.with(pemba, MODEL, [{ ...KEY, expires_at }]);
      await deleteStore(store);
      pemba.clock.putForward(2000);
      await pemba.assembly.sweeper.sweep();
      expect(await rowsOf(store)).toMatchObject({ relation_tuple: 1, tuple_change: 1 });
    });

    it('refuses a write that another process still has the store for', async () => {
      const other = await startPemba({}, pemba);
      try {
        const store = await Store.with(pemba, MODEL, [NAME]);
        const there = new Store(other, store);
        expect(await there.allows(NAME)).toBe(true);
        await deleteStore(store);
        const answer = await there.write(['document:2#viewer@user:anne']);
        expect([400, 404]).toContain(answer.status);
        expect(await rowsOf(store)).toMatchObject({ relation_tuple: 1, tuple_change: 1 });
        const fresh = { tuple_key: KEY, consistency: 'HIGHER_CONSISTENCY' };
        expect([400, 404]).toContain((await there.post('check', fresh)).status);
      } finally {
        await other.stop();
      }
    });
  });

  describe('in the list', () => {
    async function create(name: string): Promise<string> {
      const { json } = expectStatus(await pemba.call('POST', '/stores', { name }), 201);
      return String(json.id);
    }

    it('is found by its exact name, in the order of creation, page by page', async () => {
      const wanted = [await create('by name'), await create('by name'), await create('by name')];
      await create('by name too');
      await create('By name');
      const first = await pemba.call('GET', '/stores?name=by%20name&page_size=2');
      expect(idsOf(first)).toEqual(wanted.slice(0, 2));
      const token: string = first.json.continuation_token;
      const rest = await pemba.call(
        'GET',
        `/stores?name=by%20name&page_size=2&continuation_token=${token}`,
      );
      expect(idsOf(rest)).toEqual(wanted.slice(2));
      expect(rest.json.continuation_token).toBe('');
      expect((await pemba.call('GET', '/stores?name=nobody')).json).toEqual({
        stores: [],
        continuation_token: '',
      });
    });

    it('is seen once by who goes page by page while others come and go', async () => {
      const before = [await create('page'), await create('page'), await create('page')];
      const first = await pemba.call('GET', '/stores?name=page&page_size=1');
      expectStatus(await pemba.call('DELETE', `/stores/${before[0]}`), 204);
      const late = await create('page');
      const token: string = first.json.continuation_token;
      const rest = await pemba.call('GET', `/stores?name=page&continuation_token=${token}`);
      expect([...idsOf(first), ...idsOf(rest)]).toEqual([...before, late]);
    });

    it('holds the token to its filter', async () => {
      await create('held');
      await create('held');
      const { json } = await pemba.call('GET', '/stores?name=held&page_size=1');
      const token: string = json.continuation_token;
      for (const query of [`name=other&`, '']) {
        expectError(
          await pemba.call('GET', `/stores?${query}continuation_token=${token}`),
          400,
          'invalid_continuation_token',
        );
      }
    });
  });
});
