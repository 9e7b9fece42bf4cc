/** Callers held to a rate, each to its own, and pools apart from each other. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba, TestStore } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';

const MODEL = `model
  schema 1.1
type user
type doc
  relations
    define viewer: [user]`;

const TUPLE = { user: 'user:anne', relation: 'viewer', object: 'doc:1' };

let pemba: Pemba;
let store: TestStore;

async function caller(): Promise<(path: string, body: object) => Promise<Answer>> {
  const roles = [{ role: 'writer', store_id: store.id }];
  const { json } = await pemba.call('POST', '/admin/keys', { name: 'k', roles });
  const headers = { authorization: `Bearer ${String(json.key)}` };
  return (path, body) => pemba.call('POST', `${store.path}/${path}`, body, { headers });
}

const checks = (count: number): object => ({
  checks: Array.from({ length: count }, (_, i) => ({
    tuple_key: TUPLE,
    correlation_id: String(i),
  })),
});

describeWithPostgres('with limits', () => {
  beforeAll(async () => {
    pemba = await startPemba({
      PEMBA_AUTHENTICATION: 'keys',
      PEMBA_RATE_QUERIES: '20',
      PEMBA_RATE_WRITES: '20',
      // A bucket holds what comes in five seconds: 100, the largest write.
      PEMBA_RATE_BURST_SECONDS: '5',
    });
    // However slow the machine, nothing comes into a bucket between two calls.
    pemba.clock.hold();
    store = await pemba.storeWith(MODEL);
  });
  afterAll(() => pemba.stop());

  it('tells a caller what is left', async () => {
    const ask = await caller();
    const { status, headers } = await ask('check', { tuple_key: TUPLE });
    expect(status).toBe(200);
    expect(headers.get('ratelimit-policy')).toBe('"queries";q=100;w=5');
    expect(headers.get('ratelimit')).toMatch(/^"queries";r=99;t=\d+$/);
  });

  it('answers 429 beyond the rate, says when to come again, and does nothing', async () => {
    const ask = await caller();
    const statuses: number[] = [];
    for (let i = 0; i < 10; i++) statuses.push((await ask('list-objects', LIST)).status);
    expect(statuses).toEqual(Array.from({ length: 10 }, () => 200));
    const refused = await ask('list-objects', LIST);
    expect(refused.status).toBe(429);
    expect(refused.json.code).toBe('rate_limit_exceeded');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(refused.headers.get('ratelimit')).toContain('r=0');
    pemba.clock.pass(1000 * Number(refused.headers.get('retry-after')));
    expect((await ask('list-objects', LIST)).status).toBe(200);
  });

  it('counts the checks of a batch', async () => {
    const ask = await caller();
    expect((await ask('batch-check', checks(50))).status).toBe(200);
    expect((await ask('batch-check', checks(45))).status).toBe(200);
    expect((await ask('batch-check', checks(50))).status).toBe(429);
  });

  it('counts the tuples of a write, and writes none of one that is refused', async () => {
    const ask = await caller();
    const write = (from: number): object => ({
      writes: {
        tuple_keys: Array.from({ length: 60 }, (_, i) => ({ ...TUPLE, object: `doc:${from + i}` })),
      },
    });
    expect((await ask('write', write(1000))).status).toBe(200);
    expect((await ask('write', write(2000))).status).toBe(429);
    const { json } = await pemba.call('POST', `${store.path}/read`, {
      tuple_key: { object: 'doc:2000' },
    });
    expect(json.tuples).toEqual([]);
  });

  it('holds each caller to its own, and one pool does not drain another', async () => {
    const [one, other] = [await caller(), await caller()];
    while ((await one('list-objects', LIST)).status === 200) continue;
    expect((await other('check', { tuple_key: TUPLE })).status).toBe(200);
    expect(
      (await one('write', { writes: { tuple_keys: [TUPLE], on_duplicate: 'ignore' } })).status,
    ).toBe(200);
  });

  describe('administration', () => {
    it('is not limited where no limit is set', async () => {
      const { headers } = await pemba.call('GET', '/admin/me');
      expect(headers.get('ratelimit')).toBeNull();
    });
  });
});

const LIST = { type: 'doc', relation: 'viewer', user: 'user:anne' };
