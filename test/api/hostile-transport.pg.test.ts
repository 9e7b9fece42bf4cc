/** Paths, methods and bytes that nobody honest sends. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startPemba } from '../support/pemba.js';
import type { Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { fingerprintOf } from './hostile/fingerprint.js';
import { bodyOf, exchange, head } from './hostile/raw-http.js';
import type { RawAnswer } from './hostile/raw-http.js';
import { Store, expectError, expectStatus } from './stores.js';

const MODEL = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user]
`;
const EXPECTED = 'document:9#viewer@user:zoe';
const ULID = '01ARZ3NDEKTSV4RRFFQ69G5FAV';

const REQUEST_TIMEOUT_MS = 300;
/** For the server to close the connection; much more than it should take. */
const WAIT_MS = 2500;

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'];

/** What is served, by path. */
const SERVED: Readonly<Record<string, readonly string[]>> = {
  '/stores': ['GET', 'POST'],
  [`/stores/${ULID}`]: ['GET', 'DELETE'],
  [`/stores/${ULID}/authorization-models`]: ['GET', 'POST'],
  [`/stores/${ULID}/authorization-models/${ULID}`]: ['GET'],
  [`/stores/${ULID}/assertions/${ULID}`]: ['GET', 'PUT'],
  [`/stores/${ULID}/changes`]: ['GET'],
  ...Object.fromEntries(
    [
      'write',
      'read',
      'import',
      'delete-by-filter',
      'rename-tuples',
      'check',
      'batch-check',
      'expand',
      'list-objects',
      'streamed-list-objects',
      'list-users',
    ].map((endpoint) => [`/stores/${ULID}/${endpoint}`, ['POST']]),
  ),
  '/healthz': ['GET'],
  '/livez': ['GET'],
  '/readyz': ['GET'],
  '/metrics': ['GET'],
  '/openapi.json': ['GET'],
};

const UNKNOWN_PATHS = [
  '/',
  '//',
  '//stores',
  '/stores/',
  '/store',
  '/STORES',
  `/stores/${ULID}/`,
  `/stores/${ULID}/none`,
  `/stores/${ULID}/check/`,
  `/stores/${ULID}/check/more`,
  `/stores/${ULID}/authorization-models/${ULID}/more`,
  `/stores%2f${ULID}`,
  '/stores/../stores',
  '/../../etc/passwd',
  '/%2e%2e/stores',
  '/..%2f..%2fetc%2fpasswd',
  '/stores;x=1',
  '/stores\\',
  '/openapi.json%00',
  '/metrics/../stores',
  '/__proto__',
  '/constructor',
  '/.env',
];

describeWithPostgres('a hostile request', () => {
  let pemba: Pemba;
  let store: Store;
  let before: unknown;

  beforeAll(async () => {
    pemba = await startPemba({
      PEMBA_SWEEP_INTERVAL_MS: '86400000',
      PEMBA_REQUEST_TIMEOUT_MS: String(REQUEST_TIMEOUT_MS),
    });
    store = await Store.with(pemba, MODEL, [EXPECTED]);
  });
  afterAll(() => pemba.stop());
  beforeEach(async () => {
    before = await fingerprintOf(pemba);
  });
  afterEach(async () => {
    expect(await fingerprintOf(pemba)).toEqual(before);
    expect(await store.allows(EXPECTED)).toBe(true);
  });

  const send = (bytes: string): Promise<RawAnswer> => exchange(pemba.url, bytes, WAIT_MS);

  /** Of the last answer on the connection. */
  const expectRawError = (answer: RawAnswer, status: number, code: string): void => {
    expect([answer.statuses.at(-1), JSON.parse(bodyOf(answer) || 'null')]).toEqual([
      status,
      { code, message: expect.any(String) },
    ]);
    expect(answer.elapsedMs).toBeLessThan(WAIT_MS);
  };

  describe('by method', () => {
    it.each(Object.entries(SERVED))('to %s is refused', async (path, methods) => {
      for (const method of METHODS.filter((each) => !methods.includes(each))) {
        const answer = await pemba.call(method, path);
        if (method === 'HEAD') expectStatus(answer, 404);
        else expectError(answer, 404, 'unimplemented', new RegExp(method));
      }
    });

    it.each(['TRACE', 'CONNECT', 'PROPFIND', 'get', 'G\u00cbT', 'BREW', ''])(
      '%j never reaches a handler',
      async (method) => {
        const answer = await send(head(`${method} /stores`, ['connection: close']));
        expect(answer.statuses.length).toBeLessThanOrEqual(1);
        for (const status of answer.statuses) {
          expect(status).toBeGreaterThanOrEqual(400);
          expect(status).toBeLessThan(500);
        }
      },
    );
  });

  it.each(UNKNOWN_PATHS)('to the path %j is refused', async (path) => {
    expectRawError(
      await send(head(`GET ${path}`, ['connection: close'])),
      404,
      'undefined_endpoint',
    );
  });

  it('to a path that is a dot is refused', async () => {
    for (const path of ['/stores/%2e%2e', '/stores/..', '/stores/%00', `/stores/${ULID}%2fcheck`]) {
      const answer = await send(head(`GET ${path}`, ['connection: close']));
      expectRawError(answer, 400, 'validation_error');
    }
  });

  describe('that the server reads no further', () => {
    it.each([
      ['a path that cannot be decoded', head('GET /stores/%zz', ['connection: close']), 400],
      ['a path with half a code point', head('GET /stores/%E2%82', ['connection: close']), 400],
      ['a very long id', head(`GET /stores/${'x'.repeat(300)}`, ['connection: close']), 400],
    ])('has %s', async (_what, bytes, status) => {
      expectRawError(await send(bytes), status, 'validation_error');
    });

    it.each([
      ['no request line', 'garbage\r\n\r\n', 400],
      ['a path that is not ASCII', head('GET /\u00ff'), 400],
      ['no HTTP', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000', 400],
      ['a very long path', head(`GET /stores?name=${'x'.repeat(20_000)}`), 431],
      ['a very long header', head('GET /stores', [`x-long: ${'x'.repeat(20_000)}`]), 431],
      ['a header without a name', head('GET /stores', [': x']), 400],
      ['a broken length', head('POST /stores', ['content-length: -5']), 400],
      [
        'two lengths',
        head('POST /stores', ['content-length: 2', 'transfer-encoding: chunked']) + '0\r\n\r\n',
        400,
      ],
      [
        'a broken chunk',
        head('POST /stores', ['content-type: application/json', 'transfer-encoding: chunked']) +
          'zz\r\n\r\n',
        400,
      ],
      ['garbage behind a request', head('GET /livez') + 'GARBAGE\u0000\r\n\r\n', 400],
    ])('has %s', async (_what, bytes, status) => {
      expectRawError(await send(bytes), status, 'validation_error');
    });

    it.each([
      ['no end of its head', 'GET /stores HTTP/1.1\r\nhost: x\r\n'],
      [
        'no end of its body',
        head('POST /stores', ['content-type: application/json', 'content-length: 50']) + '{"name"',
      ],
      [
        'no end of its chunks',
        head('POST /stores', ['content-type: application/json', 'transfer-encoding: chunked']) +
          '7\r\n{"name"\r\n',
      ],
    ])('has %s', async (_what, bytes) => {
      expectRawError(await send(bytes), 408, 'cancelled');
    });
  });

  it('without a host is refused by Node, without a body', async () => {
    const answer = await send('GET /stores HTTP/1.1\r\n\r\n');
    expect(answer.statuses).toEqual([400]);
  });

  it('that expects what nobody promises is refused by Node', async () => {
    const answer = await send(
      head('POST /stores', ['expect: 200-maybe', 'content-length: 2', 'connection: close']) + '{}',
    );
    expect(answer.statuses).toEqual([417]);
  });

  it('with thousands of headers is answered', async () => {
    const headers = Array.from({ length: 2500 }, (_, i) => `h${i}: 1`);
    const answer = await send(head('GET /livez', ['connection: close', ...headers]));
    expect(answer.statuses).toHaveLength(1);
    expect([200, 431]).toContain(answer.statuses[0]);
  });

  it('that is one of many on a connection is answered in turn', async () => {
    const path = `${store.path}/check`;
    const post = (body: string): string =>
      head(`POST ${path}`, ['content-type: application/json', `content-length: ${body.length}`]) +
      body;
    const check = JSON.stringify({
      tuple_key: { user: 'user:zoe', relation: 'viewer', object: 'document:9' },
    });
    const last = head('GET /none', ['connection: close']);
    const answer = await send(post(check) + post('{}') + post(check) + last);
    expect(answer.statuses).toEqual([200, 400, 200, 404]);
  });

  it('that is broken off leaves nothing behind', async () => {
    const bytes = head('POST /stores', ['content-type: application/json', 'content-length: 50']);
    await Promise.all(
      Array.from({ length: 50 }, () => exchange(pemba.url, `${bytes}{"name":`, 50)),
    );
    expectStatus(await pemba.call('GET', '/readyz'), 200);
  });
});
