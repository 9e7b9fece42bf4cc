/** What is noted of gateways' questions, what they cost, and as whom a gateway asks for tokens. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWithPostgres } from '../../support/postgres.js';
import { eventOf, until } from '../../telemetry/decisions.js';
import { expectStatus } from '../stores.js';
import { EdgeWorld, bearerOf } from './world.js';

type Header = readonly [string, string];

describeWithPostgres('the questions of a gateway', () => {
  let world: EdgeWorld;
  let folder: string;
  let anne: Header;
  let path: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pemba-edge-'));
    path = join(folder, 'decisions.log');
    world = await EdgeWorld.start({
      PEMBA_AUTHENTICATION: 'keys',
      PEMBA_DECISION_LOG: `file:${path}`,
      PEMBA_RATE_QUERIES: '5',
      PEMBA_MASTER_KEY: randomBytes(32).toString('base64'),
    });
    anne = bearerOf(await world.token({ scope: 'orders.read' }));
  });
  afterAll(async () => {
    await world.stop();
    rmSync(folder, { recursive: true });
  });

  const keyWith = async (more: readonly object[] = []): Promise<Header> => {
    const roles = [{ role: 'reader', store_id: world.store.id }, ...more];
    const answer = await world.pemba.call('POST', '/admin/keys', { name: 'gateway', roles });
    return ['Pemba-Key', String(expectStatus(answer, 201).json.key)];
  };

  it('are in the decision log, one for each relation, under the id that the service gets', async () => {
    const key = await keyWith();
    const both = await world.nginx('GET', '/both/1', [key, anne]);
    const denied = await world.nginx('DELETE', '/orders/1', [key, anne]);
    await world.nginx('GET', '/health', [key]);
    await until(() => world.pemba.assembly.decisionLog?.figures.size === 0);
    const events = readFileSync(path, 'utf8').split('\n').slice(0, -1).map(eventOf);
    const id = both.headers['pemba-decision-id'] ?? '';
    expect(id).not.toBe('');
    const asked = { subject: { type: 'user', id: 'corp/anne' } };
    const [scope, order, refusal, ...others] = events;
    expect(scope).toMatchObject({
      decision_id: `${id}.0`,
      path: `stores/${world.store.id}/edge`,
      input: {
        ...asked,
        action: { name: 'client' },
        resource: { type: 'scope', id: 'orders.read' },
      },
      result: { allowed: true },
    });
    expect(order).toMatchObject({
      decision_id: `${id}.1`,
      input: { ...asked, action: { name: 'reader' }, resource: { type: 'order', id: '1' } },
      result: { allowed: true },
    });
    expect(refusal).toMatchObject({
      decision_id: denied.headers['pemba-decision-id'],
      result: { allowed: false },
    });
    expect(others).toEqual([]);
  });

  it('cost as many checks as they make, and one that is out of them is let nowhere', async () => {
    world.pemba.clock.hold();
    const allowed = async (uri: string): Promise<number> => {
      const key = await keyWith();
      for (let count = 0; count < 100; count++) {
        const { status, headers } = await world.nginx('GET', uri, [key, anne]);
        if (status === 200) continue;
        expect([status, headers['pemba-reason']]).toEqual([403, 'too_many_requests']);
        return count;
      }
      return Infinity;
    };
    const [ofOne, ofTwo] = [await allowed('/orders/1'), await allowed('/both/1')];
    expect(ofOne).toBeGreaterThan(2);
    expect(ofTwo).toBe(Math.floor(ofOne / 2));
  });

  it('get a Transaction Token for the service that the gateway is, and for no other', async () => {
    const acts = { role: 'acts_as', store_id: world.store.id, service: 'gateway' };
    const known = await world.nginx('POST', '/bought/1', [await keyWith([acts]), anne]);
    expect(known.headers['pemba-reason']).toBe('allowed');
    const payload = (known.headers['txn-token'] ?? '').split('.')[1] ?? '';
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
      req_wl: 'service:gateway',
    });
    const other = await world.nginx('POST', '/bought/1', [await keyWith(), anne]);
    expect([other.status, other.headers['pemba-reason']]).toEqual([403, 'forbidden']);
    expect(other.headers['txn-token']).toBe('');
  });
});
