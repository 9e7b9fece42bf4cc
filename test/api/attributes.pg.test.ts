/** Attributes of entities over HTTP, and in every answer that rests on conditions. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { Store, expectError, expectStatus, keyOf } from './stores.js';
import type { Tuple } from './stores.js';

const read = (name: string): string =>
  readFileSync(join(__dirname, '../../schema/attributes', name), 'utf8');

const TUPLES = (JSON.parse(read('tuples.json')) as readonly Tuple[]).map(
  ({ condition, ...key }): Tuple =>
    condition === undefined ? key : { ...key, condition: { name: condition.name, context: {} } },
);
const ATTRIBUTES = JSON.parse(read('attributes.json')) as Readonly<Record<string, object>>;

const DELEGATING = `model
  schema 1.1
type user
type service
  relations
    define acting_for: [user]
type scope
  relations
    define actor: [service with trusted]
type item
  relations
    define desk: [service]
    define keeper: [user:* with same_site]
    define can_take: keeper and acting_for from desk
condition same_site(subject_site: string, resource_site: string) {
  subject_site == resource_site
}
condition trusted(subject_tier: int) {
  subject_tier >= 2
}
`;

const on = (name: string, condition: string): Tuple => ({
  ...keyOf(name),
  condition: { name: condition, context: {} },
});

const TOKEN = 'pemba-consistency-token';
const MAX_BYTES = 8192;

describeWithPostgres('attributes', () => {
  let pemba: Pemba;
  let second: Pemba;
  let store: Store;

  beforeAll(async () => {
    pemba = await startPemba({ PEMBA_AUTHENTICATION: 'keys' });
    second = await startPemba({}, pemba);
  });
  afterAll(async () => {
    await second.stop();
    await pemba.stop();
  });
  beforeEach(async () => {
    store = await Store.with(pemba, read('model.fga'), TUPLES);
    for (const [name, given] of Object.entries(ATTRIBUTES)) await put(name, given);
  });

  const pathOf = (name: string): string =>
    `${store.path}/attributes/${/^(.+?):(.+)$/.exec(name)?.slice(1).map(encodeURIComponent).join('/')}`;
  const call = (method: string, name: string, body?: unknown, headers = {}): Promise<Answer> =>
    pemba.call(method, pathOf(name), body, { headers });
  const put = async (name: string, body: object): Promise<string> =>
    expectStatus(await call('PUT', name, body), 204).headers.get(TOKEN) ?? '';
  const ANNE = 'record:budget#can_read@user:anne';

  it('are read as they were written, whatever is in them', async () => {
    const odd = { 'a b': 'x\u0000"\\', é: [null, true, { n: -0.5 }], ['__proto__']: { a: 1 } };
    const token = await put('user:a/bü%2F', odd);
    const answer = expectStatus(await call('GET', 'user:a/bü%2F'), 200);
    expect(answer.text).toBe(JSON.stringify(odd));
    expect(answer.headers.get(TOKEN)).toBe(token);
    await put('user:a/bü%2F', {});
    expect(expectStatus(await call('GET', 'user:a/bü%2F'), 200).json).toEqual({});
  });

  it('are gone when they are deleted, and not there before they are written', async () => {
    expectStatus(await call('DELETE', 'user:anne'), 204);
    expectError(await call('GET', 'user:anne'), 404, 'attributes_not_found');
    expectStatus(await call('DELETE', 'user:anne'), 204);
    expectError(await call('GET', 'user:nobody'), 404, 'attributes_not_found');
  });

  it('make a revision each, and none when they are as they should be', async () => {
    const again = await put('user:anne', ATTRIBUTES['user:anne'] ?? {});
    expect(await put('user:anne', ATTRIBUTES['user:anne'] ?? {})).toBe(again);
    expect(await put('user:anne', { clearance: 0 })).not.toBe(again);
  });

  it('are not among the changes that OpenFGA knows', async () => {
    const changes = await store.changes();
    expect(changes).toHaveLength(TUPLES.length);
    await store.written(['record:new#owner@user:anne']);
    expect((await store.changes()).slice(TUPLES.length)).toEqual([
      'write record:new#owner@user:anne',
    ]);
  });

  it.each([
    ['no object', [1], 400],
    ['too large', { a: 'x'.repeat(MAX_BYTES) }, 400],
    ['nested too deep', { a: [[[[[[1]]]]]] }, 400],
  ])('are refused that are %s', async (_name, body, status) => {
    expectError(await call('PUT', 'user:anne', body), status, 'validation_error');
    expect((await call('GET', 'user:anne')).json).toEqual(ATTRIBUTES['user:anne']);
  });

  it.each(['robot:1', 'user:*', 'user:a:b', `user:${'x'.repeat(252)}`, 'user#x:a'])(
    'are refused of what can be none: %s',
    async (name) => {
      const { status } = await call('PUT', name, {});
      expect(status).toBe(400);
    },
  );

  it('reach checks, batches and lists alike', async () => {
    expect(await store.allows(ANNE)).toBe(true);
    expect(await store.allows('record:budget#can_read@user:ben')).toBe(false);
    const checks = ['anne', 'ben', 'carl', 'emil'].map((user) => ({
      tuple_key: { user: `user:${user}`, relation: 'can_read', object: 'record:contract' },
      correlation_id: user,
    }));
    const { json } = expectStatus(await store.post('batch-check', { checks }), 200);
    expect(json.result).toMatchObject({
      ...{ anne: { allowed: false }, ben: { allowed: false }, carl: { allowed: true } },
      emil: { error: { input_error: 'validation_error' } },
    });
    const objects = { type: 'record', relation: 'can_read', user: 'user:carl' };
    expect((await store.post('list-objects', objects)).json.objects).toEqual(['record:contract']);
    const streamed = await store.post('streamed-list-objects', objects);
    expect(streamed.text).toContain('record:contract');
    const users = await store.post('list-users', {
      object: { type: 'record', id: 'budget' },
      relation: 'can_read',
      user_filters: [{ type: 'user' }],
    });
    expect(users.json.users).toEqual([{ object: { type: 'user', id: 'anne' } }]);
  });

  it('are not to be overridden by the context of a request', async () => {
    const context = {
      subject_clearance: 9,
      subject_department: 'finance',
      subject_status: 'active',
    };
    expect(await store.allows('record:budget#can_read@user:ben', { context })).toBe(false);
    expect(await store.allows('record:budget#can_read@user:nobody', { context })).toBe(true);
  });

  it('are there in another process at the revision of the token', async () => {
    const headersOf = (token: string): object => ({ headers: { [TOKEN]: token } });
    for (let clearance = 0; clearance < 10; clearance++) {
      const token = await put('user:anne', { ...ATTRIBUTES['user:anne'], clearance });
      const body = {
        tuple_key: { user: 'user:anne', relation: 'can_read', object: 'record:budget' },
      };
      const answer = await second.call('POST', `${store.path}/check`, body, headersOf(token));
      expect([answer.status, answer.json.allowed]).toEqual([200, clearance >= 2]);
    }
  });

  it('are told apart in the audit log, whose digest covers them', async () => {
    await call('DELETE', 'user:anne');
    const { json } = expectStatus(await store.get('audit?page_size=100&order=newest'), 200);
    const [deleted, ...before] = json.entries as readonly { action: string; details: object }[];
    expect(deleted).toMatchObject({
      action: 'attributes.write',
      details: { entity: 'user:anne', attributes: 1, writes: 0, deletes: 0 },
    });
    const written = before.filter(({ action }) => action === 'attributes.write');
    expect(written).toHaveLength(Object.keys(ATTRIBUTES).length);
    const verified = async (): Promise<unknown> =>
      expectStatus(await store.get('audit/verification'), 200).json.problems;
    expect(await verified()).toEqual([]);
    await pemba.assembly.engine.database.query(
      `UPDATE tuple_change SET attributes = '{"clearance": 9}'
       WHERE store_id = $1 AND operation = 'attributes' AND object_id = 'ben'`,
      [store.id],
    );
    expect(await verified()).toHaveLength(1);
  });

  it('reach a delegated check, and its ceilings by those of the service', async () => {
    store = await Store.with(pemba, DELEGATING, [
      'item:1#desk@service:orders',
      on('item:1#keeper@user:*', 'same_site'),
      on('scope:item.can_take#actor@service:orders', 'trusted'),
    ]);
    const keyed = await pemba.call('POST', '/admin/keys', {
      name: 'orders',
      roles: [
        { store_id: store.id, role: 'reader' },
        { store_id: store.id, role: 'acts_as', service: 'orders' },
      ],
    });
    const headers = { authorization: `Bearer ${String(keyed.json.key)}` };
    const body = { tuple_key: { user: 'user:anne', relation: 'can_take', object: 'item:1' } };
    const reason = async (): Promise<unknown> =>
      expectStatus(await store.post('delegated-check', body, { headers }), 200).json.reason;
    await put('user:anne', { site: 'graz' });
    await put('item:1', { site: 'graz' });
    await put('service:orders', { tier: 1 });
    expect(await reason()).toBe('ceiling');
    await put('service:orders', { tier: 2 });
    expect(await reason()).toBe('granted');
    await put('item:1', { site: 'linz' });
    expect(await reason()).toBe('condition_false');
    await put('item:1', {});
    expect(await reason()).toBe('missing_parameters');
  });

  describe('and who may write them', () => {
    const keyWith = async (...roles: readonly object[]): Promise<Record<string, string>> => {
      const of = roles.map((role) => ({ store_id: store.id, ...role }));
      const made = await pemba.call('POST', '/admin/keys', { name: 'k', roles: of });
      return { authorization: `Bearer ${String(expectStatus(made, 201).json.key)}` };
    };

    it('is a writer; a reader reads, and others know of nothing', async () => {
      const reader = await keyWith({ role: 'reader' });
      expectStatus(await call('GET', 'user:anne', undefined, reader), 200);
      expectError(await call('PUT', 'user:anne', {}, reader), 403, 'forbidden');
      expectError(await call('DELETE', 'user:anne', undefined, reader), 403, 'forbidden');
      const writer = await keyWith({ role: 'writer' });
      expectStatus(await call('PUT', 'user:anne', {}, writer), 204);
      const nobody = await keyWith();
      expectError(await call('GET', 'user:anne', undefined, nobody), 404, 'store_id_not_found');
      expect((await call('PUT', 'user:anne', {}, nobody)).status).toBe(400);
    });

    it('of a module writes those of the types that the module defines', async () => {
      const source = (module: string): object => ({
        metadata: { module, source_info: { file: `${module}.fga` } },
      });
      const types = [
        { type: 'user', ...source('core') },
        { type: 'invoice', ...source('sales') },
      ];
      const model = { schema_version: '1.2', type_definitions: types };
      expectStatus(await store.post('authorization-models', model), 201);
      const sales = await keyWith({ role: 'writer', module: 'sales' });
      expectStatus(await call('PUT', 'invoice:1', { paid: true }, sales), 204);
      expectStatus(await call('DELETE', 'invoice:1', undefined, sales), 204);
      for (const name of ['user:anne', 'record:budget']) {
        expectError(await call('DELETE', name, undefined, sales), 403, 'forbidden');
      }
      expectError(await call('PUT', 'user:anne', {}, sales), 403, 'forbidden');
      expect((await call('GET', 'user:anne')).json).toEqual(ATTRIBUTES['user:anne']);
      // Of a type that is no more, whoever may write all can still take them.
      expectStatus(await call('DELETE', 'record:budget'), 204);
    });
  });
});
