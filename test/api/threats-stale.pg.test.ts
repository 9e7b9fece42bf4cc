/**
 * Rights that end while, or after, a permit comes of them. After the answer to a deletion no permit is
 * minted that rests on what was deleted; and every one that was is among the revocations.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { permitMint } from '../../src/delegation/mint.js';
import { POLL_MS } from '../../src/delegation/revocations.js';
import type { ServiceId, StoreId } from '../../src/ids.js';
import { PermitWorld, claimsOf, granted } from '../support/permit-world.js';
import type { Exchanged } from '../support/permit-world.js';
import type { Answer } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { until } from '../support/storage.js';

let world: PermitWorld;

interface Mark {
  readonly kind: string;
  readonly value: string;
  readonly not_before: number;
}

async function marks(): Promise<readonly Mark[]> {
  const path = `${world.store.path}/revocations?page_size=1000`;
  const { json } = await world.pemba.call('GET', path);
  return json.revocations as readonly Mark[];
}

const jti = (token: string): string => String(claimsOf(token)['jti']);

const isRevoked = async (token: string): Promise<boolean> => {
  const claims = claimsOf(token);
  return (await marks()).some(
    ({ kind, value, not_before: notBefore }) =>
      (kind === 'all' || value === claims['jti']) && Number(claims['iat']) <= notBefore,
  );
};

const revoke = (body: object): Promise<Answer> =>
  world.pemba.call('POST', `${world.store.path}/revocations`, body);

const reason = ({ json }: Exchanged): unknown => json['error_description'];

describeWithPostgres('rights that ended', () => {
  beforeAll(async () => {
    world = await PermitWorld.start({ PEMBA_MAX_LIVE_PERMITS: '5000' });
  });
  afterAll(() => world.stop());

  it('leave no permit behind, whenever they end while permits are minted', async () => {
    const late: string[] = [];
    const minted: string[] = [];
    let refusals = 0;
    for (let round = 0; round < 40; round++) {
      const tuple = `order:${100 + round}#customer@user:anne`;
      await world.write(tuple);
      const token = await world.userToken();
      let isGone = false;
      const mint = async (): Promise<void> => {
        const began = isGone;
        const answer = await world.exchange({ token, details: [`can_place order:${100 + round}`] });
        if (answer.token === '') refusals++;
        else (began ? late : minted).push(answer.token);
      };
      const minting = Array.from({ length: 6 }, async (_, i) => {
        await delay(i);
        await mint();
        await mint();
      });
      await delay(round % 8);
      await world.delete(tuple);
      isGone = true;
      await Promise.all([...minting, mint()]);
    }
    expect(late).toEqual([]);
    // Otherwise nothing has been shown.
    expect([minted.length > 40, refusals > 40]).toEqual([true, true]);
    await until(async () => {
      const known = new Set((await marks()).map(({ value }) => value));
      return minted.every((permit) => known.has(jti(permit)));
    });
  }, 60_000);

  it('leave none behind when it is the model that takes them, while permits are minted', async () => {
    const models = `${world.store.path}/authorization-models`;
    const [model] = (await world.pemba.call('GET', models)).json.authorization_models as object[];
    const renamed = JSON.stringify(model).replaceAll('"can_place"', '"can_put"');
    const narrowed = { ...(JSON.parse(renamed) as object), delegation_settings: {} };
    const token = await world.userToken();
    const minted: string[] = [];
    const late: string[] = [];
    for (let round = 0; round < 10; round++) {
      let isReplaced = false;
      const mint = async (): Promise<void> => {
        const began = isReplaced;
        const answer = await world.exchange({ token });
        if (answer.token !== '') (began ? late : minted).push(answer.token);
      };
      const minting = Array.from({ length: 6 }, async (_, i) => {
        await delay(i);
        await mint();
        await mint();
      });
      await delay(round);
      const { status } = await world.pemba.call('POST', models, narrowed);
      expect(status).toBe(201);
      isReplaced = true;
      await Promise.all([...minting, mint()]);
      await world.pemba.call('POST', models, model);
    }
    expect(late).toEqual([]);
    expect(minted.length).toBeGreaterThan(10);
    await until(async () => {
      const known = new Set((await marks()).map(({ value }) => value));
      return minted.every((permit) => known.has(jti(permit)));
    });
  }, 60_000);

  it('leave none behind where the store was given up in between', async () => {
    const { engine, delegation, signing, identity } = world.pemba.assembly;
    const { livePermits } = delegation;
    const mint = permitMint({ engine, signer: signing, livePermits });
    const storeId = world.store.id as StoreId;
    const request = {
      ...{ storeId, subjectToken: '', subjectTokenType: '', audience: 'service:orders' },
      client: {
        caller: await identity.authenticator.authenticate(`Bearer ${await world.keyOf('web')}`),
      },
      details: [{ actions: ['can_place'], resource: { type: 'order', id: '1' } }],
      requested: 'permit' as const,
    };
    const subject = {
      subject: { kind: 'object' as const, type: 'user', id: 'anne' },
      ...{ chain: [], transactionId: undefined, atLeast: undefined, token: undefined },
      expiresAt: world.pemba.clock.now() + 60_000,
      assertCounts: () => undefined,
    };
    const [actor, audience] = ['web' as ServiceId, 'orders' as ServiceId];
    const before = livePermits.count;
    await mint(request, { actor, subject, audience });
    expect(livePermits.count).toBe(before + 1);
    const minting = mint(request, { actor, subject, audience });
    engine.replicas.drop(storeId);
    await expect(minting).rejects.toMatchObject({ code: 'unavailable' });
    expect(livePermits.count).toBe(0);
    // It is loaded again, and goes on.
    await mint(request, { actor, subject, audience });
    expect(livePermits.count).toBe(1);
    const revoked = (): never => {
      throw new Error('revoked in this turn');
    };
    await expect(
      mint(request, { actor, subject: { ...subject, assertCounts: revoked }, audience }),
    ).rejects.toThrow('revoked in this turn');
    expect(livePermits.count).toBe(1);
    // A store that is given up takes all of that second with it.
    world.pemba.clock.putForward(1000);
  });

  it('end permits by the permits’ own time, though the clock was set back', async () => {
    const tuple = 'order:50#customer@user:anne';
    await world.write(tuple);
    const permit = granted(
      await world.exchange({ token: await world.userToken(), details: ['can_place order:50'] }),
    );
    world.pemba.clock.putForward(-3000);
    await world.delete(tuple);
    await until(() => isRevoked(permit));
    world.pemba.clock.putForward(3000);
  });

  it('end permits when they may be used online only', async () => {
    const permit = await world.permitForOrders();
    const path = `${world.store.path}/delegation-settings`;
    const { json: before } = await world.pemba.call('GET', path);
    const relations = { 'order#can_place': { online_only: true } };
    const { status } = await world.pemba.call('PUT', path, {
      ...before.delegation_settings,
      audiences: { web: ['shop-web'] },
      relations,
    });
    expect(status).toBe(201);
    expect(reason(await world.exchange({ token: await world.userToken() }))).toMatch(/online only/);
    await until(() => isRevoked(permit));
    await world.pemba.call('PUT', path, {
      audiences: { web: ['shop-web'] },
      relations: { 'item#can_write_off': { online_only: true } },
    });
    granted(await world.exchange({ token: await world.userToken() }));
  });

  it('of a service that acts as such no longer are of no use to it', async () => {
    const key = await world.keyOf('passing');
    const { json } = await world.pemba.call('GET', '/admin/keys');
    const keys = json.keys as readonly { id: string; name: string }[];
    const id = keys.find(({ name }) => name === 'passing')?.id;
    await world.write('scope:order.can_place#actor@service:passing');
    const ask = { as: 'passing', details: ['can_place order:1'], audience: 'orders' };
    const token = await world.userToken({ aud: 'nobody' });
    const mine = await world.userToken({ aud: 'orders' });
    expect(reason(await world.exchange({ ...ask, token }))).toMatch(/not meant for the client/);
    const revoked = {
      role: 'acts_as',
      ...{ store_id: world.store.id, service: 'passing', subject: `key:${id}` },
    };
    const { status } = await world.pemba.call('POST', '/admin/grants', { remove: [revoked] });
    expect(status).toBe(200);
    const after = await world.exchange({ ...ask, token: mine });
    expect([after.status, after.json['error']]).toEqual([400, 'unauthorized_client']);
    const feed = await world.pemba.call('GET', `${world.store.path}/revocations`, undefined, {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(feed.status).toBe(404);
  });

  it('of a caller that is two services are those of the one that it names', async () => {
    const roles = [{ role: 'acts_as', service: 'orders' }];
    await world.keyOf('twofold', roles);
    await world.write('scope:item.can_reserve#actor@service:twofold');
    const token = await world.permitForOrders();
    const ask = { ...(await world.reserving(token)), as: 'twofold' };
    expect(reason(await world.exchange(ask))).toMatch(/^client_id: value is required/);
    const as = (id: string): Promise<Exchanged> =>
      world.exchange({ ...ask, form: { client_id: `service:${id}` } });
    expect(reason(await as('twofold'))).toBe('subject_token: is addressed to somebody else');
    expect(claimsOf(granted(await as('orders')))['client_id']).toBe('service:orders');
    expect((await as('web')).json['error']).toBe('unauthorized_client');
  });

  describe('by hand', () => {
    it.each([
      [{ kind: 'sub', value: 'anne' }],
      [{ kind: 'sub', value: 'user:*' }],
      [{ kind: 'act', value: 'orders' }],
      [{ kind: 'act', value: 'user:orders' }],
      [{ kind: 'act', value: 'service:*' }],
    ])('cannot end by a slip of the pen that ends nothing: %j', async (body) => {
      const { status, json } = await revoke(body);
      expect([status, json.message]).toEqual([400, expect.stringMatching(/value/)]);
    });

    it('end at once, for what is exchanged from then on', async () => {
      const token = await world.permitForOrders();
      const ask = await world.reserving(token);
      // What was read before takes long to arrive.
      const { database } = world.pemba.assembly.engine;
      const query = database.query.bind(database);
      let arrive = (): void => undefined;
      const arrived = new Promise<void>((resolve) => (arrive = resolve));
      let isRead = false;
      database.query = async (text, values) => {
        const rows = await query(text, values);
        if (!text.includes('FROM revocation\n') && !text.includes('FROM revocation ')) return rows;
        isRead = true;
        await arrived;
        return rows;
      };
      await delay(POLL_MS);
      const reading = marks();
      await until(() => isRead);
      const revoking = revoke({ kind: 'txn', value: claimsOf(token)['txn'] });
      await delay(50);
      arrive();
      expect((await revoking).status).toBe(201);
      expect(reason(await world.exchange(ask))).toBe('subject_token: is revoked');
      await reading;
      database.query = query;
    });

    it('end what comes of it meanwhile', async () => {
      const token = await world.permitForOrders();
      const ask = await world.reserving(token);
      const { txn } = claimsOf(token);
      const racing = Array.from({ length: 20 }, async (_, i) => {
        await delay(i / 2);
        return world.exchange(ask);
      });
      await delay(5);
      await revoke({ kind: 'txn', value: txn });
      const children = (await Promise.all(racing)).filter((answer) => answer.token !== '');
      const mark = (await marks()).find(({ value }) => value === txn);
      for (const child of children) {
        const claims = claimsOf(child.token);
        expect([claims['txn'], Number(claims['iat']) <= Number(mark?.not_before)]).toEqual([
          ...[txn, true],
        ]);
      }
    });
  });

  it('rested on attributes, of the user or of the item', async () => {
    const put = async (name: string, attributes?: object): Promise<void> => {
      const path = `${world.store.path}/attributes/${name}`;
      const { status } = await world.pemba.call(attributes ? 'PUT' : 'DELETE', path, attributes);
      expect(status).toBe(204);
    };
    const minted = async (): Promise<string> =>
      granted(
        await world.exchange({ token: await world.userToken(), details: ['can_audit item:9'] }),
      );
    const taken: readonly (readonly [string, object?])[] = [
      ['user/anne', { audits: 'wine' }],
      ['user/anne', {}],
      ['user/anne'],
      ['item/9', { kind: 'wine' }],
      ['item/9'],
    ];
    for (const [name, attributes] of taken) {
      await put('user/anne', { audits: 'tea' });
      await put('item/9', { kind: 'tea' });
      const permit = await minted();
      // What changes nothing about it leaves it alone.
      await put('user/anne', { audits: 'tea', shoes: 43 });
      await put('user/ben', { audits: 'wine' });
      expect(await isRevoked(permit)).toBe(false);
      await put(name, attributes);
      await until(() => isRevoked(permit));
      const again = await world.exchange({
        token: await world.userToken(),
        details: ['can_audit item:9'],
      });
      expect([again.token, again.json['error']]).toEqual(['', 'invalid_authorization_details']);
    }
  });

  it('are too many to be watched: then no more are given', async () => {
    const few = await PermitWorld.start({ PEMBA_MAX_LIVE_PERMITS: '5' });
    try {
      const token = await few.userToken();
      await few.keyOf('web');
      const answers = await Promise.all(Array.from({ length: 30 }, () => few.exchange({ token })));
      const outcomes = answers.map(({ status, json }) => `${status} ${String(json['error'])}`);
      expect(outcomes.filter((outcome) => outcome === '200 undefined')).toHaveLength(5);
      expect(new Set(outcomes)).toEqual(new Set(['200 undefined', '503 temporarily_unavailable']));
      few.pemba.clock.putForward(66_000);
      granted(await few.exchange({ token: await few.userToken() }));
    } finally {
      await few.stop();
    }
  });
});
