/** What callers may not take: places, time, connections. Over real sockets. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { exchange, head } from './hostile/raw-http.js';
import { Store, expectError, expectStatus, keyOf } from './stores.js';

const MODEL = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user]
`;
const REQUEST_TIMEOUT_MS = 300;
const WAIT_MS = 4000;

const metric = async (pemba: Pemba, series: string): Promise<number> => {
  const { text } = await pemba.call('GET', '/metrics');
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1) ?? 0);
};

const inFlight = (pemba: Pemba): Promise<number> => metric(pemba, 'pemba_in_flight');

/** A scrape is in flight itself. */
const SCRAPE = 1;

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + WAIT_MS;
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error('it did not come true in time');
    await sleep(10);
  }
}

const post = (path: string, body: string): string =>
  head(`POST ${path}`, ['content-type: application/json', `content-length: ${body.length}`]) + body;

function open(pemba: Pemba): Socket {
  const { hostname, port } = new URL(pemba.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  return socket;
}

/** Until the server ends the connection. */
const ended = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.once('close', () => {
      resolve();
    });
  });

describeWithPostgres('the places for work', () => {
  const PLACES = 4;
  let pemba: Pemba;
  let store: Store;

  beforeAll(async () => {
    pemba = await startPemba({ PEMBA_MAX_IN_FLIGHT: String(PLACES) });
    store = await Store.with(pemba, MODEL, ['document:1#viewer@user:anne']);
  });
  afterAll(() => pemba.stop());

  /** Writes wait as long as somebody else has the store. */
  async function whileWritesWait(work: () => Promise<void>): Promise<void> {
    await pemba.assembly.database.withClient(async (client) => {
      await client.query('BEGIN');
      await client.query('SELECT 1 FROM store FOR UPDATE');
      try {
        await work();
      } finally {
        await client.query('ROLLBACK');
      }
    });
  }

  const write = (i: number): Promise<Answer> => store.write([`document:${i}#viewer@user:bob`]);

  it('are given to so many requests, and the next is refused with when to come again', async () => {
    const before = await metric(pemba, 'pemba_shed_requests_total{reason="in_flight"}');
    const writes: Promise<Answer>[] = [];
    await whileWritesWait(async () => {
      for (let i = 10; i < 10 + PLACES; i++) writes.push(write(i));
      await until(async () => (await inFlight(pemba)) === PLACES + SCRAPE);
      const refused = await pemba.call('GET', '/stores');
      expectError(refused, 503, 'resource_exhausted', /try again/);
      expect(refused.headers.get('retry-after')).toBe('1');
      expect(refused.headers.get('x-request-id')).toMatch(/./);
      const key = keyOf('document:1#viewer@user:anne');
      expectError(await store.post('check', { tuple_key: key }), 503, 'resource_exhausted');
      for (const path of ['/livez', '/readyz', '/healthz', '/metrics']) {
        expectStatus(await pemba.call('GET', path), 200);
      }
    });
    for (const answer of await Promise.all(writes)) expectStatus(answer, 200);
    expect(await store.allows('document:1#viewer@user:anne')).toBe(true);
    expect(await metric(pemba, 'pemba_shed_requests_total{reason="in_flight"}')).toBe(before + 2);
    expect(pemba.failures()).toEqual([]);
  });

  it('are refused before a body is read', async () => {
    const writes: Promise<Answer>[] = [];
    await whileWritesWait(async () => {
      for (let i = 20; i < 20 + PLACES; i++) writes.push(write(i));
      await until(async () => (await inFlight(pemba)) === PLACES + SCRAPE);
      const answer = await exchange(
        pemba.url,
        head('POST /stores', ['content-type: application/json', 'content-length: 1000']),
        300,
      );
      expect(answer.statuses).toEqual([503]);
    });
    await Promise.all(writes);
  });

  it('are held by work whose caller has gone, until it is done', async () => {
    await whileWritesWait(async () => {
      for (let i = 30; i < 30 + PLACES; i++) {
        const body = JSON.stringify({
          writes: { tuple_keys: [{ user: 'user:c', relation: 'viewer', object: `document:${i}` }] },
        });
        await exchange(pemba.url, post(`${store.path}/write`, body), 50);
      }
      expect(await inFlight(pemba)).toBe(PLACES + SCRAPE);
      expectError(await pemba.call('GET', '/stores'), 503, 'resource_exhausted');
    });
    await until(async () => (await inFlight(pemba)) === SCRAPE);
    expect(await store.allows('document:30#viewer@user:c')).toBe(true);
  });
});

describeWithPostgres('places for work', () => {
  let pemba: Pemba;
  let store: Store;

  beforeAll(async () => {
    pemba = await startPemba();
    store = await Store.with(pemba, MODEL, ['document:1#viewer@user:anne']);
  });
  afterAll(() => pemba.stop());

  it('are all given back after a storm of requests that are broken off anywhere', async () => {
    const check = JSON.stringify({
      tuple_key: { user: 'user:anne', relation: 'viewer', object: 'document:1' },
    });
    const write = JSON.stringify({
      writes: {
        tuple_keys: [{ user: 'user:storm', relation: 'viewer', object: 'document:1' }],
        on_duplicate: 'ignore',
      },
    });
    const list = JSON.stringify({ type: 'document', relation: 'viewer', user: 'user:anne' });
    const whole = [
      post(`${store.path}/check`, check),
      post(`${store.path}/write`, write),
      post(`${store.path}/streamed-list-objects`, list),
      post(`${store.path}/check`, '{}'),
      post(`${store.path}/none`, check),
      head('GET /stores'),
      head('GET /stores/%zz'),
      head(`GET ${store.path}/changes`),
    ];
    const all = whole.join('');
    const cut = async (i: number): Promise<void> => {
      const one = whole[i % whole.length] ?? '';
      // Whole and left, in the middle, pipelined, pipelined and in the middle of one.
      const bytes = [
        one,
        one.slice(0, (i * 37) % one.length),
        all,
        all.slice(0, (i * 101) % all.length),
      ];
      await exchange(pemba.url, bytes[i % 4] ?? '', (i * 7) % 23);
    };
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 80 }, (_, i) => cut(round * 80 + i)));
    }
    await until(async () => (await inFlight(pemba)) === SCRAPE);
    expect(pemba.failures()).toEqual([]);
  });
});

describeWithPostgres('a slow client', () => {
  let pemba: Pemba;
  let store: Store;

  beforeAll(async () => {
    pemba = await startPemba({
      PEMBA_REQUEST_TIMEOUT_MS: String(REQUEST_TIMEOUT_MS),
      PEMBA_MAX_CONNECTIONS: '20',
      PEMBA_MAX_HEADER_BYTES: '2048',
    });
    store = await Store.with(pemba, MODEL);
  });
  afterAll(() => pemba.stop());

  it.each([
    ['head', 'GET /stores HTTP/1.1\r\nhost: x\r\nx-long: '],
    ['body', head('POST /stores', ['content-type: application/json', 'content-length: 900'])],
  ])('that drips its %s is cut', async (_part, start) => {
    const socket = open(pemba);
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const startedAt = performance.now();
    socket.write(start);
    const timer = setInterval(() => socket.write('x'), 30);
    await ended(socket);
    clearInterval(timer);
    expect(text).toContain('HTTP/1.1 408 ');
    expect(performance.now() - startedAt).toBeLessThan(WAIT_MS);
  });

  it('that says nothing at all is cut', async () => {
    const start = performance.now();
    await ended(open(pemba).resume());
    expect(performance.now() - start).toBeLessThan(WAIT_MS);
  });

  it('that never reads its answers is cut', async () => {
    const socket = open(pemba);
    // Answers of megabytes, more than what systems hold in between.
    for (let i = 0; i < 400; i++) socket.write(head('GET /openapi.json'));
    const isCut = ended(socket);
    // Who does not read hears of the end when he goes on to write.
    const timer = setInterval(() => socket.write('x'), 50);
    await isCut;
    clearInterval(timer);
  });

  it('is not one whose answer takes long to be made', async () => {
    const writing = await pemba.assembly.database.withClient(async (client) => {
      await client.query('BEGIN');
      await client.query('SELECT 1 FROM store FOR UPDATE');
      const answer = store.write(['document:1#viewer@user:slow']);
      await sleep(5 * REQUEST_TIMEOUT_MS);
      await client.query('ROLLBACK');
      return { answer };
    });
    expectStatus(await writing.answer, 200);
  });

  it('has no more connections than there are', async () => {
    const sockets = Array.from({ length: 40 }, () => open(pemba).resume());
    const closed = sockets.map(ended);
    // Those beyond are closed at once, the others when they have said nothing for too long.
    await Promise.race(closed);
    await Promise.all(closed);
    const dropped = await metric(pemba, 'pemba_shed_requests_total{reason="connections"}');
    expect(dropped).toBeGreaterThanOrEqual(20);
    expectStatus(await pemba.call('GET', '/livez'), 200);
  });

  it('may not send a head longer than the setting', async () => {
    const long = head('GET /livez', [`x-long: ${'x'.repeat(3000)}`]);
    expect((await exchange(pemba.url, long, WAIT_MS)).statuses).toEqual([431]);
  });
});
