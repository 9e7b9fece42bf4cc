/** What the services of a store can cause, as it is told; and what a new model changes of it. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { exampleStore } from '../../src/operations/example-store.js';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { Store, expectError, expectStatus, keyOf } from './stores.js';

const modelWith = (...lines: readonly string[]): string => `model
  schema 1.1
type user
type service
  relations
    define acting_for: [user]
type scope
  relations
    define actor: [service]
    define through: [service, service:*] or actor
type item
  relations
    define buyer: [user]
    define seller: [service]
${lines.map((line) => `    ${line}\n`).join('')}`;

const RULE = 'buyer and acting_for from seller';
const MODEL = modelWith(
  `define can_reserve: ${RULE}`,
  'define can_hold: can_reserve or buyer',
  'define can_look: buyer',
);
const RESERVE = {
  type: 'item',
  relation: 'can_reserve',
  rule: RULE,
  service_relation: 'seller',
  needs: [{ rule: 'buyer', relations: [{ type: 'item', relation: 'buyer' }] }],
};

interface Told {
  readonly implications: readonly { readonly module?: string; readonly rule: string }[];
  readonly services: readonly {
    readonly service: string;
    readonly ceilings: readonly object[];
  }[];
  readonly chains: readonly object[];
  readonly problems: readonly { readonly message: string }[];
}

describeWithPostgres('the delegations of a store', () => {
  let pemba: Pemba;
  beforeAll(async () => {
    pemba = await startPemba();
  });
  afterAll(() => pemba.stop());

  const delegationsOf = async (store: Store): Promise<Told> =>
    expectStatus(await store.get('delegations'), 200).json as Told;
  const write = (store: Store, raw: string): Promise<Answer> =>
    store.post('authorization-models', undefined, {
      raw,
      headers: { 'content-type': 'text/plain' },
    });

  it('are each service with its ceilings, and the rules and objects behind them', async () => {
    const store = await Store.with(pemba, MODEL, [
      'item:1#seller@service:orders',
      'item:2#seller@service:orders',
      'item:2#seller@service:web',
      { ...keyOf('item:3#seller@service:orders'), expires_at: '2999-01-01T00:00:00Z' },
      'scope:item.can_reserve#actor@service:orders',
      'scope:item.can_hold#actor@service:orders',
      'scope:item.can_look#actor@service:web',
      'scope:item.can_reserve#through@service:web',
      'scope:item.can_look#through@service:*',
    ]);
    const ceiling = (relation: string, ...objects: readonly number[]): object => ({
      type: 'item',
      relation,
      uses: objects.map((count) => ({ implication: 0, objects: count })),
    });
    const found = await delegationsOf(store);
    expect(found).toEqual({
      authorization_model_id: store.modelId,
      implications: [RESERVE],
      services: expect.any(Array),
      chains: expect.any(Array),
      problems: [],
      complete: true,
    });
    const services = new Map(found.services.map(({ service, ceilings }) => [service, ceilings]));
    expect([...services.keys()].sort()).toEqual(['service:orders', 'service:web']);
    expect(services.get('service:web')).toEqual([ceiling('can_look')]);
    expect(services.get('service:orders')).toHaveLength(2);
    expect(services.get('service:orders')).toEqual(
      expect.arrayContaining([ceiling('can_hold', 3), ceiling('can_reserve', 3)]),
    );
    expect(found.chains).toHaveLength(2);
    expect(found.chains).toEqual(
      expect.arrayContaining([
        { type: 'item', relation: 'can_reserve', through: ['service:web'] },
        { type: 'item', relation: 'can_look', through: ['service:*'] },
      ]),
    );
  });

  it('are as they were written a moment ago, and of the model that is named', async () => {
    const store = await Store.with(pemba, MODEL);
    expect((await delegationsOf(store)).services).toEqual([]);
    await store.written(['scope:item.can_reserve#actor@service:orders']);
    expect((await delegationsOf(store)).services).toHaveLength(1);
    expectStatus(await write(store, modelWith('define can_reserve: buyer')), 201);
    expect((await delegationsOf(store)).implications).toEqual([]);
    const old = await store.get(`delegations?authorization_model_id=${store.modelId}`);
    expect(expectStatus(old, 200).json.implications).toEqual([RESERVE]);
    const { json } = await pemba.call('POST', '/stores', { name: 'empty' });
    const empty = await pemba.call('GET', `/stores/${String(json.id)}/delegations`);
    expectError(empty, 400, 'latest_authorization_model_not_found');
  });

  it('have problems where a rule is no service’s, and where a ceiling is of nothing', async () => {
    const store = await Store.with(pemba, MODEL, [
      'scope:item.can_look#actor@service:web',
      'scope:item.gone#actor@service:web',
    ]);
    const { problems, services } = await delegationsOf(store);
    expect(services).toHaveLength(1);
    expect(problems).toEqual([
      expect.objectContaining({ kind: 'unknown_scope', type: 'scope', relation: 'actor' }),
      expect.objectContaining({ kind: 'without_ceiling', type: 'item', relation: 'can_reserve' }),
    ]);
    expect(problems[0]?.message).toBe(
      "'scope:item.gone#actor@service:web' is about no relation of the model",
    );
    expect(problems[1]?.message).toContain(`'${RULE}'`);
  });

  it('do not count a ceiling that has expired', async () => {
    const soon = new Date(pemba.clock.now() + 60_000).toISOString();
    const ceiling = keyOf('scope:item.can_reserve#actor@service:orders');
    const store = await Store.with(pemba, MODEL, [
      { ...ceiling, expires_at: soon },
      { ...keyOf('item:1#seller@service:orders'), expires_at: soon },
      keyOf('scope:item.can_hold#actor@service:orders'),
    ]);
    pemba.clock.putForward(61_000);
    const { services } = await delegationsOf(store);
    expect(services).toEqual([
      {
        service: 'service:orders',
        ceilings: [{ type: 'item', relation: 'can_hold', uses: [{ implication: 0, objects: 0 }] }],
      },
    ]);
  });

  it('of the example are its story, and in order', async () => {
    const id = await exampleStore(pemba.assembly.engine);
    const store = new Store(pemba, {
      id: String(id),
      path: `/stores/${String(id)}`,
      modelId: '',
    });
    const { implications, services, problems } = await delegationsOf(store);
    expect(problems).toEqual([]);
    expect(implications.map(({ module, rule }) => [module, rule])).toEqual([
      ['inventory', 'can_place from order and acting_for from ordering_service'],
      ['billing', 'can_place from order and acting_for from charging_service'],
    ]);
    const orders = services.find(({ service }) => service === 'service:orders');
    expect(orders?.ceilings).toHaveLength(2);
    expect(orders?.ceilings).toEqual(
      expect.arrayContaining([
        { type: 'item', relation: 'can_reserve', uses: [{ implication: 0, objects: 2 }] },
        { type: 'invoice', relation: 'can_charge', uses: [{ implication: 1, objects: 1 }] },
      ]),
    );
  });
});

describeWithPostgres('a new model', () => {
  let pemba: Pemba;
  beforeAll(async () => {
    pemba = await startPemba();
  });
  afterAll(() => pemba.stop());

  const HEADER = 'pemba-delegation-changes';

  const newStore = async (): Promise<(dsl: string) => Promise<Answer>> => {
    const { json } = await pemba.call('POST', '/stores', { name: 'changing' });
    const path = `/stores/${String(json.id)}/authorization-models`;
    return async (raw) =>
      expectStatus(
        await pemba.call('POST', path, undefined, {
          raw,
          headers: { 'content-type': 'text/plain' },
        }),
        201,
      );
  };

  it('is answered with the implications that it adds and removes', async () => {
    const write = await newStore();
    const first = await write(MODEL);
    expect(first.headers.get(HEADER)).toBe('added=1, removed=0');
    expect(first.json).toEqual({
      authorization_model_id: expect.any(String),
      delegation_changes: { added: [RESERVE], removed: [] },
    });
    const wider = await write(modelWith('define can_reserve: acting_for from seller'));
    expect(wider.headers.get(HEADER)).toBe('added=1, removed=1');
    expect(wider.json.delegation_changes).toEqual({
      added: [{ ...RESERVE, rule: 'acting_for from seller', needs: [] }],
      removed: [RESERVE],
    });
    const none = await write(modelWith('define can_reserve: buyer'));
    expect(none.headers.get(HEADER)).toBe('added=0, removed=1');
  });

  it('says nothing where nothing of that kind changes', async () => {
    const write = await newStore();
    await write(MODEL);
    const same = await write(MODEL.replace('can_look', 'can_see'));
    expect(same.headers.get(HEADER)).toBeNull();
    expect(same.json).toEqual({ authorization_model_id: expect.any(String) });
  });
});
