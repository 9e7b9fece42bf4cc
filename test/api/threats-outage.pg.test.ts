/**
 * What holds when parts are away: the database, the store, its graph, the key that a permit was signed
 * with. With a PostgreSQL of this file's own, which is stopped and started.
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { decodeProtectedHeader } from 'jose';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Verifier } from '../../src/client/verifier.js';
import type { StoreId } from '../../src/ids.js';
import { startEmbeddedPostgres } from '../../src/storage/embedded/postgres.js';
import type { EmbeddedPostgres } from '../../src/storage/embedded/postgres.js';
import { describeOnUnix } from '../support/embedded.js';
import { TestClock } from '../support/pemba.js';
import { PermitWorld, claimsOf, granted } from '../support/permit-world.js';
import { until } from '../support/storage.js';

let dataDir: string;
let postgres: EmbeddedPostgres;
let world: PermitWorld;
let verifier: Verifier;

const start = (): Promise<EmbeddedPostgres> => startEmbeddedPostgres({ dataDir, durable: false });

const PLACING = {
  peer: { service: 'service:web' },
  action: 'can_place',
  resource: { type: 'order', id: '1' },
};

const verdict = (permit: string): Promise<string> =>
  verifier.verifyPermit(permit, PLACING).then(
    () => 'accepted',
    (error: unknown) => (error as { reason: string }).reason,
  );

const revocations = (headers: Record<string, string> = {}): ReturnType<typeof world.pemba.call> =>
  world.pemba.call('GET', `${world.store.path}/revocations`, undefined, { headers });

const isBack = (): Promise<void> =>
  until(async () => (await world.pemba.call('GET', '/readyz')).status === 200);

describeOnUnix('permits', () => {
  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'pemba-threats-'));
    chmodSync(dataDir, 0o755); // for the server's user to get in
    postgres = await start();
    const { host, port, user, database } = postgres.connection;
    const url = `postgresql://${user}@${encodeURIComponent(host)}:${port}/${database}`;
    const place = { url, drop: () => Promise.resolve() };
    const settings = { PEMBA_MAX_STALENESS: '10m', PEMBA_DATABASE_TIMEOUT: '1s' };
    world = await PermitWorld.start(settings, { database: place as never, clock: new TestClock() });
    verifier = await world.verifier('orders', { revocations: 'poll' });
    await world.keyOf('orders');
  }, 60_000);
  afterAll(async () => {
    await world.stop();
    await postgres.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('are minted, exchanged and verified while the database is away', async () => {
    const before = await world.permitForOrders();
    await postgres.stop();
    try {
      expect(await verdict(before)).toBe('accepted');
      expect(await verdict(await world.permitForOrders())).toBe('accepted');
      granted(await world.exchange(await world.reserving(before)));
      // What is said of revocations is known to be true, or it is not said.
      await until(async () => (await revocations()).status === 503);
      expect((await revocations({ accept: 'text/event-stream' })).status).toBe(503);
      const mark = { kind: 'sub', value: 'user:anne' };
      const { status } = await world.pemba.call('POST', `${world.store.path}/revocations`, mark);
      expect(status).toBe(503);
      expect((await world.delete('order:1#customer@user:anne')).status).toBe(503);
      expect(await verdict(before)).toBe('accepted');
    } finally {
      postgres = await start();
    }
    await isBack();
    expect((await revocations()).status).toBe(200);
  }, 60_000);

  it('whose graph is given up meanwhile are revoked at once here, and later for all', async () => {
    const permit = await world.permitForOrders();
    const ask = await world.reserving(permit);
    await postgres.stop();
    try {
      world.pemba.assembly.engine.replicas.drop(world.store.id as StoreId);
      const { json } = await world.exchange(ask);
      expect(json['error_description']).toBe('subject_token: is revoked');
    } finally {
      postgres = await start();
    }
    await isBack();
    await until(async () => (await verdict(permit)) === 'revoked');
  }, 60_000);

  it('are not minted from a graph that is too old', async () => {
    await world.permitForOrders();
    const token = await world.userToken();
    await postgres.stop();
    try {
      world.pemba.clock.pass(601_000);
      const answer = await world.exchange({ token });
      expect([answer.status, answer.json]).toEqual([
        503,
        { error: 'temporarily_unavailable', error_description: 'try again later' },
      ]);
    } finally {
      postgres = await start();
    }
    await isBack();
  }, 60_000);

  it('of a key that was dropped count nowhere', async () => {
    const permit = await world.permitForOrders();
    const kid = String(decodeProtectedHeader(permit).kid);
    const ask = await world.reserving(permit);
    await world.pemba.assembly.signing.drop(kid);
    const { json } = await world.exchange(ask);
    expect(json['error_description']).toBe('subject_token: is no permit that counts here');
    const late = await world.verifier('orders');
    await expect(late.verifyPermit(permit, PLACING)).rejects.toMatchObject({
      reason: 'unknown_key',
    });
    await late.verifyPermit(await world.permitForOrders(), PLACING);
  });

  it('of a store that is deleted are revoked, and it gives no more', async () => {
    const permit = await world.permitForOrders();
    expect(await verdict(permit)).toBe('accepted');
    const ask = await world.reserving(permit);
    const key = { authorization: `Bearer ${await world.keyOf('web')}` };
    const token = await world.userToken();
    expect((await world.pemba.call('DELETE', world.store.path)).status).toBe(204);
    for (const asked of [ask, { token }]) {
      const { status, json } = await world.exchange(asked);
      expect([status, json['error']]).toEqual([
        400,
        expect.stringMatching(/^(invalid_request|unauthorized_client)$/),
      ]);
    }
    // Its services still learn that their permits ended.
    const { status, json } = await revocations(key);
    expect(status).toBe(200);
    const { iat } = claimsOf(permit);
    const last = (json.revocations as readonly { kind: string; not_before: number }[]).at(-1);
    expect(last?.kind).toBe('all');
    expect(Number(last?.not_before)).toBeGreaterThanOrEqual(Number(iat));
    await until(async () => (await verdict(permit)) === 'revoked');
  }, 30_000);
});
