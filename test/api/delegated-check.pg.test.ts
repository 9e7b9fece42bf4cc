/** May this service, acting for this user, do this? And nobody else, and not without the user. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba, TestStore } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';

const MODEL = `model
  schema 1.1
type user
type service
  relations
    define acting_for: [user]
type scope
  relations
    define actor: [service, service with in_office_hours]
    define through: [service, service:*] or actor
type order
  relations
    define customer: [user]
    define blocked: [user]
    define can_place: customer but not blocked
type item
  relations
    define order: [order]
    define ordering_service: [service]
    define keeper: [user]
    define can_reserve: keeper or (can_place from order and acting_for from ordering_service)
    define can_buy_out: [user with within_limit]
condition within_limit(amount: int, limit: int) {
  amount <= limit
}
condition in_office_hours(hour: int) {
  hour >= 9 && hour < 17
}
`;

const tuple = (text: string): { user: string; relation: string; object: string } => {
  const [object = '', rest = ''] = text.split('#');
  const [relation = '', ...user] = rest.split('@');
  return { object, relation, user: user.join('@') };
};

const TUPLES = [
  'order:1#customer@user:anne',
  'item:9#order@order:1',
  'item:9#ordering_service@service:orders',
  'item:9#keeper@user:root',
  'scope:item.can_reserve#actor@service:orders',
  'scope:item.can_reserve#actor@service:backoffice',
  'scope:item.can_reserve#through@service:web',
  'scope:item.can_buy_out#actor@service:orders',
];

let pemba: Pemba;
let store: TestStore;

const keyWith = async (...roles: readonly object[]): Promise<Record<string, string>> => {
  const { json, status, text } = await pemba.call('POST', '/admin/keys', {
    name: 'k',
    roles: roles.map((role) => ({ store_id: store.id, ...role })),
  });
  if (status !== 201) throw new Error(text);
  return { authorization: `Bearer ${String(json.key)}` };
};

const READER = { role: 'reader' };
const acts = (service: string): object => ({ role: 'acts_as', service });

const ask = (
  headers: Record<string, string>,
  question: string,
  more: object = {},
): Promise<Answer> =>
  pemba.call(
    'POST',
    `${store.path}/delegated-check`,
    { tuple_key: tuple(question), ...more },
    { headers },
  );

describeWithPostgres('a delegated check', () => {
  let orders: Record<string, string>;

  beforeAll(async () => {
    pemba = await startPemba({ PEMBA_AUTHENTICATION: 'keys' });
    store = await pemba.storeWith(MODEL);
    const tuple_keys: object[] = TUPLES.map(tuple);
    tuple_keys.push(
      {
        ...tuple('item:9#can_buy_out@user:anne'),
        condition: { name: 'within_limit', context: { limit: 10 } },
      },
      {
        ...tuple('scope:item.can_reserve#actor@service:night'),
        condition: { name: 'in_office_hours', context: {} },
      },
      tuple('item:9#ordering_service@service:night'),
    );
    const { status, text } = await pemba.call('POST', `${store.path}/write`, {
      writes: { tuple_keys },
    });
    if (status !== 200) throw new Error(text);
    orders = await keyWith(READER, acts('orders'));
  });
  afterAll(() => pemba.stop());

  it('is granted to the service for the user, with revision, reason and an id', async () => {
    const { status, json, headers } = await ask(orders, 'item:9#can_reserve@user:anne');
    expect(status).toBe(200);
    expect(json).toEqual({
      allowed: true,
      reason: 'granted',
      actor: 'service:orders',
      revision: 1,
      decision_id: expect.stringMatching(/^[0-9A-Z]{26}$/),
    });
    expect(headers.get('pemba-consistency-token')).toBeTruthy();
  });

  it('is not what the user may do alone, nor the service', async () => {
    for (const user of ['user:anne', 'service:orders']) {
      const { json } = await pemba.call('POST', `${store.path}/check`, {
        tuple_key: { user, relation: 'can_reserve', object: 'item:9' },
      });
      expect([user, json.allowed]).toEqual([user, false]);
    }
  });

  it.each([
    ['another user', 'item:9#can_reserve@user:bob', {}, 'no_path'],
    ['an object of nobody', 'item:8#can_reserve@user:anne', {}, 'no_path'],
    ['a condition that does not hold', 'item:9#can_buy_out@user:anne', { context: { amount: 11 } }],
    ['a parameter that is not given', 'item:9#can_buy_out@user:anne', {}, 'missing_parameters'],
  ])(
    'is denied for %s, and says why',
    async (_what, question, more, reason = 'condition_false') => {
      const { status, json } = await ask(orders, question, more);
      expect([status, json.allowed, json.reason]).toEqual([200, false, reason]);
    },
  );

  it('does not lift a service over its ceiling, whoever the user is', async () => {
    const web = await keyWith(READER, acts('web'));
    for (const user of ['user:anne', 'user:root']) {
      const { json } = await ask(web, `item:9#can_reserve@${user}`);
      expect([json.allowed, json.reason]).toEqual([false, 'ceiling']);
    }
  });

  it('grants by the schema only what it grants to that very service', async () => {
    const backoffice = await keyWith(READER, acts('backoffice'));
    // It has the ceiling, but the item is not ordered through it.
    expect((await ask(backoffice, 'item:9#can_reserve@user:anne')).json.reason).toBe('no_path');
    expect((await ask(backoffice, 'item:9#can_reserve@user:root')).json.reason).toBe('granted');
  });

  it('holds the services before the actor to their place in the chain', async () => {
    const question = 'item:9#can_reserve@user:anne';
    const reasons = await Promise.all(
      [['service:web'], ['service:backoffice'], ['service:billing'], ['web', 'billing']].map(
        async (chain) => String((await ask(orders, question, { chain })).json.reason),
      ),
    );
    expect(reasons).toEqual(['granted', 'granted', 'chain', 'chain']);
  });

  it('asks the condition of a ceiling as well', async () => {
    const night = await keyWith(READER, acts('night'));
    const question = 'item:9#can_reserve@user:anne';
    const at = async (hour: number): Promise<unknown> =>
      (await ask(night, question, { context: { hour } })).json.reason;
    expect([await at(12), await at(20)]).toEqual(['granted', 'ceiling']);
  });

  describe('as whom', () => {
    it('is known of the caller, not said by it', async () => {
      const { status, json } = await ask(orders, 'item:9#can_reserve@user:anne', {
        actor: 'service:backoffice',
      });
      expect([status, json.code]).toEqual([403, 'forbidden']);
      expect(json.message).toContain('service:backoffice');
    });

    it('may be said by who holds the right to', async () => {
      const asserter = await keyWith(READER, { role: 'asserter' });
      const { json } = await ask(asserter, 'item:9#can_reserve@user:anne', { actor: 'orders' });
      expect([json.allowed, json.actor]).toEqual([true, 'service:orders']);
    });

    it('has to be said by who is several, and is refused of who is none', async () => {
      const both = await keyWith(READER, acts('orders'), acts('web'));
      const question = 'item:9#can_reserve@user:anne';
      expect((await ask(both, question)).json.message).toMatch(/^actor: value is required.*orders/);
      expect((await ask(both, question, { actor: 'service:web' })).json.reason).toBe('ceiling');
      const none = await keyWith(READER);
      expect((await ask(none, question)).status).toBe(403);
    });

    it('ends with the grant', async () => {
      const { json } = await pemba.call('POST', '/admin/keys', {
        name: 'k',
        roles: [{ ...READER, store_id: store.id }],
      });
      const headers = { authorization: `Bearer ${String(json.key)}` };
      const grant = { store_id: store.id, ...acts('orders'), subject: `key:${String(json.id)}` };
      const reason = async (): Promise<unknown> =>
        (await ask(headers, 'item:9#can_reserve@user:anne')).json.reason;
      await pemba.call('POST', '/admin/grants', { add: [grant] });
      expect(await reason()).toBe('granted');
      const { json: listed } = await pemba.call('GET', `/admin/grants?store_id=${store.id}`);
      expect(listed.grants).toContainEqual(grant);
      await pemba.call('POST', '/admin/grants', { remove: [grant] });
      expect(await reason()).toBeUndefined();
    });

    it('is not another store’s service', async () => {
      const other = await pemba.storeWith(MODEL);
      const foreign = await keyWith(
        READER,
        { role: 'reader', store_id: other.id },
        { ...acts('orders'), store_id: other.id },
      );
      expect((await ask(foreign, 'item:9#can_reserve@user:anne')).status).toBe(403);
    });
  });

  describe('asked to explain', () => {
    const explain = { explain: true };

    it('names all that is missing: ceilings, and what the user would need', async () => {
      const web = await keyWith(READER, acts('web'));
      const { json } = await ask(web, 'item:9#can_reserve@user:bob', explain);
      expect(json).toMatchObject({
        reason: 'ceiling',
        missing: [
          { kind: 'ceiling', tuple: 'scope:item.can_reserve#actor@service:web' },
          {
            kind: 'authority',
            reason: 'no_path',
            denial: { set: 'item:9#can_reserve', because: 'all_ways_fail' },
          },
        ],
      });
      expect(json.missing).toHaveLength(2);
      expect(JSON.stringify(json.missing)).toContain('item:9#keeper@user:bob');
    });

    it('names the parameters that conditions lack', async () => {
      const { json } = await ask(orders, 'item:9#can_buy_out@user:anne', explain);
      expect(json.missing).toMatchObject([
        { kind: 'authority', reason: 'missing_parameters', parameters: ['amount'] },
      ]);
    });

    it('shows why the user is kept out', async () => {
      await pemba.call('POST', `${store.path}/write`, {
        writes: { tuple_keys: [tuple('order:1#blocked@user:anne')] },
      });
      const { json } = await ask(orders, 'item:9#can_reserve@user:anne', explain);
      expect(JSON.stringify(json.missing)).toContain(
        '{"set":"order:1#can_place","because":"excluded","from":"order:1#blocked",' +
          '"proof":{"tuples":["order:1#blocked@user:anne"]}}',
      );
      await pemba.call('POST', `${store.path}/write`, {
        deletes: { tuple_keys: [tuple('order:1#blocked@user:anne')] },
      });
    });

    it('has nothing to say of what is granted', async () => {
      const { json } = await ask(orders, 'item:9#can_reserve@user:anne', explain);
      expect([json.allowed, json.missing]).toEqual([true, undefined]);
    });

    it('does so only for who may read the store', async () => {
      const writer = await keyWith({ role: 'writer', module: 'stock' }, acts('orders'));
      const question = 'item:9#can_reserve@user:anne';
      expect((await ask(writer, question)).json.reason).toBe('granted');
      const { status, json } = await ask(writer, question, explain);
      expect([status, json.message]).toEqual([
        403,
        'explain: the caller does not hold the right store:read',
      ]);
    });
  });

  it.each([
    ['acting_for', 'service:orders#acting_for@user:bob'],
    ['a ceiling', 'scope:item.can_buy_out#actor@service:web'],
  ])('takes no contextual tuple of %s', async (_what, claimed) => {
    const { status, json } = await ask(orders, 'item:9#can_reserve@user:bob', {
      contextual_tuples: { tuple_keys: [tuple(claimed)] },
    });
    expect(status).toBe(400);
    expect(json.message).toMatch(/^contextual_tuples\[0\]: who acts for whom/);
  });

  it.each([
    ['a userset', 'item:9#can_reserve@group:1#member', 'tuple_key'],
    ['a wildcard', 'item:9#can_reserve@user:*', 'tuple_key.user'],
    ['an object', 'item:9#can_reserve@item:1', 'tuple_key.user'],
  ])('is about a user that services act for, not about %s', async (_what, question, field) => {
    const { status, json } = await ask(orders, question);
    expect([status, String(json.message).startsWith(field)]).toEqual([400, true]);
  });

  it.each([
    ['an empty actor', { actor: '' }, 'actor'],
    ['a wildcard for the actor', { actor: 'service:*' }, 'actor'],
    ['a user for the actor', { actor: 'user:anne' }, 'actor'],
    ['a number for the chain', { chain: 1 }, 'chain'],
    ['a chain with the actor', { chain: ['service:orders'] }, 'chain'],
    ['a chain of four', { chain: ['a', 'b', 'c', 'd'] }, 'chain'],
    ['no relation', { tuple_key: { user: 'user:anne', object: 'item:9' } }, 'tuple_key.relation'],
  ])('with %s is refused, naming the field', async (_what, more, field) => {
    const { status, json } = await ask(orders, 'item:9#can_reserve@user:anne', more);
    expect(status).toBe(400);
    expect(json.message).toContain(field);
  });

  it('answers many at one revision, each with its reason', async () => {
    const { json } = await pemba.call(
      'POST',
      `${store.path}/delegated-batch-check`,
      {
        checks: [
          { correlation_id: 'a', tuple_key: tuple('item:9#can_reserve@user:anne') },
          { correlation_id: 'b', tuple_key: tuple('item:9#can_reserve@user:bob') },
          { correlation_id: 'c', tuple_key: tuple('item:9#nothing@user:bob') },
        ],
      },
      { headers: orders },
    );
    expect(json.actor).toBe('service:orders');
    expect(json.result.a).toMatchObject({ allowed: true, reason: 'granted' });
    expect(json.result.b).toMatchObject({ allowed: false, reason: 'no_path' });
    expect(json.result.c.error.input_error).toBe('validation_error');
  });

  it('needs a model that includes the delegation module', async () => {
    const bare = await pemba.storeWith(`model
  schema 1.1
type user
type item
  relations
    define viewer: [user]
`);
    const { status, json } = await pemba.call('POST', `${bare.path}/delegated-check`, {
      tuple_key: tuple('item:1#viewer@user:anne'),
      actor: 'service:orders',
    });
    expect(status).toBe(400);
    expect(json.message).toContain('schema/delegation.fga');
  });
});

describeWithPostgres('a delegated check without authentication', () => {
  it('believes who it says it is', async () => {
    pemba = await startPemba();
    try {
      store = await pemba.storeWith(MODEL);
      await pemba.call('POST', `${store.path}/write`, {
        writes: { tuple_keys: TUPLES.map(tuple) },
      });
      const question = 'item:9#can_reserve@user:anne';
      expect((await ask({}, question, { actor: 'service:orders' })).json.reason).toBe('granted');
      expect((await ask({}, question)).json.message).toMatch(/^actor: value is required/);
    } finally {
      await pemba.stop();
    }
  });
});
