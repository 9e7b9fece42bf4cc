/** Envoy's questions in gRPC, over a socket: the same answers as by HTTP, in its own words. */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { status as codes } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { JWKS_PATH } from '../support/issuer.js';
import { describeWithPostgres } from '../support/postgres.js';
import { answerOf } from '../api/attacks/wire.js';
import { EdgeWorld, TABLE } from '../api/edge/world.js';
import { exchange } from '../api/hostile/raw-http.js';
import { Store, expectStatus } from '../api/stores.js';
import type { HttpRequest } from '../../src/api/edge/grpc/wire.js';
import { EnvoyClient, onward, told } from './envoy-client.js';

const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));

const http = (line: string, more: Partial<HttpRequest> = {}): HttpRequest => {
  const [method = '', path = ''] = line.split(' ');
  return { method, path, host: 'shop.example', ...more };
};

describeWithPostgres('Envoy, asking in gRPC', () => {
  let world: EdgeWorld;
  let envoy: EnvoyClient;
  let anne: Readonly<Record<string, string>>;
  let bearer: string;

  beforeAll(async () => {
    world = await EdgeWorld.start({
      PEMBA_EDGE_GRPC_PORT: '0',
      PEMBA_MASTER_KEY: randomBytes(32).toString('base64'),
      PEMBA_REQUEST_TIMEOUT_MS: '1000',
    });
    envoy = new EnvoyClient(world.pemba.grpcPort);
    bearer = `Bearer ${await world.token({ org: 'acme', scope: 'orders.read' })}`;
    anne = { authorization: bearer };
  });
  afterAll(async () => {
    envoy.close();
    await world.stop();
  });

  const here = (): { readonly extensions: Readonly<Record<string, string>> } => ({
    extensions: { store: world.store.id },
  });
  const ask = (line: string, more: Partial<HttpRequest> = {}): ReturnType<EnvoyClient['http']> =>
    envoy.http(http(line, { headers: anne, ...more }), here());

  it('is told to let through whom the graph knows, and who he is', async () => {
    const answer = await ask('GET /orders/1?a=/../b');
    expect(answer).toMatchObject({
      response: {
        status: { code: 0 },
        ok_response: {
          headers: [
            {
              header: { key: 'pemba-subject', value: 'user:corp/anne' },
              append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
            },
          ],
        },
        dynamic_metadata: { fields: { reason: { stringValue: 'allowed' } } },
      },
    });
  });

  it('hands on no name, no other method and no other address that a client has given', async () => {
    const spoofed = {
      'pemba-subject': 'user:root',
      'pemba-decision-id': '1',
      'txn-token': 'x.y.z',
      'x-http-method-override': 'DELETE',
      'x-http-method': 'DELETE',
      'x-method-override': 'DELETE',
      'x-original-url': '/orders/2',
      'x-rewrite-url': '/orders/2',
    };
    const headers = { ...anne, ...spoofed };
    expect(onward(await ask('GET /orders/1', { headers }), headers)).toEqual({
      ...anne,
      'pemba-subject': 'user:corp/anne',
    });
    expect(onward(await ask('GET /health', { headers }), headers)).toEqual(anne);
  });

  it('is told to deny, and with what', async () => {
    expect(await ask('DELETE /orders/1')).toMatchObject({
      response: {
        status: { code: codes.PERMISSION_DENIED, message: 'denied' },
        denied_response: {
          status: { code: 'Forbidden' },
          headers: [
            { header: { key: 'content-type', value: 'application/json; charset=utf-8' } },
            { header: { key: 'cache-control', value: 'no-store' } },
          ],
          body: '{"code":"forbidden","message":"This is not allowed."}',
        },
      },
    });
  });

  it('is told to ask for a token where there is none, or none that counts', async () => {
    const challengeFor = async (headers: Readonly<Record<string, string>>): Promise<unknown> => {
      const answer = await ask('GET /orders/1', { headers });
      expect(answer).toMatchObject({
        response: {
          status: { code: codes.UNAUTHENTICATED },
          denied_response: { status: { code: 'Unauthorized' } },
        },
      });
      const { denied_response: denied } = 'response' in answer ? answer.response : {};
      return denied?.headers.find(({ header }) => header.key === 'www-authenticate')?.header.value;
    };
    expect(await challengeFor({})).toBe('Bearer realm="pemba"');
    for (const authorization of [
      'Bearer x.y.z',
      'Basic YTpi',
      `${bearer},${bearer}`,
      `${bearer} `,
    ]) {
      expect([authorization, await challengeFor({ authorization })]).toEqual([
        authorization,
        'Bearer realm="pemba", error="invalid_token"',
      ]);
    }
  });

  it('gets a Transaction Token where the route says so', async () => {
    const headers = onward(await ask('POST /bought/1'));
    const payload = headers['txn-token']?.split('.')[1] ?? '';
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
      sub: 'user:corp/anne',
      tctx: { method: 'POST', host: 'shop.example', granted: ['order:1#reader'] },
    });
  });

  it('is read by its own fields, whatever is in the headers', async () => {
    const lies = {
      ...anne,
      ':path': '/health',
      ':method': 'GET',
      ':authority': 'other.example',
      host: 'acme.shop.example',
      'x-original-uri': '/health',
      'x-forwarded-uri': '/health',
      'x-envoy-original-path': '/health',
      __proto__: 'x',
    };
    expect(told(await ask('DELETE /orders/1', { headers: lies }))).toBe('403 denied');
    expect(told(await ask('GET /host', { headers: lies }))).toBe('403 unmapped_route');
    const host = 'ACME.shop.example:443';
    expect(told(await ask('GET /host', { headers: lies, host }))).toBe('200 allowed');
  });

  it.each([
    ['GET /orders/%31', '200 allowed'],
    ['GET /orders/k%C3%A4se', '200 allowed'],
    ['GET /orders/b:c', '200 allowed'],
    ['GET /orders/%2e%2e/health', '403 ambiguous_path'],
    ['GET /orders/1%2fx', '403 ambiguous_path'],
    ['GET //orders/1', '403 ambiguous_path'],
    ['GET /orders/1;x', '403 ambiguous_path'],
    ['GET /orders/%ff', '403 ambiguous_path'],
    ['GET /orders/\u{fffd}', '403 ambiguous_path'],
    ['GET http://shop.example/orders/1', '403 ambiguous_path'],
    ['OPTIONS *', '403 ambiguous_path'],
    ['GET', '403 incomplete_request'],
    [' /orders/1', '403 incomplete_request'],
    ['G\u{0}T /orders/1', '403 ambiguous_request'],
    ['get /orders/1', '403 unmapped_route'],
  ])('%p is answered %p', async (line, expected) => {
    expect(told(await ask(line))).toBe(expected);
  });

  it('is told to deny a hundred kilobytes of path', async () => {
    expect(told(await ask(`GET /orders/${'a'.repeat(100_000)}`))).toBe('403 ambiguous_path');
  });

  it('may send the headers as they came, with bytes that are no text', async () => {
    const raw = (...pairs: readonly (readonly [string, string | Buffer])[]): HttpRequest =>
      http('GET /orders/1', {
        header_map: {
          headers: pairs.map(([key, value]) => ({ key, raw_value: Buffer.from(value) })),
        },
      });
    const cases: readonly (readonly [HttpRequest, string])[] = [
      [raw(['authorization', bearer]), '200 allowed'],
      [raw(['Authorization', bearer], ['x', Buffer.from([0xff, 0xfe])]), '200 allowed'],
      [raw(['authorization', Buffer.from([0xff, 0x00, 0x80])]), '401 invalid_token'],
      [raw(['authorization', bearer], ['authorization', bearer]), '401 invalid_token'],
      [{ ...raw(['authorization', bearer]), headers: anne }, '401 invalid_token'],
      [raw(), '401 no_token'],
    ];
    for (const [request, expected] of cases) {
      expect(told(await envoy.http(request, here()))).toBe(expected);
    }
  });

  it('may leave out everything, and is let through nowhere for it', async () => {
    expect(told(await envoy.check({}, {}))).toBe('403 invalid_request');
    expect(told(await envoy.check({ attributes: {} }, {}))).toBe('403 invalid_request');
    const extensions = { context_extensions: { store: world.store.id } };
    for (const attributes of [{}, { request: {} }, { request: { http: {} } }]) {
      const answer = await envoy.check({ attributes: { ...attributes, ...extensions } });
      expect(told(answer)).toBe('403 incomplete_request');
    }
  });

  it('names the store by the route, and by nothing else', async () => {
    const other = await Store.with(world.pemba, 'model\n  schema 1.1\ntype user\n', []);
    const at = async (extensions: Readonly<Record<string, string>>): Promise<string> =>
      told(await envoy.http(http('GET /health'), { extensions }));
    expect(await at({ store: world.store.id })).toBe('200 public');
    expect(await at({ store: other.id })).toBe('403 unmapped_route');
    expect(await at({ store: '01ARZ3NDEKTSV4RRFFQ69G5FAV' })).toBe('403 no_model');
    expect(await at({ store: 'nonsense' })).toBe('403 invalid_request');
    expect(await at({ store: '' })).toBe('403 invalid_request');
    expect(await at({})).toBe('403 invalid_request');
  });

  it('may send what is not read, and what is no message is no question', async () => {
    // context_extensions, unknown fields of every wire type, and a struct nested without end.
    const store = Buffer.from(`\n\x05store\x12\x1a${world.store.id}`);
    const extensions = Buffer.concat([Buffer.from([0x52, store.length]), store]);
    const request = Buffer.from('"\x10\x12\x0e\x12\x03GET"\x07/health');
    let nested = Buffer.alloc(0);
    while (nested.length < 60_000) {
      nested = Buffer.concat([Buffer.from([0x2a]), varint(nested.length), nested]);
    }
    const unknown = Buffer.concat([
      Buffer.from([0x5a]),
      varint(nested.length),
      nested,
      Buffer.from([0xf8, 0x01, 0x07, 0xf1, 0x01, 1, 2, 3, 4, 5, 6, 7, 8]),
    ]);
    const wrapped = (...parts: readonly Buffer[]): Buffer => {
      const inner = Buffer.concat([...parts]);
      return Buffer.concat([Buffer.from([0x0a]), varint(inner.length), inner]);
    };
    expect(told(await envoy.check(wrapped(extensions, request, unknown)))).toBe('200 public');
    for (const bytes of [wrapped(extensions, request).subarray(0, -3), Buffer.from([0xff])]) {
      expect(told(await envoy.check(bytes))).toBe(`failed with ${codes.INTERNAL}`);
    }
  });

  it('is refused more than a message may have, and let through nowhere by it', async () => {
    const headers = { ...anne, big: 'a'.repeat(1_100_000) };
    expect(told(await ask('GET /health', { headers }))).toBe(
      `failed with ${codes.RESOURCE_EXHAUSTED}`,
    );
  });

  it('is told that its call did not arrive, where no message follows', async () => {
    expect(await envoy.begin()).toBe(codes.DEADLINE_EXCEEDED);
  });

  it('can probe whether to ask here', async () => {
    expect(await envoy.health('')).toBe('SERVING');
    expect(await envoy.health('envoy.service.auth.v3.Authorization')).toBe('SERVING');
    expect(await envoy.health('nonsense')).toBe(`code ${codes.NOT_FOUND}`);
  });

  it('is counted and logged as other requests are', async () => {
    await ask('DELETE /orders/1', { id: 'asked-by-envoy' });
    const { text } = await world.pemba.call('GET', '/metrics');
    expect(text).toMatch(
      /^pemba_edge_requests_total\{profile="envoy-grpc",reason="denied"\} [1-9]/m,
    );
    expect(text).toMatch(
      /^pemba_http_requests_total\{method="POST",route="\/envoy\.service\.auth\.v3\.Authorization\/Check",status="403"\} [1-9]/m,
    );
    expect(text).toMatch(/^pemba_decisions_total\{api="edge",decision="denied"\} [1-9]/m);
    expect(text).toMatch(/^pemba_in_flight 1$/m);
    const line = world.pemba.logged.find((one) => one.includes('asked-by-envoy')) ?? '{}';
    expect(JSON.parse(line)).toMatchObject({ store: world.store.id, status: 403 });
  });

  it(`is answered as it is by HTTP, whatever it asks (seed ${SEED})`, async () => {
    const names = ['orders', 'health', '1', '2', 'both', 'posts', 'mine', 'host', '%31', '%2e', ''];
    const path = fc.oneof(
      fc.constantFrom(...TABLE.routes.map((route) => route.path.replace('{order}', '1'))),
      fc.array(fc.constantFrom(...names), { maxLength: 3 }).map((parts) => `/${parts.join('/')}`),
      fc
        .string({ unit: fc.constantFrom(...Array.from('/.%;aA0~?#&=:@')), maxLength: 8 })
        .map((t) => `/${t}`),
    );
    const authorization = fc.constantFrom(bearer, bearer, bearer, 'Bearer x.y.z', 'Basic x', '');
    const question = fc.record({
      method: fc.constantFrom('GET', 'POST', 'DELETE', 'PURGE'),
      path,
      host: fc.constantFrom('shop.example', 'acme.shop.example:80', 'a b', 'x..y', '[::1]:80'),
      authorization,
    });
    await fc.assert(
      fc.asyncProperty(question, async ({ authorization: token, ...asked }) => {
        const headers = token === '' ? {} : { authorization: token };
        const byGrpc = await envoy.http({ ...asked, headers }, here());
        const lines = [
          `${asked.method} ${world.store.path}/edge/envoy${asked.path} HTTP/1.1`,
          `Host: ${asked.host}`,
          'Connection: close',
          ...(token === '' ? [] : [`Authorization: ${token}`]),
        ];
        const wire = await exchange(world.pemba.url, [...lines, '', ''].join('\r\n'), 10_000);
        const byHttp = answerOf(wire.text);
        const reason = byHttp.headers['pemba-reason'] ?? '';
        expect(told(byGrpc)).toBe(`${byHttp.status} ${reason}`);
        const response = 'response' in byGrpc ? byGrpc.response : undefined;
        if (response?.ok_response === undefined) {
          expect(response?.denied_response?.body).toBe(byHttp.text);
          return;
        }
        const identity = onward(byGrpc);
        expect(identity['pemba-subject'] ?? '').toBe(byHttp.headers['pemba-subject']);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });
});

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

describeWithPostgres('Envoy, where its key has to be known', () => {
  let world: EdgeWorld;
  let envoy: EnvoyClient;
  let key: string;
  let token: string;
  const keyWith = async (roles: readonly object[]): Promise<string> => {
    const answer = await world.pemba.call('POST', '/admin/keys', { name: 'envoy', roles });
    return String(expectStatus(answer, 201).json.key);
  };
  beforeAll(async () => {
    world = await EdgeWorld.start({
      PEMBA_AUTHENTICATION: 'keys',
      PEMBA_EDGE_GRPC_PORT: '0',
      PEMBA_RATE_FAILED_AUTHENTICATIONS: '2',
    });
    envoy = new EnvoyClient(world.pemba.grpcPort);
    key = await keyWith([{ role: 'reader', store_id: world.store.id }]);
    token = `Bearer ${await world.token()}`;
  });
  afterAll(async () => {
    envoy.close();
    await world.stop();
  });

  it('says it in the metadata of the call, once, and not in the headers', async () => {
    const extensions = { store: world.store.id };
    const ask = async (
      metadata: Readonly<Record<string, string | readonly string[]>>,
      more: Readonly<Record<string, string>> = {},
    ): Promise<string> =>
      told(
        await envoy.http(http('GET /orders/1', { headers: { authorization: token, ...more } }), {
          extensions,
          metadata,
        }),
      );
    const bearer = `Bearer ${key}`;
    const stranger = await keyWith([]);
    expect(await ask({ 'pemba-key': key })).toBe('200 allowed');
    expect(await ask({ authorization: bearer })).toBe('200 allowed');
    expect(await ask({ 'pemba-key': stranger })).toBe('403 no_model');
    const unknown = '403 gateway_unauthenticated';
    expect(await ask({}, { 'pemba-key': key })).toBe(unknown);
    expect(await ask({ 'pemba-key': key, authorization: bearer })).toBe(unknown);
    expect(await ask({ 'pemba-key': [key, key] })).toBe(unknown);
    expect(await ask({ 'pemba-key': 'nonsense' })).toBe('403 too_many_requests');
    expect(await ask({ 'pemba-key': key })).toBe('200 allowed');
  });
});

/** It has no keys of its issuer, and asks for them again a second later. */
const worldWithoutKeys = (settings: Readonly<Record<string, string>> = {}): Promise<EdgeWorld> =>
  EdgeWorld.start({ PEMBA_EDGE_GRPC_PORT: '0', ...settings }, { withoutKeys: true });

/** Until the keys are asked for. Returns how to answer. */
const untilKeysAreAskedFor = (world: EdgeWorld): Promise<() => void> =>
  new Promise((resolve) => {
    world.issuer.lie(JWKS_PATH, (response) => {
      resolve(() => response.end(JSON.stringify(world.issuer.jwks())));
    });
  });

describeWithPostgres('Envoy, when Pemba cannot tell,', () => {
  let world: EdgeWorld;
  let envoy: EnvoyClient;
  let token: string;
  beforeAll(async () => {
    world = await worldWithoutKeys({ PEMBA_MAX_IN_FLIGHT: '2' });
    envoy = new EnvoyClient(world.pemba.grpcPort);
    token = await world.token();
    await untilKeysAreAskedFor(world);
  });
  afterAll(async () => {
    envoy.close();
    await world.stop();
  });
  const ask = (timeoutMs: number): ReturnType<EnvoyClient['http']> =>
    envoy.http(http('GET /orders/1', { headers: { authorization: `Bearer ${token}` } }), {
      extensions: { store: world.store.id },
      timeoutMs,
    });

  it('hears no later than it said, and that it was too many is a failure of the call', async () => {
    const startedAt = performance.now();
    const waiting = [ask(400), ask(400)];
    await sleep(100);
    expect(told(await ask(10_000))).toBe(`failed with ${codes.UNAVAILABLE}`);
    for (const answer of await Promise.all(waiting)) {
      expect(told(answer)).toBe(`failed with ${codes.DEADLINE_EXCEEDED}`);
    }
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });

  it('is told so by the call, so that it decides by its own configuration', async () => {
    const broken = await worldWithoutKeys();
    const client = new EnvoyClient(broken.pemba.grpcPort);
    try {
      const headers = { authorization: `Bearer ${await broken.token()}` };
      const asked = { extensions: { store: broken.store.id } };
      const answer = await client.http(http('GET /orders/1', { headers }), asked);
      expect(answer).toMatchObject({
        error: { code: codes.UNAVAILABLE, details: 'issuer_unavailable' },
      });
      expect(told(await client.http(http('GET /health', { headers }), asked))).toBe('200 public');
    } finally {
      client.close();
      await broken.stop();
    }
  });
});

describeWithPostgres('a server that stops', () => {
  it('answers what is in flight, takes nothing new, and lets idle connections go', async () => {
    const world = await worldWithoutKeys();
    const envoy = new EnvoyClient(world.pemba.grpcPort);
    const asked = { extensions: { store: world.store.id } };
    const headers = { authorization: `Bearer ${await world.token()}` };
    const answerKeys = await untilKeysAreAskedFor(world);
    const idle = connect(world.pemba.grpcPort ?? 0, '127.0.0.1');
    const pending = envoy.http(http('GET /orders/1', { headers }), asked);
    await sleep(50);
    const stopped = world.stop();
    await sleep(50);
    const late = new EnvoyClient(world.pemba.grpcPort);
    expect(told(await late.http(http('GET /health'), { ...asked, timeoutMs: 500 }))).toMatch(
      /^failed/,
    );
    answerKeys();
    expect(told(await pending)).toBe('200 allowed');
    await stopped;
    for (const client of [envoy, late]) client.close();
    idle.destroy();
  });
});
