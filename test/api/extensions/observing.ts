import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startPemba } from '../../support/pemba.js';
import type { Pemba } from '../../support/pemba.js';
import { Store, expectStatus, keyOf } from '../stores.js';

const MODEL = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user]
`;

/** Words that occur nowhere else, as ids of a subject and an object. */
const NAME = 'document:manuscript7#viewer@user:nightingale7';
const SECRET = /nightingale7|manuscript7/;

const METRICS = [
  'pemba_http_requests_total',
  'pemba_http_request_duration_seconds',
  'pemba_decisions_total',
  'pemba_in_flight',
  'pemba_shed_requests_total',
  'pemba_rate_limited_total',
  'pemba_replica_stores',
  'pemba_replica_staleness_seconds',
  'pemba_replica_revision',
  'pemba_replica_lag_seconds',
  'pemba_database_connections',
  'pemba_database_connections_idle',
  'pemba_database_waiting',
  'process_cpu_seconds_total',
];

export function describeObserving(pemba: () => Pemba): void {
  describe('a request’s id', () => {
    it.each(['abc-123', '01ARZ3NDEKTSV4RRFFQ69G5FAV', 'trace/1:2=3'])(
      'is taken over: %s',
      async (id) => {
        const headers = { 'x-request-id': id };
        const answer = await pemba().call('GET', '/livez', undefined, { headers });
        expect(answer.headers.get('x-request-id')).toBe(id);
      },
    );

    it.each(['with space', '<script>', 'x'.repeat(129), ''])(
      'is made anew in place of %p',
      async (id) => {
        const headers = { 'x-request-id': id };
        const answer = await pemba().call('GET', '/livez', undefined, { headers });
        expect(answer.headers.get('x-request-id')).toMatch(/^[0-9A-Z]{26}-\w+$/);
      },
    );

    it('stands on every answer, and in the log', async () => {
      const id = 'the-one-in-the-log';
      const headers = { 'x-request-id': id };
      for (const [path, status] of [
        ['/stores', 200],
        ['/none', 404],
        ['/stores?page_size=0', 400],
      ] as const) {
        const answer = await pemba().call('GET', path, undefined, { headers });
        expect([answer.status, answer.headers.get('x-request-id')]).toEqual([status, id]);
      }
      const lines = pemba().logged.filter((line) => line.includes(id));
      expect(lines.map((line) => (JSON.parse(line) as { status: number }).status)).toEqual([
        200, 404, 400,
      ]);
    });
  });

  describe('metrics', () => {
    const scrape = async (): Promise<string> =>
      expectStatus(await pemba().call('GET', '/metrics'), 200).text;
    const decided = (text: string, api: string, decision: string): number => {
      const series = `pemba_decisions_total{api="${api}",decision="${decision}"} `;
      const line = text.split('\n').find((candidate) => candidate.startsWith(series));
      return Number(line?.slice(series.length) ?? 0);
    };

    it('have these names', async () => {
      const answer = await pemba().call('GET', '/metrics');
      expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
      const named = [...answer.text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
      expect(named).toEqual(expect.arrayContaining(METRICS));
    });

    it('count every decision', async () => {
      const store = await Store.with(pemba(), MODEL, [NAME]);
      const before = await scrape();
      await store.allows(NAME);
      await store.allows('document:1#viewer@user:b');
      const checks = [NAME, 'document:1#viewer@user:b', 'document:1#none@user:b'].map(
        (name, i) => ({ correlation_id: `c${i}`, tuple_key: keyOf(name) }),
      );
      expectStatus(await store.post('batch-check', { checks }), 200);
      const after = await scrape();
      const rise = (api: string, decision: string): number =>
        decided(after, api, decision) - decided(before, api, decision);
      expect([rise('check', 'allowed'), rise('check', 'denied')]).toEqual([1, 1]);
      expect(['allowed', 'denied', 'error'].map((one) => rise('batch-check', one))).toEqual([
        1, 1, 1,
      ]);
    });

    it('name routes, and neither subjects nor objects', async () => {
      const store = await Store.with(pemba(), MODEL, [NAME]);
      await store.allows(NAME);
      await pemba().call('GET', '/nightingale7/manuscript7');
      const text = await scrape();
      expect(text).toContain('route="/stores/:storeId/check"');
      expect(text).not.toMatch(SECRET);
    });
  });

  describe('the log', () => {
    it('holds neither subjects nor objects nor tokens', async () => {
      const store = await Store.with(pemba(), MODEL, [NAME]);
      const first = pemba().logged.length;
      const written = await store.written([NAME], { on_duplicate: 'ignore' });
      const token = written.headers.get('pemba-consistency-token') ?? '';
      const headers = { 'pemba-consistency-token': token, authorization: 'Bearer hush7' };
      await store.post('check', { tuple_key: keyOf(NAME) }, { headers });
      const page = await store.post('read', { tuple_key: { user: 'user:nightingale7' } });
      await store.write([NAME]);
      await store.post('check', { tuple_key: { ...keyOf(NAME), relation: 'none' } });
      await store.get('changes?type=nightingale7&continuation_token=hush7');
      await pemba().call('GET', '/nightingale7');
      expect(page.status).toBe(200);
      const lines = pemba().logged.slice(first).join('');
      expect(lines).toContain('"route":"/stores/:storeId/check"');
      expect(lines).not.toMatch(SECRET);
      expect(lines).not.toContain('hush7');
      expect(lines).not.toContain(token);
    });

    it('holds none when a statement fails, either', async () => {
      const store = await Store.with(pemba(), MODEL);
      await store.allows(NAME);
      const { database } = pemba().assembly;
      const first = pemba().logged.length;
      await database.query('ALTER TABLE relation_tuple RENAME TO lost');
      try {
        expectStatus(await store.write([NAME]), 500);
      } finally {
        await database.query('ALTER TABLE lost RENAME TO relation_tuple');
      }
      const lines = pemba().logged.slice(first).join('');
      expect(lines).toMatch(/"level":(50|"error").*relation_tuple/);
      expect(lines).not.toMatch(SECRET);
    });
  });

  describe('health', () => {
    let own: Pemba;
    beforeAll(async () => {
      own = await startPemba();
    });
    afterAll(() => own.stop());

    it('is good while the service serves', async () => {
      expect((await own.call('GET', '/livez')).json).toEqual({ status: 'alive' });
      expect((await own.call('GET', '/readyz')).json).toEqual({ status: 'ready' });
      expect((await own.call('GET', '/healthz')).json).toEqual({ status: 'SERVING' });
    });

    it('turns before the service stops, which goes on answering meanwhile', async () => {
      own.assembly.readiness.drain();
      const ready = expectStatus(await own.call('GET', '/readyz'), 503);
      expect(ready.json).toEqual({ status: 'not ready', reasons: ['shutting down'] });
      const health = expectStatus(await own.call('GET', '/healthz'), 503);
      expect(health.json).toEqual({ code: 'unavailable', message: expect.any(String) });
      expectStatus(await own.call('GET', '/livez'), 200);
      expectStatus(await own.call('GET', '/stores'), 200);
    });
  });
}
