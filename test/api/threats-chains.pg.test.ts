/**
 * Whoever holds tokens that are good, and wants more than they say: another object, another service,
 * another chain, another minute. Asked over HTTP, and at the receiving service of its verifier.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash, randomUUID } from 'node:crypto';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import type { PermitPresentation, Verifier } from '../../src/client/verifier.js';
import { PUBLIC_URL, PermitWorld, TOKEN_TYPE, claimsOf, granted } from '../support/permit-world.js';
import type { Ask, Exchanged } from '../support/permit-world.js';
import { describeWithPostgres } from '../support/postgres.js';

let world: PermitWorld;
let inventory: Verifier;

const RESERVING: PermitPresentation = {
  peer: { service: 'service:orders' },
  action: 'can_reserve',
  resource: { type: 'item', id: '9' },
};

const verdict = (token: string, more: Partial<PermitPresentation> = {}): Promise<string> =>
  inventory.verifyPermit(token, { ...RESERVING, ...more }).then(
    () => 'accepted',
    (error: unknown) => (error as { reason: string }).reason,
  );

const refusal = ({ status, json, token }: Exchanged): string =>
  token === '' ? `${status} ${String(json['error'])}` : 'granted';

const refused = async (ask: Ask): Promise<string> => refusal(await world.exchange(ask));

const INVALID_TARGET = '400 invalid_target';
const INVALID_REQUEST = '400 invalid_request';
const INVALID_DETAILS = '400 invalid_authorization_details';

describeWithPostgres('whoever wants more than a token says', () => {
  beforeAll(async () => {
    world = await PermitWorld.start({ PEMBA_TRUST_DOMAIN: 'shop.example' });
    inventory = await world.verifier('inventory');
  });
  afterAll(() => world.stop());

  describe('as a confused deputy', () => {
    it('finds an administrator’s rights of no use to a service without a ceiling', async () => {
      const token = await world.userToken({ sub: 'root', aud: 'billing' });
      const ask = { token, as: 'billing', audience: 'inventory', details: ['can_reserve item:8'] };
      expect(await refused(ask)).toBe(INVALID_TARGET);
      // The same user, through a service that may: it was the service.
      const through = { ...ask, as: 'orders', token: await world.userToken(ROOT_AT_ORDERS) };
      expect(await refused(through)).toBe('granted');
    });

    it('finds its own ceiling of no use for a user without the right', async () => {
      const token = await world.userToken({ sub: 'bob', aud: 'orders' });
      const ask = { token, as: 'orders', audience: 'inventory', details: ['can_reserve item:9'] };
      expect(await refused(ask)).toBe(INVALID_DETAILS);
    });

    it('cannot use a permit for another object, action or value', async () => {
      const permit = await world.permitForInventory();
      expect(await verdict(permit)).toBe('accepted');
      const item = (id: string): Partial<PermitPresentation> => ({
        resource: { type: 'item', id },
      });
      for (const other of [
        item('8'),
        item('9 '),
        item('09'),
        item('*'),
        { action: 'can_write_off' },
        { action: 'Can_reserve' },
        { resource: { type: 'items', id: '9' } },
        { resource: { type: 'Item', id: '9' } },
      ]) {
        expect(await verdict(permit, other)).toBe('not_permitted');
      }
    });
  });

  describe('with the rights of God', () => {
    it.each([
      ['every item', '*'],
      ['every item, by a set', '9#order'],
      ['items of a kind', 'x:*'],
      ['no item', ''],
    ])('gets no permit for %s', async (_what, id) => {
      const ask = await world.reserving();
      const detail = (resource: object): string =>
        JSON.stringify([{ type: 'urn:pemba:permission', actions: ['can_reserve'], resource }]);
      expect(await refused({ ...ask, details: detail({ type: 'item', id }) })).toBe(
        INVALID_DETAILS,
      );
      expect(await refused({ ...ask, details: detail({ type: '*', id: '9' }) })).toBe(
        INVALID_DETAILS,
      );
    });

    it('says neither its chain nor its user', async () => {
      const form = {
        act: '{"sub":"service:orders"}',
        sub: 'user:root',
        subject: 'user:root',
        txn: 'mine',
        exp: '9999999999',
        user: 'user:root',
      };
      const permit = granted(await world.exchange({ token: await world.userToken(), form }));
      expect(claimsOf(permit)).toMatchObject({ sub: 'user:anne', act: { sub: 'service:web' } });
      expect(claimsOf(permit)['txn']).not.toBe('mine');
      expect(Number(claimsOf(permit)['exp']) - Number(claimsOf(permit)['iat'])).toBe(60);
    });

    it('acts as no service but its own', async () => {
      const token = await world.userToken({ aud: 'orders' });
      const ask = { token, audience: 'inventory', details: ['can_reserve item:9'] };
      expect(await refused({ ...ask, as: 'web', form: { client_id: 'service:orders' } })).toBe(
        '400 unauthorized_client',
      );
      for (const id of ['service:*', 'service:orders#acting_for', 'service:', 'service:a:b c']) {
        expect(await refused({ ...ask, as: 'web', form: { client_id: id } })).toMatch(
          /^40[01] (invalid_request|unauthorized_client|invalid_client)$/,
        );
      }
    });

    it('does not sign permits with a key of its own', async () => {
      const now = Math.floor(world.pemba.clock.now() / 1000);
      const permit = await world.permitForInventory();
      const claims = { ...claimsOf(permit), iat: now, nbf: now, exp: now + 60 };
      const forged = await world.issuer.sign(claims, { header: { typ: 'permit+jwt' } });
      expect(await verdict(forged)).toBe('unknown_key');
      expect(await refused({ ...(await world.reserving()), token: forged })).toBe(INVALID_REQUEST);
    });
  });

  describe('with a token for somebody else', () => {
    it('is refused by every service but the one', async () => {
      const permit = await world.permitForInventory();
      const billing = await world.verifier('billing');
      await expect(billing.verifyPermit(permit, RESERVING)).rejects.toMatchObject({
        reason: 'wrong_audience',
      });
    });

    it('is refused where it is not who the permit was given to', async () => {
      const permit = await world.permitForInventory();
      for (const service of ['service:web', 'service:billing', 'orders', 'SERVICE:orders', '']) {
        expect(await verdict(permit, { peer: { service } })).toBe('wrong_peer');
      }
      expect(await verdict(permit, { peer: { unauthenticated: true } })).toBe('unconfirmed');
    });

    it('uses a permit once where it changes something', async () => {
      const permit = await world.permitForInventory();
      const once = await Promise.all(
        Array.from({ length: 20 }, () => verdict(permit, { once: true })),
      );
      expect(once.filter((one) => one === 'accepted')).toHaveLength(1);
      expect(new Set(once)).toEqual(new Set(['accepted', 'replayed']));
    });

    it('uses no permit that is bound to a key without a proof of it, for this permit, once', async () => {
      const key = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
      const another = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
      const url = 'https://inventory.test/items/9';
      const proof = async (
        { privateKey, publicKey }: typeof key,
        claims: Readonly<Record<string, string>>,
      ): Promise<string> =>
        new SignJWT({
          ...{ jti: randomUUID(), iat: Math.floor(world.pemba.clock.now() / 1000) },
          ...claims,
        })
          .setProtectedHeader({ alg: 'EdDSA', typ: 'dpop+jwt', jwk: await exportJWK(publicKey) })
          .sign(privateKey);
      const htu = `${PUBLIC_URL}${world.store.path}/oauth/token`;
      const answer = await world.exchange({
        ...(await world.reserving()),
        headers: { dpop: await proof(key, { htm: 'POST', htu }) },
      });
      expect(answer.json['token_type']).toBe('DPoP');
      const permit = granted(answer);
      const ath = createHash('sha256').update(permit).digest('base64url');
      const presented = (made: string): Partial<PermitPresentation> => ({
        peer: { service: 'service:orders', dpop: { proof: made, method: 'POST', url } },
      });
      expect(await verdict(permit)).toBe('not_proved');
      const claims = { htm: 'POST', htu: url, ath };
      expect(await verdict(permit, presented(await proof(another, claims)))).toBe('not_proved');
      for (const wrong of [{ htm: 'GET' }, { htu: `${url}0` }, { ath: 'x'.repeat(43) }]) {
        const made = await proof(key, { ...claims, ...wrong });
        expect(await verdict(permit, presented(made))).toBe('invalid_proof');
      }
      const good = await proof(key, claims);
      expect(await verdict(permit, presented(good))).toBe('accepted');
      expect(await verdict(permit, presented(good))).toBe('proof_replayed');
    });

    it('goes on from a permit only where it is addressed', async () => {
      const forOrders = await world.permitForOrders();
      const ask = { token: forOrders, audience: 'inventory', details: ['can_reserve item:9'] };
      for (const as of ['web', 'billing', 'inventory']) {
        expect(await refused({ ...ask, as })).toBe(INVALID_REQUEST);
      }
      expect(await refused({ ...ask, as: 'orders' })).toBe('granted');
    });

    it('gets permits for one other service at a time', async () => {
      const ask = await world.reserving();
      for (const audience of [
        'service:inventory service:billing',
        '["service:inventory"]',
        'service:*',
        'service:inventory#acting_for',
        'user:anne',
        'service:orders',
        'orders',
        '',
      ]) {
        expect(await refused({ ...ask, audience })).toMatch(/^400 invalid_(target|request)$/);
      }
    });

    it('does not pass off one kind of token as another', async () => {
      expect(await verdict(await world.userToken({ aud: 'inventory' }))).toBe('wrong_type');
      const dressed = await world.issuer.accessToken(
        { aud: 'service:inventory' },
        { header: { typ: 'permit+jwt' } },
      );
      expect(await verdict(dressed)).toBe('invalid_claim');
      expect(await refused({ ...(await world.reserving()), token: dressed })).toBe(INVALID_REQUEST);
    });
  });

  describe('with tokens from several chains', () => {
    it('cannot join a user’s token of one service with another as actor', async () => {
      const token = await world.userToken();
      const ask = { as: 'orders', token, audience: 'inventory', details: ['can_reserve item:9'] };
      expect(await refused(ask)).toBe(INVALID_REQUEST);
      const actor = { actor_token: await world.keyOf('web'), actor_token_type: ACCESS_TOKEN };
      expect(await refused({ ...ask, form: actor })).toBe(INVALID_REQUEST);
      expect(await refused({ token: await world.userToken(), form: actor })).toBe('granted');
    });

    it('learns of an actor’s token not even whether it counts', async () => {
      const answers = await Promise.all(
        [await world.keyOf('orders'), 'pmb_made_up', 'a.b.c', await world.userToken()].map(
          async (actor_token) => {
            const form = { actor_token, actor_token_type: ACCESS_TOKEN };
            const { status, json } = await world.exchange({ token: await world.userToken(), form });
            return { status, json };
          },
        ),
      );
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      expect(answers[0]).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
    });

    it('takes no context of another transaction for authority', async () => {
      const scope = 'orders.place';
      const form = {
        ...{ requested_token_type: `${TOKEN_TYPE}:txn_token`, scope },
        authorization_details: undefined,
      };
      const txn = granted(
        await world.exchange({
          token: await world.userToken({ scope }),
          audience: 'shop.example',
          form,
        }),
      );
      expect(await refused({ ...(await world.reserving()), token: txn })).toBe(INVALID_REQUEST);
      expect(await verdict(txn)).toBe('wrong_type');
    });

    it('does not go round in circles', async () => {
      await world.write('scope:order.can_place#actor@service:orders');
      const back = granted(
        await world.exchange({
          ...(await world.reserving()),
          audience: 'service:web',
          details: ['can_place order:1'],
        }),
      );
      const { json } = await world.exchange({ as: 'web', token: back });
      expect(json['error_description']).toBe(
        'subject_token: its chain would come back to the client',
      );
    });

    it('has four services at most, each of which may stand where it stands', async () => {
      const services = ['web', 'a', 'b', 'c', 'd'];
      await world.write(
        'scope:shop.may_look#actor@service:web',
        ...services.slice(1).map((name) => `scope:item.can_reserve#actor@service:${name}`),
        'item:4#staff@user:anne',
      );
      const details = ['can_reserve item:4'];
      await world.write('scope:item.can_reserve#actor@service:web');
      let token = granted(
        await world.exchange({
          token: await world.userToken(),
          ...{ audience: 'service:a', details },
        }),
      );
      for (const [i, as] of services.entries()) {
        if (i === 0) continue;
        const answer = await world.exchange({ as, token, audience: 'service:z', details });
        if (i === 4) {
          expect(answer.json['error_description']).toBe(
            'subject_token: its chain would have more than 4 services',
          );
          break;
        }
        expect(refusal(answer)).toBe('granted');
        token = granted(
          await world.exchange({
            ...{ as, token, audience: `service:${services[i + 1] ?? ''}`, details },
          }),
        );
      }
      await world.delete('scope:item.can_reserve#actor@service:web');
      // `through` is given it directly, and `a` is let through as an actor.
      await world.delete('scope:item.can_reserve#through@service:web');
      expect(await refused(await world.reserving())).toBe(INVALID_TARGET);
      await world.write('scope:item.can_reserve#through@service:web');
    });
  });

  describe('by exchanging what it has', () => {
    it('is given nothing that is not granted anew, whatever the permit said', async () => {
      const token = await world.permitForOrders();
      const ask = { ...(await world.reserving(token)) };
      expect(await refused({ ...ask, details: ['can_reserve item:8'] })).toBe(INVALID_DETAILS);
      expect(await refused({ ...ask, details: ['can_write_off item:9'] })).toBe(INVALID_DETAILS);
      await world.delete('item:9#ordering_service@service:orders');
      expect(await refused(ask)).toBe(INVALID_DETAILS);
      await world.write('item:9#ordering_service@service:orders');
    });

    it('does not live longer', async () => {
      const first = await world.permitForOrders();
      const end = Number(claimsOf(first)['exp']);
      world.pemba.clock.putForward(30_000);
      for (let i = 0; i < 10; i++) {
        expect(Number(claimsOf(await world.permitForInventory(first))['exp'])).toBe(end);
      }
      world.pemba.clock.putForward(end * 1000 - world.pemba.clock.now());
      // Verifiers with a slow clock would still take it; nothing new comes of it.
      expect(await refused(await world.reserving(first))).toBe(INVALID_REQUEST);
      world.pemba.clock.putForward(6000);
      const { json } = await world.exchange(await world.reserving(first));
      expect(json['error_description']).toBe('subject_token: is no permit that counts here');
    });
  });
});

const ROOT_AT_ORDERS = { sub: 'root', aud: 'orders' };
const ACCESS_TOKEN = `${TOKEN_TYPE}:access_token`;
