/**
 * Several processes on one database: what one of them deletes or revokes, permits of the other have to
 * feel; and the permits of one that is killed, nobody watches.
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ServerProcess } from '../consistency/server-process.js';
import { PUBLIC_URL, PermitWorld, claimsOf, granted } from '../support/permit-world.js';
import type { Exchanged } from '../support/permit-world.js';
import type { Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { until } from '../support/storage.js';

let world: PermitWorld;
let other: Pemba;

const PLACING = {
  peer: { service: 'service:web' },
  action: 'can_place',
  resource: { type: 'order', id: '1' },
};
/** To the stream of a verifier, of another process than the one that deletes. */
const LATENCY_MS = 3000;

const verifierAt = (pemba: { readonly url: string }): ReturnType<PermitWorld['verifier']> =>
  world.verifier('orders', {
    revocations: 'stream',
    fetch: ((url: string, init?: RequestInit) =>
      fetch(url.replace(PUBLIC_URL, pemba.url), init)) as typeof fetch,
  });

async function verdict(
  verifier: Awaited<ReturnType<typeof verifierAt>>,
  permit: string,
): Promise<string> {
  return verifier.verifyPermit(permit, PLACING).then(
    () => 'accepted',
    (error: unknown) => (error as { reason: string }).reason,
  );
}

const description = ({ json }: Exchanged): unknown => json['error_description'];

describeWithPostgres('permits of one process', () => {
  beforeAll(async () => {
    world = await PermitWorld.start();
    other = await world.another();
    await world.keyOf('web');
  });
  afterAll(() => world.stop());

  it('end by a deletion at the other, for who follows either', async () => {
    const verifiers = [await verifierAt(world.pemba), await verifierAt(other)];
    const permits = await Promise.all(
      Array.from({ length: 10 }, async () =>
        granted(await world.exchange({ at: other, token: await world.userToken() })),
      ),
    );
    for (const permit of permits) {
      for (const verifier of verifiers) expect(await verdict(verifier, permit)).toBe('accepted');
    }
    const deletedAt = performance.now();
    await world.delete('order:1#customer@user:anne');
    for (const permit of permits) {
      for (const verifier of verifiers) {
        await until(async () => (await verdict(verifier, permit)) === 'revoked');
      }
    }
    expect(performance.now() - deletedAt).toBeLessThan(LATENCY_MS);
    await world.write('order:1#customer@user:anne');
  });

  it('rest on nothing that its client knows to be deleted', async () => {
    const token = await world.userToken();
    for (let round = 0; round < 20; round++) {
      const { headers } = await world.delete('order:1#customer@user:anne');
      const consistency_token = headers.get('pemba-consistency-token') ?? '';
      expect(consistency_token).not.toBe('');
      const answer = await world.exchange({ at: other, token, form: { consistency_token } });
      expect(answer.json['error']).toBe('invalid_authorization_details');
      const { headers: written } = await world.write('order:1#customer@user:anne');
      const again = { consistency_token: written.get('pemba-consistency-token') ?? '' };
      granted(await world.exchange({ at: other, token, form: again }));
    }
  });

  it('are minted from behind at most for a moment, and revoked then', async () => {
    const minted: string[] = [];
    const token = await world.userToken();
    const verifier = await verifierAt(other);
    for (let round = 0; round < 20; round++) {
      const deleting = world.delete('order:1#customer@user:anne');
      const racing = Array.from({ length: 5 }, () => world.exchange({ at: other, token }));
      await deleting;
      racing.push(...Array.from({ length: 3 }, () => world.exchange({ at: other, token })));
      for (const answer of await Promise.all(racing)) {
        if (answer.token !== '') minted.push(answer.token);
      }
      await until(async () => (await world.exchange({ at: other, token })).token === '');
      await world.write('order:1#customer@user:anne');
      await until(async () => (await world.exchange({ at: other, token })).token !== '');
    }
    expect(minted.length).toBeGreaterThan(10);
    for (const permit of minted) {
      await until(async () => (await verdict(verifier, permit)) === 'revoked');
    }
  });

  it('that come of one which the other revokes by hand are revoked with it', async () => {
    const first = granted(await world.exchange({ token: await world.userToken() }));
    const ask = await world.reserving(first);
    // It has read the revocations just now, and will not for half a second; meanwhile a second begins.
    granted(await world.exchange({ ...ask, at: other }));
    const { txn } = claimsOf(first);
    const { status } = await world.pemba.call('POST', `${world.store.path}/revocations`, {
      ...{ kind: 'txn', value: txn },
    });
    expect(status).toBe(201);
    world.pemba.clock.putForward(1000);
    const child = await world.exchange({ ...ask, at: other });
    if (child.token === '') expect(description(child)).toBe('subject_token: is revoked');
    const verifier = await world.verifier('inventory', { revocations: 'stream' });
    const presentation = {
      peer: { service: 'service:orders' },
      action: 'can_reserve',
      resource: { type: 'item', id: '9' },
    };
    if (child.token !== '') {
      await expect(verifier.verifyPermit(child.token, presentation)).rejects.toMatchObject({
        reason: 'revoked',
      });
    }
    world.pemba.clock.putForward(-1000);
  });

  it('of services that are such no longer, by the other, end with the next exchange', async () => {
    await world.keyOf('leaving');
    const { json } = await world.pemba.call('GET', '/admin/keys');
    const keys = json.keys as readonly { id: string; name: string }[];
    const id = keys.find(({ name }) => name === 'leaving')?.id;
    const ask = { at: other, as: 'leaving', token: await world.userToken({ aud: 'orders' }) };
    expect(description(await world.exchange(ask))).toMatch(/not meant for the client/);
    expect((await world.pemba.call('DELETE', `/admin/keys/${String(id)}`)).status).toBe(204);
    await until(async () => (await world.exchange(ask)).status === 401);
  });

  it('that is killed live out their minute, as is documented, and the others’ end', async () => {
    const settings = { ...world.settings, PEMBA_LOG_LEVEL: 'error' };
    const databaseUrl = world.pemba.database.url;
    const doomed = await ServerProcess.start({ databaseUrl, settings });
    try {
      const verifier = await verifierAt(world.pemba);
      const at = { ...world.pemba, url: doomed.url };
      const orphan = granted(await world.exchange({ at, token: await world.userToken() }));
      const watched = granted(await world.exchange({ token: await world.userToken() }));
      await doomed.kill();
      await world.delete('order:1#customer@user:anne');
      await until(async () => (await verdict(verifier, watched)) === 'revoked');
      expect(await verdict(verifier, orphan)).toBe('accepted');
      // Nothing goes on from it: that is decided anew.
      const { json } = await world.exchange(await world.reserving(orphan));
      expect(json['error']).toBe('invalid_authorization_details');
      // And it can be ended by hand.
      const mark = { kind: 'jti', value: claimsOf(orphan)['jti'] };
      await world.pemba.call('POST', `${world.store.path}/revocations`, mark);
      await until(async () => (await verdict(verifier, orphan)) === 'revoked');
      await world.write('order:1#customer@user:anne');
    } finally {
      await doomed.kill();
    }
  }, 60_000);
});
