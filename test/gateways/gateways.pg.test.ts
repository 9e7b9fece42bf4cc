/**
 * Real gateways in front of a service, with the files of `docs/gateways/`. Where one is not installed
 * its tests are skipped, by name and with the reason; of what Debian has, that is a failure in CI.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { describeWithPostgres } from '../support/postgres.js';
import { startPemba } from '../support/pemba.js';
import type { Pemba } from '../support/pemba.js';
import { answerOf } from '../api/attacks/wire.js';
import type { WireAnswer } from '../api/attacks/wire.js';
import { EdgeWorld } from '../api/edge/world.js';
import { exchange } from '../api/hostile/raw-http.js';
import { Gateway, OPTIONAL, missing } from './gateway.js';
import type { GatewayName } from './gateway.js';
import { Service, Wire } from './neighbours.js';

/** What a gateway makes of Pemba's absence. */
const FAILURES: Readonly<
  Record<GatewayName, { readonly down: number; readonly hung: number | undefined }>
> = {
  nginx: { down: 500, hung: 500 },
  caddy: { down: 502, hung: 504 },
  haproxy: { down: 503, hung: 503 },
  // Its own time for an answer is half a minute.
  traefik: { down: 500, hung: undefined },
  envoy: { down: 503, hung: 503 },
  'envoy-grpc': { down: 503, hung: 503 },
};

/** What Traefik resolves before it asks: the service gets what Pemba has seen. */
const RESOLVED: ReadonlyMap<string, string> = new Map([
  ['GET /orders/%2e%2e/health', '/health'],
  ['GET /orders//1', '/orders/1'],
  ['GET //orders/1', '/orders/1'],
]);

const NAMES = Object.keys(FAILURES) as GatewayName[];
const inCi = process.env['CI'] === 'true';

describeWithPostgres('in front of a service', () => {
  let world: EdgeWorld;
  let pemba: Pemba;
  let service: Service;
  let token: string;
  let key: string;

  beforeAll(async () => {
    const settings = { PEMBA_AUTHENTICATION: 'keys', PEMBA_TRUST_DOMAIN: 'shop' };
    world = await EdgeWorld.start(settings);
    const { id } = world.store;
    pemba = await startPemba(
      { ...world.settings, ...settings, PEMBA_EDGE_STORE: id, PEMBA_EDGE_GRPC_PORT: '0' },
      world.pemba,
    );
    const roles = [{ role: 'reader', store_id: id }];
    const made = await world.pemba.call('POST', '/admin/keys', { name: 'gateway', roles });
    key = String(made.json.key);
    service = await Service.start();
    token = await world.token({ scope: 'orders.read' });
  });
  afterAll(async () => {
    await service.stop();
    await pemba.stop();
    await world.stop();
  });

  for (const name of NAMES) {
    const reason = missing(name);
    if (reason !== undefined) {
      const absent = (): never => {
        throw new Error(reason);
      };
      (inCi && !OPTIONAL.has(name) ? it : it.skip)(`${name} (${reason})`, absent);
      continue;
    }
    describe(name, () => {
      runs(name);
    });
  }

  function runs(name: GatewayName): void {
    let wire: Wire;
    let gateway: Gateway;
    beforeAll(async () => {
      const { url, grpcPort } = pemba;
      wire = await Wire.to(name === 'envoy-grpc' ? (grpcPort ?? 0) : Number(new URL(url).port));
      gateway = await Gateway.start(name, { pemba: wire.port, service: service.port, key });
    });
    afterEach(async () => {
      await wire.mend();
      service.arrived.length = 0;
    });
    afterAll(async () => {
      await gateway.stop();
      await wire.stop();
    });

    /** To the byte. The answer, and what arrived behind the gateway. */
    async function send(
      line: string,
      headers: readonly string[] = [],
      { host = 'shop.example', body = '' }: { readonly host?: string; readonly body?: string } = {},
    ): Promise<WireAnswer> {
      const lines = [
        `${line} HTTP/1.1`,
        `Host: ${host}`,
        'Connection: close',
        ...headers,
        '',
        body,
      ];
      return answerOf((await exchange(gateway.url, lines.join('\r\n'), 20_000)).text);
    }

    const anne = (): string => `Authorization: Bearer ${token}`;

    /** Not one of them reaches the service. */
    async function expectRefused(
      status: number | RegExp,
      line: string,
      headers: readonly string[],
      options: { readonly host?: string; readonly body?: string } = {},
    ): Promise<void> {
      const answer = await send(line, headers, options);
      const matches = expect.stringMatching(status instanceof RegExp ? status : `^${status}$`);
      expect([line, String(answer.status)]).toEqual([line, matches]);
      expect([line, service.arrived]).toEqual([line, []]);
    }

    it('lets through what Pemba allows, and says who the user is', async () => {
      const answer = await send('GET /orders/1?a=b', [anne()]);
      expect([answer.status, answer.text.includes('served')]).toEqual([200, true]);
      expect(service.arrived).toHaveLength(1);
      expect(service.arrived[0]).toMatchObject({
        method: 'GET',
        url: '/orders/1?a=b',
        headers: { 'pemba-subject': 'user:corp/anne', authorization: `Bearer ${token}` },
      });
    });

    it('hands the body on, which Pemba has not seen', async () => {
      const headers = [anne(), 'Content-Type: text/xml', 'Content-Length: 4'];
      const answer = await send('POST /posts', headers, { body: '<a/>' });
      expect(answer.status).toBe(200);
      expect(service.arrived[0]).toMatchObject({ method: 'POST', url: '/posts', body: '<a/>' });
    });

    it('keeps out what Pemba denies, and what is in no route', async () => {
      await expectRefused(403, 'DELETE /orders/1', [anne()]);
      await expectRefused(403, 'GET /orders/2', [anne()]);
      await expectRefused(403, 'GET /nowhere', [anne()]);
      await expectRefused(403, 'PUT /orders/1', [anne(), 'Content-Length: 0']);
    });

    it('tells who has not said who he is to say so', async () => {
      const none = await send('GET /orders/1');
      expect([none.status, none.headers['www-authenticate']]).toEqual([
        401,
        'Bearer realm="pemba"',
      ]);
      const bad = await send('GET /orders/1', ['Authorization: Bearer x.y.z']);
      expect([bad.status, bad.headers['www-authenticate']]).toEqual([
        401,
        'Bearer realm="pemba", error="invalid_token"',
      ]);
      await expectRefused(/^40[01]$/, 'GET /orders/1', [anne(), 'Authorization: Bearer x.y.z']);
    });

    it('hands on no name that a client has given himself', async () => {
      const spoofed = [
        'Pemba-Subject: user:root',
        'pemba-subject: user:root',
        'Pemba-Decision-Id: 1',
        'Txn-Token: x.y.z',
      ];
      expect((await send('GET /health', spoofed)).status).toBe(200);
      expect((await send('GET /orders/1', [anne(), ...spoofed])).status).toBe(200);
      const [open, known] = service.arrived;
      for (const header of ['pemba-subject', 'pemba-decision-id', 'txn-token']) {
        expect([header, open?.headers[header] ?? '']).toEqual([header, '']);
      }
      expect(known?.headers['pemba-subject']).toBe('user:corp/anne');
      expect(JSON.stringify([open, known])).not.toMatch(/user:root|x\.y\.z/);
    });

    it('asks about the request that there is, whatever its headers say', async () => {
      const lies = [
        ...['X-Original-URI: /health', 'X-Original-Method: GET', 'X-Original-Host: a'],
        ...['X-Forwarded-Uri: /health', 'X-Forwarded-Method: GET', 'X-Forwarded-Host: a'],
        ...['X-Original-URL: /health', 'X-Rewrite-URL: /health', 'Pemba-Key: x'],
        ...['X-HTTP-Method-Override: GET', 'X-HTTP-Method: GET', 'X-Method-Override: GET'],
      ];
      await expectRefused(403, 'DELETE /orders/1', [anne(), ...lies]);
      const overriding = ['X-HTTP-Method-Override: DELETE', 'X-HTTP-Method: DELETE'];
      const moving = [
        'X-Method-Override: DELETE',
        'X-Original-URL: /orders/2',
        'X-Rewrite-URL: /x',
      ];
      expect((await send('GET /orders/1', [anne(), ...overriding, ...moving])).status).toBe(200);
      expect(JSON.stringify(service.arrived)).not.toMatch(/DELETE|orders\/2|\/x"/);
    });

    it('hands on what a request has, and nothing that hides in it', async () => {
      const inside = 'GET /orders/2 HTTP/1.1\r\nHost: shop.example\r\n\r\n';
      const smuggled = `0\r\n\r\n${inside}`;
      const both = ['Transfer-Encoding: chunked', `Content-Length: ${smuggled.length}`];
      await send('POST /posts', [anne(), ...both], { body: smuggled });
      const obscure = ['Transfer-Encoding: xchunked', 'Content-Length: 5'];
      await send('POST /posts', [anne(), ...obscure], { body: smuggled });
      const twice = ['Content-Length: 0', `Content-Length: ${inside.length}`];
      await send('POST /posts', [anne(), ...twice], { body: inside });
      await send('GET /orders/1', [anne(), `Content-Length: ${inside.length}`], { body: inside });
      expect(service.arrived.map(({ url }) => url)).not.toContain('/orders/2');
      expect(service.arrived.length).toBeGreaterThan(0);
    });

    it('lets no header be taken away that Pemba or the service goes by', async () => {
      const hop = 'Connection: Pemba-Subject, X-Original-URI, X-Forwarded-Uri, Pemba-Key';
      const spoofed = ['Pemba-Subject: user:root', 'X-Original-URI: /health'];
      await send('GET /orders/1', [anne(), hop, ...spoofed]);
      for (const { headers } of service.arrived) {
        expect(['', 'user:corp/anne']).toContain(headers['pemba-subject'] ?? '');
      }
      service.arrived.length = 0;
      await expectRefused(403, 'DELETE /orders/1', [anne(), hop, ...spoofed]);
    });

    it('tells the address of the client, whatever its headers say', async () => {
      const lies = [
        ...['X-Original-Address: 198.51.100.7', 'X-Forwarded-For: 198.51.100.7'],
        ...['X-Real-IP: 198.51.100.7', 'Forwarded: for=198.51.100.7'],
      ];
      // Over HTTP, Envoy has no way to tell it.
      const expected = name === 'envoy' ? 403 : 200;
      expect((await send('GET /here', [anne()])).status).toBe(expected);
      expect((await send('GET /here', [anne(), ...lies])).status).toBe(expected);
    });

    it('asks about the host that there is', async () => {
      expect((await send('GET /host', [anne()], { host: 'acme.shop.example' })).status).toBe(200);
      service.arrived.length = 0;
      const lies = ['X-Forwarded-Host: acme.shop.example', 'X-Original-Host: acme.shop.example'];
      await expectRefused(403, 'GET /host', [anne(), ...lies], { host: 'other.shop.example' });
      const two = ['Host: acme.shop.example'];
      await expectRefused(/^40[03]$/, 'GET /host', [anne(), ...two], { host: 'x.shop.example' });
    });

    it.each([
      'GET /orders/%31%2f..%2f2',
      'GET /orders/..%2fhealth',
      'GET /orders/%2e%2e/health',
      'GET /health/../orders/2',
      'GET /orders/1;x',
      'GET /orders//1',
      'GET //orders/1',
      'GET /orders/1%00',
      'GET /orders/%ff',
      'GET /orders/1\\x',
      'GET /orders/%25%32%65',
      'GET *',
      'GET orders/1',
    ])('keeps out what could be read as something else: %p', async (line) => {
      if (name === 'traefik' && RESOLVED.has(line)) {
        const { status } = await send(line, [anne()]);
        expect([status, service.arrived.map(({ url }) => url)]).toEqual([
          200,
          [RESOLVED.get(line)],
        ]);
        return;
      }
      await expectRefused(/^4(00|03|04|14|31)$/, line, [anne()]);
    });

    it('keeps out a hundred kilobytes of path', async () => {
      await expectRefused(/^4(00|14|31)$/, `GET /orders/${'a'.repeat(100_000)}`, [anne()]);
    });

    it('hands on no question about the server as such', async () => {
      // Caddy answers it itself.
      await expectRefused(/^(200|40[034])$/, 'OPTIONS *', [anne()]);
    });

    it('lets a decoded path be one path for all', async () => {
      expect((await send('GET /orders/%31', [anne()])).status).toBe(200);
      expect(decodeURIComponent(service.arrived[0]?.url ?? '')).toBe('/orders/1');
    });

    it('takes an address in absolute form for none other than it asks about', async () => {
      const answer = await send('GET http://shop.example/orders/1', [anne()]);
      expect([200, 400, 403]).toContain(answer.status);
      await send('GET http://acme.shop.example/orders/2', [anne()]);
      expect(service.arrived.map(({ url }) => url)).not.toContain('/orders/2');
      expect(service.arrived.every(({ url }) => url.endsWith('/orders/1'))).toBe(true);
    });

    it('keeps everybody out while Pemba is down, and lets in again after', async () => {
      await wire.cut();
      await expectRefused(FAILURES[name].down, 'GET /orders/1', [anne()]);
      await expectRefused(FAILURES[name].down, 'GET /posts', [anne()]);
      await wire.mend();
      expect((await send('GET /orders/1', [anne()])).status).toBe(200);
    });

    const { hung } = FAILURES[name];
    if (hung !== undefined) {
      it('keeps everybody out while Pemba does not answer, and does not wait for long', async () => {
        wire.hang();
        const startedAt = performance.now();
        await expectRefused(hung, 'GET /orders/1', [anne()]);
        expect(performance.now() - startedAt).toBeLessThan(5000);
      });
    }

    if (name === 'nginx') {
      it('keeps an allow as long as the table says, for the same token alone', async () => {
        const other = `Authorization: Bearer ${await world.token({ scope: 'orders.write' })}`;
        expect((await send('GET /orders', [anne()])).status).toBe(200);
        await wire.cut();
        service.arrived.length = 0;
        expect((await send('GET /orders', [anne()])).status).toBe(200);
        expect(service.arrived[0]?.headers['pemba-subject']).toBe('user:corp/anne');
        service.arrived.length = 0;
        await send('GET /orders', [anne(), other]);
        const tokens = service.arrived.flatMap(({ rawHeaders }) =>
          rawHeaders.filter((value) => value.startsWith('Bearer')),
        );
        expect(tokens).toEqual(service.arrived.length === 0 ? [] : [`Bearer ${token}`]);
        service.arrived.length = 0;
        await expectRefused(500, 'GET /orders', [other]);
        await expectRefused(500, 'GET /orders', []);
        await expectRefused(500, 'GET /orders?x', [anne()]);
      });
    }
  }
});
