/** What is asked for, made to mean something else to who decides than to who reads the permit. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PermitPresentation } from '../../src/client/verifier.js';
import { PermitWorld, claimsOf, granted } from '../support/permit-world.js';
import type { Exchanged } from '../support/permit-world.js';
import { describeWithPostgres } from '../support/postgres.js';

let world: PermitWorld;

const BAD_DETAILS = '400 invalid_authorization_details';
const BAD_REQUEST = '400 invalid_request';

const outcome = ({ status, json, token }: Exchanged): string =>
  token === '' ? `${status} ${String(json['error'])}` : 'granted';

const ask = async (details: string): Promise<string> =>
  outcome(await world.exchange({ token: await world.userToken(), details }));

const detail = (members: string): string =>
  `{"type":"urn:pemba:permission","actions":["can_place"],"resource":{"type":"order","id":"1"}${members}}`;

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describeWithPostgres('details', () => {
  beforeAll(async () => {
    world = await PermitWorld.start();
  });
  afterAll(() => world.stop());

  it('are granted as they stand', async () => {
    expect(await ask(`[${detail('')}]`)).toBe('granted');
  });

  it.each([
    ['a member twice', detail(',"actions":["can_reserve"]')],
    ['a member twice, escaped', detail(String.raw`,"act\u0069ons":["can_reserve"]`)],
    ['a context with a member twice', detail(',"context":{"a":1,"a":2}')],
    ['a number that is none', detail(',"context":{"a":1e999}')],
  ])('with %s are refused, not interpreted', async (_what, text) => {
    expect(await ask(`[${text}]`)).toBe(BAD_REQUEST);
  });

  it.each([
    ['a restriction that is not known', detail(',"constraints":{"max":1}')],
    ['what objects inherit', detail(',"__proto__":{"actions":["can_reserve"]}')],
    ['another type', detail('').replace('urn:pemba', 'urn:other')],
    ['actions that are no names', detail('').replace('can_place', 'can_place or customer')],
    ['an action that objects inherit', detail('').replace('can_place', '__proto__')],
    ['constructor', detail('').replace('can_place', 'constructor')],
    ['toString', detail('').replace('"order"', '"toString"')],
    ['an action of the ceiling’s own', detail('').replace('can_place', 'acting_for')],
    ['an action with a dot', detail('').replace('can_place', 'can.place')],
    ['an id with a relation', detail('').replace('"1"', '"1#customer"')],
    ['an id with a blank', detail('').replace('"1"', '"1 "')],
    ['a type with a colon', detail('').replace('"order","id":"1"', '"order:1","id":"x"')],
    ['a number as id', detail('').replace('"1"', '1')],
    ['a context that is a list', detail(',"context":[]')],
    ['a context that is null', detail(',"context":null')],
    ['the same twice', `${detail('')},${detail('')}`],
    ['the same with two contexts', `${detail(',"context":{"a":1}')},${detail('')}`],
    [
      '17 of them',
      Array.from({ length: 17 }, (_, i) => detail('').replace('"1"', `"${i}"`)).join(),
    ],
  ])('with %s are refused', async (_what, text) => {
    expect(await ask(`[${text}]`)).toBe(BAD_DETAILS);
  });

  it('do not hand over the services themselves, nor the ceilings', async () => {
    for (const resource of [
      '{"type":"service","id":"orders"}',
      '{"type":"scope","id":"order.can_place"}',
    ]) {
      for (const action of ['acting_for', 'actor', 'through']) {
        const text = `[{"type":"urn:pemba:permission","actions":["${action}"],"resource":${resource}}]`;
        expect(await ask(text)).toMatch(/^400 invalid_(target|authorization_details)$/);
      }
    }
  });

  it('name ids in any script, and one spelling is one id', async () => {
    const ids = ['é', 'e\u0301', 'ｏrder', 'a:b', 'ꙮ'];
    await world.write(...ids.slice(0, 1).map((id) => `order:${id}#customer@user:anne`));
    const answers = await Promise.all(
      ids.map((id) => ask(`[${detail('').replace('"1"', JSON.stringify(id))}]`)),
    );
    expect(answers).toEqual(['granted', ...ids.slice(1).map(() => BAD_DETAILS)]);
    const token = await world.userToken();
    const text = `[${detail('').replace('"1"', '"é"')}]`;
    const permit = granted(await world.exchange({ token, details: text }));
    const orders = await world.verifier('orders');
    const presented = (id: string): PermitPresentation => ({
      peer: { service: 'service:web' },
      action: 'can_place',
      resource: { type: 'order', id },
    });
    await orders.verifyPermit(permit, presented('é'));
    await expect(orders.verifyPermit(permit, presented('e\u0301'))).rejects.toMatchObject({
      reason: 'not_permitted',
    });
  });

  it('are given out only where a verifier can read them', async () => {
    const orders = await world.verifier('orders');
    const presented = (context: object): PermitPresentation => ({
      peer: { service: 'service:web' },
      action: 'can_place',
      resource: { type: 'order', id: '1' },
      context: context as never,
    });
    let read = 0;
    for (const context of [
      `{"a":"${'x'.repeat(8000)}"}`,
      `{"a":"${'x'.repeat(12_000)}"}`,
      `{"a":"${'☃'.repeat(5000)}"}`,
      `{"a":${nested(20)}}`,
      `{"a":${nested(26)}}`,
      `{"a":${nested(28)}}`,
      `{"a":"\\ud800"}`,
      `{"__proto__":{"b":1},"constructor":2}`,
    ]) {
      const token = await world.userToken();
      const answer = await world.exchange({
        token,
        details: `[${detail(`,"context":${context}`)}]`,
      });
      if (answer.token === '') {
        expect([answer.status, answer.json['error']]).toEqual([400, expect.any(String)]);
        continue;
      }
      read++;
      await orders.verifyPermit(answer.token, presented(JSON.parse(context) as object));
      await expect(orders.verifyPermit(answer.token, presented({}))).rejects.toMatchObject({
        reason: 'context_differs',
      });
    }
    expect(read).toBeGreaterThanOrEqual(3);
  });

  describe('of a store that maps claims', () => {
    const MAPPED = `model
  schema 1.1
type user
type service
  relations
    define acting_for: [user]
type scope
  relations
    define actor: [service, service with strong]
type vault
  relations
    define can_open: [user with strong]
    define can_see: [user with strong_token]
condition strong(token_acr: string) {
  token_acr == "gold"
}
condition strong_token(token: map<string>) {
  token.acr == "gold"
}
`;
    let path: string;

    beforeAll(async () => {
      const store = await world.pemba.storeWith(MAPPED);
      ({ path } = store);
      const conditional = (relation: string, name: string): object => ({
        ...{ object: 'vault:1', relation, user: 'user:anne' },
        condition: { name, context: {} },
      });
      const write = await world.pemba.call('POST', `${path}/write`, {
        writes: {
          tuple_keys: [
            conditional('can_open', 'strong'),
            conditional('can_see', 'strong_token'),
            ...['web', 'orders'].flatMap((name) =>
              ['vault.can_open', 'vault.can_see'].map((scope) => ({
                ...{ object: `scope:${scope}`, relation: 'actor', user: `service:${name}` },
              })),
            ),
          ],
        },
      });
      const claims_mapping = { context: ['acr'] };
      const mapping = await world.pemba.call('PUT', `${path}/claims-mapping`, claims_mapping);
      const settings = await world.pemba.call('PUT', `${path}/delegation-settings`, {
        audiences: { web: ['shop-web'] },
      });
      expect([write.status, mapping.status, settings.status]).toEqual([200, 201, 201]);
    });

    const exchange = async (as: string, token: string, context: object): Promise<Exchanged> => {
      const { json } = await world.pemba.call('POST', '/admin/keys', {
        name: as,
        roles: [{ role: 'acts_as', service: as, store_id: path.slice('/stores/'.length) }],
      });
      const details = ['can_open', 'can_see'].map((action) => ({
        type: 'urn:pemba:permission',
        actions: [action],
        resource: { type: 'vault', id: '1' },
        ...(Object.keys(context).length > 0 && { context }),
      }));
      const response = await fetch(`${world.pemba.url}${path}/oauth/token`, {
        method: 'POST',
        headers: { authorization: `Bearer ${String(json.key)}` },
        body: new URLSearchParams({
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token: token,
          subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
          audience: as === 'web' ? 'orders' : 'vaults',
          authorization_details: JSON.stringify(details),
        }),
      });
      const body = (await response.json()) as Record<string, unknown>;
      return {
        ...{ status: response.status, headers: response.headers, json: body },
        token: typeof body['access_token'] === 'string' ? body['access_token'] : '',
      };
    };

    it('cannot say what a claim says', async () => {
      const lie = { token_acr: 'gold', token: { acr: 'gold' } };
      const weak = await world.userToken();
      for (const context of [{}, lie, { token: lie.token }, { token_acr: 'gold' }]) {
        expect(outcome(await exchange('web', weak, context))).toBe(BAD_DETAILS);
      }
      const strong = await exchange('web', await world.userToken({ acr: 'gold' }), {});
      expect(outcome(strong)).toBe('granted');
      // Of the permit, no claims are known any more; and nobody may make them up.
      for (const context of [{}, lie, { token: lie.token }, { token_acr: 'gold' }]) {
        expect(outcome(await exchange('orders', strong.token, context))).toBe(BAD_DETAILS);
      }
      expect(claimsOf(strong.token)['authorization_details']).not.toHaveProperty('0.context');
    });
  });
});
