/** Whoever asks to learn what is there, rather than to be let in. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PermitWorld, TOKEN_TYPE } from '../support/permit-world.js';
import type { Answer } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';

let world: PermitWorld;
let stranger: string;

const NOWHERE = '0'.repeat(26);

interface Told {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
}

async function keyWith(name: string, roles: readonly object[]): Promise<string> {
  const { json } = await world.pemba.call('POST', '/admin/keys', { name, roles });
  return String(json.key);
}

async function exchangeAt(storeId: string, headers: Record<string, string>): Promise<Told> {
  const response = await fetch(`${world.pemba.url}/stores/${storeId}/oauth/token`, {
    method: 'POST',
    headers,
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: await userToken,
      subject_token_type: `${TOKEN_TYPE}:jwt`,
      audience: 'inventory',
      authorization_details:
        '[{"type":"urn:pemba:permission","actions":["can_place"],"resource":{"type":"order","id":"1"}}]',
    }),
  });
  // What differs from answer to answer, wherever it comes from.
  const changing = ['date', 'x-request-id', 'ratelimit', 'x-ratelimit-remaining'];
  return {
    status: response.status,
    headers: [...response.headers]
      .filter(([name]) => !changing.includes(name))
      .map((pair) => pair.join(': ')),
    body: await response.text(),
  };
}

let userToken: Promise<string>;

describeWithPostgres('whoever asks around', () => {
  beforeAll(async () => {
    // These hold whoever asks around up; here it is what he would learn.
    world = await PermitWorld.start({
      PEMBA_RATE_EXCHANGES: '0',
      PEMBA_RATE_FAILED_AUTHENTICATIONS: '0',
    });
    stranger = `Bearer ${await keyWith('stranger', [{ role: 'observer' }])}`;
    userToken = world.userToken();
    await world.keyOf('web');
  });
  afterAll(() => world.stop());

  it.each([
    ['a stranger', () => ({ authorization: stranger })],
    ['nobody', (): Record<string, string> => ({})],
    ['a guesser', () => ({ authorization: 'Bearer pemba_made_up' })],
  ])(
    'learns not whether there is a store, for nothing looks for it: %s',
    async (_who, headersOf) => {
      const { id } = world.store;
      const { replicas } = world.pemba.assembly.engine;
      const [peek, open] = [replicas.peek.bind(replicas), replicas.open.bind(replicas)];
      const looked = new Set<string>();
      replicas.peek = (storeId) => peek((looked.add(storeId), storeId));
      replicas.open = (storeId) => open((looked.add(storeId), storeId));
      try {
        const answers = new Set<string>();
        for (let i = 0; i < 10; i++) {
          for (const storeId of [id, NOWHERE]) {
            answers.add(JSON.stringify(await exchangeAt(storeId, headersOf())));
          }
        }
        expect(answers.size).toBe(1);
        expect([looked.has(id), looked.has(NOWHERE)]).toEqual([false, false]);
        await exchangeAt(id, { authorization: `Bearer ${await world.keyOf('web')}` });
        expect(looked.has(id)).toBe(true);
      } finally {
        Object.assign(replicas, { peek, open });
      }
    },
  );

  it('finds no names of a model by asking for them', async () => {
    const token = await world.userToken();
    const answers = await Promise.all(
      ['can_place order:404', 'can_fly order:1', 'can_place orders:1', 'shop order:1'].map(
        async (asked) => {
          const { status, json } = await world.exchange({ token, details: [asked] });
          return `${status} ${JSON.stringify(json).replace(/decision [0-9A-Z]{26}/, '')}`;
        },
      ),
    );
    // Of the scopes, a service sees which are its own: where the ceiling is what lacks.
    expect(new Set(answers.slice(1, 3)).size).toBe(1);
    expect(answers[0]).toBe(answers[1]);
    expect(answers[3]).toMatch(/^400 .*invalid_target/);
  });

  describe('at the delegated check', () => {
    const ask = (key: string, body: object, path = 'delegated-check'): Promise<Answer> =>
      world.pemba.call('POST', `${world.store.path}/${path}`, body, {
        headers: { authorization: key },
      });

    const question = {
      tuple_key: { user: 'user:bob', relation: 'can_place', object: 'order:1' },
    };

    it('is a stranger there, whatever he asks for, as at a store that is not there', async () => {
      // A service’s key alone may not even ask.
      for (const key of [stranger, `Bearer ${await world.keyOf('web')}`]) {
        for (const more of [{}, { explain: true }, { actor: 'service:web' }]) {
          const answers = await Promise.all(
            [world.store.id, NOWHERE].map(async (id) => {
              const { status, text } = await world.pemba.call(
                'POST',
                `/stores/${id}/delegated-check`,
                { ...question, ...more },
                { headers: { authorization: key } },
              );
              return `${status} ${text.replaceAll(id, 'ID')}`;
            }),
          );
          expect(answers[0]).toBe(answers[1]);
          expect(answers[0]).toMatch(/^40[04] /);
        }
      }
    });

    it('is no other service for saying so, nor do his tuples make him one', async () => {
      const roles = [{ role: 'reader', store_id: world.store.id }];
      const key = `Bearer ${await world.keyOf('reading', roles)}`;
      expect((await ask(key, { ...question, actor: 'service:orders' })).status).toBe(403);
      for (const [object, relation, user] of [
        ['service:reading', 'acting_for', 'user:bob'],
        ['scope:order.can_place', 'actor', 'service:reading'],
        ['scope:order.can_place', 'through', 'service:reading'],
      ]) {
        const contextual_tuples = { tuple_keys: [{ object, relation, user }] };
        const { status, json } = await ask(key, { ...question, contextual_tuples });
        expect([status, String(json.message)]).toEqual([
          400,
          expect.stringMatching(/not for a request to say/),
        ]);
      }
      const { json } = await ask(key, { ...question, chain: ['service:web'], explain: true });
      expect([json.allowed, json.reason]).toEqual([false, 'ceiling']);
    });

    it('asks for so much at once, and no more', async () => {
      const roles = [{ role: 'reader', store_id: world.store.id }];
      const key = `Bearer ${await world.keyOf('reading', roles)}`;
      const checks = (count: number): object => ({
        checks: Array.from({ length: count }, (_, i) => ({
          ...question,
          correlation_id: String(i),
        })),
      });
      expect((await ask(key, checks(50), 'delegated-batch-check')).status).toBe(200);
      expect((await ask(key, checks(1001), 'delegated-batch-check')).status).toBe(400);
      const twice = { checks: [1, 2].map(() => ({ ...question, correlation_id: 'a' })) };
      expect((await ask(key, twice, 'delegated-batch-check')).status).toBe(400);
      const long = Array.from({ length: 5 }, (_, i) => `service:s${i}`);
      expect((await ask(key, { ...question, chain: long })).status).toBe(400);
      expect((await ask(key, { ...question, chain: ['service:a', 'service:a'] })).status).toBe(400);
    });
  });

  it('learns from a token of another store only that it is none of this', async () => {
    const other = await world.pemba.storeWith('model\n  schema 1.1\ntype user\n');
    const { headers } = await world.pemba.call('POST', `${other.path}/authorization-models`, {
      schema_version: '1.1',
      type_definitions: [
        { type: 'user' },
        {
          type: 'a',
          relations: { b: { this: {} } },
          metadata: { relations: { b: { directly_related_user_types: [{ type: 'user' }] } } },
        },
      ],
    });
    const written = await world.pemba.call('POST', `${other.path}/write`, {
      writes: { tuple_keys: [{ object: 'a:1', relation: 'b', user: 'user:x' }] },
    });
    const foreign = written.headers.get('pemba-consistency-token') ?? '';
    expect([foreign === '', headers.get('date') === null]).toEqual([false, false]);
    const own = (await world.write('order:77#customer@user:anne')).headers.get(
      'pemba-consistency-token',
    );
    const token = await world.userToken();
    const ask = async (consistency_token: string): Promise<readonly unknown[]> => {
      const { status, json } = await world.exchange({ token, form: { consistency_token } });
      return [status, json['error']];
    };
    expect(await ask(own ?? '')).toEqual([200, undefined]);
    expect(await ask(foreign)).toEqual([400, 'invalid_request']);
    expect(await ask(`${own ?? ''}x`)).toEqual([400, 'invalid_request']);
    expect(await ask('999999')).toEqual([400, 'invalid_request']);
  });
});
