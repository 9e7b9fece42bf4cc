/** The delegation settings of a store, which are kept as its claims mapping is. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ModelId, StoreId } from '../../src/ids.js';
import { startPemba } from '../support/pemba.js';
import type { Answer, CallOptions, Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { Store, expectError, expectStatus } from './stores.js';

const MODEL = `model
  schema 1.1
type user
type service
  relations
    define acting_for: [user]
type item
  relations
    define can_reserve: [user]
`;
const WITHOUT_DELEGATION = 'model\n  schema 1.1\ntype user\n';
const SETTINGS = {
  lifetime: '2m',
  audiences: { orders: ['shop-api'] },
  relations: { 'item#can_reserve': { online_only: true } },
};
const MAPPING = { context: ['acr'] };

describeWithPostgres('delegation settings', () => {
  let pemba: Pemba;
  beforeAll(async () => {
    pemba = await startPemba();
  });
  afterAll(() => pemba.stop());

  const put = (store: Store, body: unknown, options?: CallOptions): Promise<Answer> =>
    pemba.call('PUT', `${store.path}/delegation-settings`, body, options);
  const settingsOf = async (store: Store): Promise<unknown> =>
    expectStatus(await store.get('delegation-settings'), 200).json;
  const writeDsl = (store: Store, raw: string): Promise<Answer> =>
    store.post('authorization-models', undefined, {
      raw,
      headers: { 'content-type': 'text/plain' },
    });
  const newest = async (store: Store): Promise<object> =>
    (await store.get('authorization-models')).json.authorization_models[0] as object;

  it('are written as JSON or YAML, read again, and taken away', async () => {
    const store = await Store.with(pemba, MODEL);
    expect(await settingsOf(store)).toEqual({});
    expectStatus(await put(store, SETTINGS), 201);
    expect(await settingsOf(store)).toEqual(SETTINGS);
    const yaml = { raw: 'lifetime: 5s', headers: { 'content-type': 'application/yaml' } };
    expectStatus(await put(store, undefined, yaml), 201);
    expect(await settingsOf(store)).toEqual({ lifetime: '5s' });
    expectStatus(await put(store, {}), 201);
    expect(await settingsOf(store)).toEqual({});
  });

  it('are what the new version is used with, here and where it is loaded', async () => {
    const store = await Store.with(pemba, MODEL);
    const { json } = expectStatus(await put(store, SETTINGS), 201);
    const other = await startPemba({}, pemba);
    try {
      for (const { assembly } of [pemba, other]) {
        const { delegation } = await assembly.engine.plans.get(
          store.id as StoreId,
          json.authorization_model_id as ModelId,
        );
        expect(delegation.isOnlineOnly('item', 'can_reserve')).toBe(true);
        expect(delegation.lifetimeMs('item', 'can_reserve')).toBe(120_000);
        expect(delegation.namesService('shop-api', 'orders')).toBe(true);
      }
    } finally {
      await other.stop();
    }
  });

  it('stay when the claims mapping is written, and the other way round', async () => {
    const store = await Store.with(pemba, MODEL);
    expectStatus(await put(store, SETTINGS), 201);
    expectStatus(await pemba.call('PUT', `${store.path}/claims-mapping`, MAPPING), 201);
    expectStatus(await put(store, { lifetime: '1s' }), 201);
    const both = { claims_mapping: MAPPING, delegation_settings: { lifetime: '1s' } };
    expect(await newest(store)).toMatchObject(both);
  });

  it('come with a model, are carried over, or are taken away with one', async () => {
    const store = await Store.with(pemba, MODEL);
    const body = { ...(await newest(store)), delegation_settings: SETTINGS };
    expectStatus(await store.post('authorization-models', body), 201);
    expect(await settingsOf(store)).toEqual(SETTINGS);
    expectStatus(await writeDsl(store, MODEL), 201);
    expect(await settingsOf(store)).toEqual(SETTINGS);
    const without = { ...body, delegation_settings: null };
    expectStatus(await store.post('authorization-models', without), 201);
    expect(await newest(store)).not.toHaveProperty('delegation_settings');
  });

  it('that do not fit a new model keep it from being written, and tell why', async () => {
    const store = await Store.with(pemba, MODEL);
    expectStatus(await put(store, SETTINGS), 201);
    const renamed = MODEL.replace('can_reserve', 'can_order');
    const hint = /item#can_reserve' not found.*without delegation_settings keeps.*or null/s;
    expectError(await writeDsl(store, renamed), 400, 'validation_error', hint);
    const none = /no relation 'service#acting_for'.*or null/s;
    expectError(await writeDsl(store, WITHOUT_DELEGATION), 400, 'validation_error', none);
    const own = await put(store, { relations: { 'item#none': {} } });
    expectError(own, 400, 'validation_error', /^delegation_settings\.relations\.item#none: [^.]*$/);
    expect(await settingsOf(store)).toEqual(SETTINGS);
  });
});
