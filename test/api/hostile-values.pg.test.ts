/** Ids, parameters, numbers and sizes that nobody honest sends. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { fingerprintOf } from './hostile/fingerprint.js';
import { messageOf } from './hostile/refusal.js';
import { Store, expectError, expectStatus, keyOf } from './stores.js';

const MODEL = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user, user with weighed]
condition weighed(weights: list<double>, most: double) {
  weights.size() > 2 && most > 1.0
}
`;

const EXPECTED = 'document:9#viewer@user:zoe';
const KEY = keyOf('document:1#viewer@user:anne');

const ULID = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const NOT_ULIDS = [
  ULID.toLowerCase(),
  ULID.slice(1),
  `${ULID}0`,
  ULID.replace('A', 'U'),
  ULID.replace('A', 'I'),
  ULID.replace('A', 'é'),
  `${ULID.slice(1)}%00`,
  `%20${ULID}`,
  `${ULID}%0a`,
  '..%2f..%2fetc%2fpasswd',
  "1'%20OR%20'1'='1",
  'null',
  'undefined',
  '__proto__',
  'constructor',
  '*',
  '%F0%9F%92%A9',
  'x'.repeat(200),
];

describeWithPostgres('a hostile value', () => {
  let pemba: Pemba;
  let store: Store;
  let before: unknown;

  beforeAll(async () => {
    pemba = await startPemba({ PEMBA_SWEEP_INTERVAL_MS: '86400000' });
    store = await Store.with(pemba, MODEL, [EXPECTED]);
  });
  afterAll(() => pemba.stop());
  beforeEach(async () => {
    before = await fingerprintOf(pemba);
  });
  afterEach(async () => {
    expect(await fingerprintOf(pemba)).toEqual(before);
    expect(await store.allows(EXPECTED)).toBe(true);
    expect(pemba.failures()).toEqual([]);
  });

  const expectRefused = (answer: Answer, named: RegExp, status = 400): void => {
    expect(messageOf({ name: '' }, answer)).toEqual({
      status,
      message: expect.stringMatching(named),
    });
  };

  const sendRaw = (endpoint: string, raw: string): Promise<Answer> =>
    store.post(endpoint, undefined, { raw });

  describe('for a store’s id', () => {
    const IN_STORE: readonly (readonly [method: string, endpoint: string])[] = [
      ['GET', ''],
      ['DELETE', ''],
      ['GET', '/changes'],
      ['GET', '/authorization-models'],
      ['GET', `/authorization-models/${ULID}`],
      ['GET', `/assertions/${ULID}`],
    ];
    it.each(IN_STORE)('is refused by %s %s', async (method, endpoint) => {
      for (const id of NOT_ULIDS) {
        expectRefused(await pemba.call(method, `/stores/${id}${endpoint}`), /^store_id: /);
      }
    });

    const BODIES: Readonly<Record<string, object>> = {
      write: { writes: { tuple_keys: [KEY] } },
      read: {},
      'delete-by-filter': { filter: { user: 'user:anne' } },
      'rename-tuples': { type: 'document', to: 'page', step: 'copy' },
      'authorization-models': { schema_version: '1.1', type_definitions: [{ type: 'user' }] },
      check: { tuple_key: KEY },
      'batch-check': { checks: [{ tuple_key: KEY, correlation_id: 'a' }] },
      expand: { tuple_key: KEY },
      'list-objects': { user: 'user:anne', relation: 'viewer', type: 'document' },
      'list-users': {
        object: { type: 'document', id: '1' },
        relation: 'viewer',
        user_filters: [{ type: 'user' }],
      },
    };
    it.each(Object.keys(BODIES))('is refused by POST %s', async (endpoint) => {
      for (const id of NOT_ULIDS) {
        const answer = await pemba.call('POST', `/stores/${id}/${endpoint}`, BODIES[endpoint]);
        expectRefused(answer, /^store_id: /);
      }
    });
  });

  it('for a model’s id is refused', async () => {
    for (const id of NOT_ULIDS) {
      for (const endpoint of ['authorization-models', 'assertions']) {
        expectRefused(await store.get(`${endpoint}/${id}`), /^authorization_model_id: /);
      }
      const body = { tuple_key: KEY, authorization_model_id: decodeURIComponent(id) };
      expectRefused(await store.post('check', body), /^authorization_model_id: /);
    }
  });

  it('for a model’s id does not reach another store’s model', async () => {
    const other = await Store.with(pemba, MODEL);
    before = await fingerprintOf(pemba);
    const body = { tuple_key: KEY, authorization_model_id: other.modelId };
    expectError(await store.post('check', body), 400, 'authorization_model_not_found');
    const answer = await store.get(`authorization-models/${other.modelId}`);
    expectError(answer, 400, 'authorization_model_not_found');
  });

  describe('in a query string', () => {
    const PAGE_SIZES = [
      '0',
      '-1',
      '101',
      '1.5',
      '1e1',
      'x',
      '%00',
      '9999999999999999999',
      '1&page_size=2',
    ];
    it.each(['/stores', '/stores/STORE/changes', '/stores/STORE/authorization-models'])(
      'is refused as the page size of %s',
      async (path) => {
        for (const size of PAGE_SIZES) {
          const url = `${path.replace('STORE', store.id)}?page_size=${size}`;
          expectRefused(await pemba.call('GET', url), /^page_size: /);
        }
      },
    );

    it('is refused as the name of a store', async () => {
      for (const name of ['%00', 'a%00b', 'a&name=b']) {
        expectRefused(await pemba.call('GET', `/stores?name=${name}`), /^name: /);
      }
    });

    it('finds no store by a name that none can have', async () => {
      for (const name of ['%25', "'%20OR%201=1--", '%F0%9F%92%A9', 'x'.repeat(5000)]) {
        const { json } = expectStatus(await pemba.call('GET', `/stores?name=${name}`), 200);
        expect(json.stores).toEqual([]);
      }
    });

    it('is refused as a type or a time of changes', async () => {
      for (const type of ['%00', 'a%20b', 'document:1', 'a&type=b']) {
        expectRefused(await store.get(`changes?type=${type}`), /^type: /);
      }
      const times = [
        'today',
        '1',
        '2020-13-01T00:00:00Z',
        '2020-02-30T00:00:00Z',
        '2020-01-01',
        '2020-01-01T00:00:00',
        '2020-01-01T25:00:00Z',
        '0000-01-01T00:00:00Z',
        '%2B10000-01-01T00:00:00Z',
        '2020-01-01T00:00:00Z%00',
        '2020-01-01T00:00:00Z&start_time=2020-01-01T00:00:00Z',
        `2020-01-01T00:00:00.${'0'.repeat(5000)}Z`,
      ];
      for (const time of times) {
        expectRefused(await store.get(`changes?start_time=${time}`), /^start_time: /);
      }
    });

    it('means nothing if the name is not known', async () => {
      const names = [
        '__proto__=1',
        'constructor=2',
        'toString=3',
        'page_size[]=4',
        '=5',
        '&&&',
        '%zz',
      ];
      const answer = await pemba.call('GET', `/stores?${names.join('&')}`);
      expectStatus(answer, 200);
    });
  });

  describe('for a time of expiry', () => {
    it('is refused unless there is such a time', async () => {
      const times = [
        '2999-02-29T00:00:00Z',
        '2999-04-31T00:00:00Z',
        '2999-01-01T24:00:00Z',
        '2999-01-01T00:00:60Z',
        '2999-01-01T00:00:00',
        '2999-01-01 00:00:00Z',
        '9999-12-31T23:59:59-01:00',
        '12999-01-01T00:00:00Z',
        'infinity',
        '',
      ];
      for (const expires_at of times) {
        expectRefused(await store.write([{ ...KEY, expires_at }]), /expires_at: /);
      }
    });
  });

  describe('for a number', () => {
    it('is refused if it is too large for JSON', async () => {
      for (const number of ['1e400', '-1e400', '[1,2,1e999]', '{"a":[{"b":1e400}]}']) {
        const context = `{"most":${number}}`;
        const key = JSON.stringify(KEY);
        const tuple = `${key.slice(0, -1)},"condition":{"name":"weighed","context":${context}}}`;
        expectRefused(
          await sendRaw('write', `{"writes":{"tuple_keys":[${tuple}]}}`),
          /condition\.context: .*too large/,
        );
        expectRefused(
          await sendRaw('check', `{"tuple_key":${key},"context":${context}}`),
          /^context: .*too large/,
        );
        expectRefused(
          await sendRaw(
            'check',
            `{"tuple_key":${key},"contextual_tuples":{"tuple_keys":[${tuple}]}}`,
          ),
          /condition\.context: .*too large/,
        );
      }
    });

    it('is refused as a page size or a depth', async () => {
      for (const size of ['1e400', '-1e400', '1e-400', '-0', '0.5', '1e20']) {
        expectRefused(await sendRaw('read', `{"page_size":${size}}`), /page_size/);
        const expand = `{"tuple_key":${JSON.stringify(KEY)},"max_depth":${size}}`;
        expectRefused(await sendRaw('expand', expand), /max_depth/);
      }
    });
  });

  describe('of great size', () => {
    const many = <Item>(count: number, item: (i: number) => Item): readonly Item[] =>
      Array.from({ length: count }, (_, i) => item(i));
    const manyKeys = (count: number): readonly object[] =>
      many(count, (i) => keyOf(`document:${i}#viewer@user:anne`));

    it('is refused as tuples, contextual tuples, checks or assertions', async () => {
      const writes = { tuple_keys: manyKeys(101) };
      expectError(await store.post('write', { writes }), 400, 'exceeded_entity_limit', /100/);
      const contextual_tuples = { tuple_keys: manyKeys(10_000) };
      const check = await store.post('check', { tuple_key: KEY, contextual_tuples });
      expectError(check, 400, 'exceeded_entity_limit', /100/);
      const checks = many(5000, (i) => ({ tuple_key: KEY, correlation_id: `c${i}` }));
      expectError(await store.post('batch-check', { checks }), 400, 'validation_error', /50/);
      const assertions = many(101, () => ({ tuple_key: KEY, expectation: true }));
      const path = `${store.path}/assertions/${store.modelId}`;
      const answer = await pemba.call('PUT', path, { assertions });
      expectError(answer, 400, 'assertions_too_many_items', /100/);
    });

    it('is taken as a context that no condition looks at', async () => {
      const context = { numbers: many(300_000, () => 1), flat: many(50_000, () => []) };
      const { json } = expectStatus(await store.post('check', { tuple_key: KEY, context }), 200);
      expect(json.allowed).toBe(false);
    });

    it('is refused as the context of a tuple', async () => {
      const weights = many(20_000, (i) => i);
      const condition = { name: 'weighed', context: { weights } };
      expectRefused(await store.write([{ ...KEY, condition }]), /context size limit exceeded/);
    });

    it('is refused as types of a model', async () => {
      const type_definitions = many(101, (i) => ({ type: `t${i}` }));
      const body = { schema_version: '1.1', type_definitions };
      const answer = await store.post('authorization-models', body);
      expectError(answer, 400, 'invalid_authorization_model', /100/);
    });

    it('is written and read up to the limits', async () => {
      const own = await Store.with(pemba, MODEL);
      const wide = '\u{1F4A9}'.repeat(247);
      const longest = {
        user: `user:${'é'.repeat(253)}x`,
        relation: 'viewer',
        object: `document:${wide}`,
      };
      await own.written([longest]);
      expect(await own.read(undefined, 1)).toMatchObject([longest]);
      expectStatus(await own.post('delete-by-filter', { filter: { user: longest.user } }), 200);
      expect(await own.read()).toEqual([]);
      before = await fingerprintOf(pemba);
    });
  });

  it('that is given twice counts as it is given last', async () => {
    const key = (user: string): string => JSON.stringify({ ...keyOf(EXPECTED), user });
    const twice = (first: string, last: string): string =>
      `{"tuple_key":${key(first)},"tuple_key":${key(last)}}`;
    expect((await sendRaw('check', twice('user:none', 'user:zoe'))).json.allowed).toBe(true);
    expect((await sendRaw('check', twice('user:zoe', 'user:none'))).json.allowed).toBe(false);
  });

  it('in a context cannot stand in for a parameter by its prototype', async () => {
    const condition = { name: 'weighed', context: { weights: [1, 2, 3] } };
    const own = await Store.with(pemba, MODEL, [{ ...KEY, condition }]);
    before = await fingerprintOf(pemba);
    const raw = `{"tuple_key":${JSON.stringify(KEY)},"context":{"__proto__":{"most":2}}}`;
    const answer = await own.post('check', undefined, { raw });
    expectRefused(answer, /missing context parameters '\[most\]'/);
    expect(await own.allows('document:1#viewer@user:anne', { context: { most: 2 } })).toBe(true);
  });

  it('as a name of a model is a name like another', async () => {
    const names = ['constructor', 'toString', 'hasOwnProperty', '__proto__'];
    const types = names.map(
      (name) =>
        `{"type":"${name}","relations":{"${name}":{"this":{}}},"metadata":{"relations":` +
        `{"${name}":{"directly_related_user_types":[{"type":"user"}]}}}}`,
    );
    const raw = `{"schema_version":"1.1","type_definitions":[{"type":"user"},${types.join(',')}]}`;
    const own = await Store.with(pemba, MODEL);
    expectStatus(await own.post('authorization-models', undefined, { raw }), 201);
    for (const name of names) {
      const tuple = `${name}:1#${name}@user:anne`;
      await own.written([tuple]);
      expect(await own.allows(tuple)).toBe(true);
      expect(await own.allows(`${name}:1#${name}@user:ben`)).toBe(false);
    }
    before = await fingerprintOf(pemba);
  });
});
