/** What gateways are told, by each one's contract, to the byte. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { describeWithPostgres } from '../../support/postgres.js';
import type { WireAnswer } from '../attacks/wire.js';
import { Store, expectStatus } from '../stores.js';
import { EdgeWorld, bearerOf, forwarded, original } from './world.js';

const IDENTITY = ['pemba-subject', 'pemba-decision-id', 'txn-token'] as const;

/** The status and the reason; every answer has each identity header. */
function told(answer: WireAnswer): string {
  expect(Object.keys(answer.headers)).toEqual(expect.arrayContaining([...IDENTITY]));
  return `${answer.status} ${answer.headers['pemba-reason'] ?? ''}`;
}

describeWithPostgres('a gateway', () => {
  let world: EdgeWorld;
  let anne: readonly [string, string];
  let scoped: readonly [string, string];

  beforeAll(async () => {
    world = await EdgeWorld.start({ PEMBA_MASTER_KEY: randomBytes(32).toString('base64') });
    anne = bearerOf(await world.token({ org: 'acme' }));
    scoped = bearerOf(await world.token({ scope: 'orders.read other' }));
  });
  afterAll(() => world.stop());

  describe('is told', () => {
    it('200 and who the user is, where he has the relation', async () => {
      const answer = await world.nginx('GET', '/orders/1?x=/../y', [anne]);
      expect(told(answer)).toBe('200 allowed');
      expect(answer.headers).toMatchObject({
        'pemba-subject': 'user:corp/anne',
        'txn-token': '',
        'cache-control': 'no-store',
        'content-length': '0',
      });
      expect(answer.text).toBe('');
    });

    it('403 where he has not, and nothing of him', async () => {
      const answer = await world.nginx('DELETE', '/orders/1', [anne]);
      expect(told(answer)).toBe('403 denied');
      expect(answer.headers['pemba-subject']).toBe('');
      expect(JSON.parse(answer.text)).toEqual({
        code: 'forbidden',
        message: 'This is not allowed.',
      });
    });

    it('401 with a challenge where there is no token, or none that counts', async () => {
      const none = await world.nginx('GET', '/orders/1');
      expect(told(none)).toBe('401 no_token');
      expect(none.headers['www-authenticate']).toBe('Bearer realm="pemba"');
      const bad: readonly (readonly (readonly [string, string])[])[] = [
        [['Authorization', 'Bearer x.y.z']],
        [['Authorization', 'Basic YTpi']],
        [['Authorization', 'Bearer']],
        [anne, anne],
        [bearerOf(await world.token({ exp: 1 }))],
        [bearerOf(await world.token({ aud: 'pemba' }))],
      ];
      for (const headers of bad) {
        const answer = await world.nginx('GET', '/orders/1', headers);
        expect([headers, told(answer)]).toEqual([headers, '401 invalid_token']);
        expect(answer.headers['www-authenticate']).toBe(
          'Bearer realm="pemba", error="invalid_token"',
        );
      }
    });

    it('403 for what is in no route: nothing is allowed that is not said', async () => {
      for (const uri of ['/', '/orders/', '/orders/1/', '/ORDERS/1', '/orders/1/x', '/healthz']) {
        expect([uri, told(await world.nginx('GET', uri, [anne]))]).toEqual([
          uri,
          '403 unmapped_route',
        ]);
      }
      for (const method of ['PUT', 'get', 'HEAD', 'OPTIONS', 'PURGE']) {
        expect(told(await world.nginx(method, '/orders/1', [anne]))).toBe('403 unmapped_route');
      }
    });

    it('200 for a public route, without a look at the token', async () => {
      const bad = ['Authorization', 'Bearer nonsense'] as const;
      const answer = await world.nginx('GET', '/health', [bad]);
      expect(told(answer)).toBe('200 public');
      expect(answer.headers['pemba-subject']).toBe('');
    });

    it('how long an allow may be kept where the table says so, and the token lasts', async () => {
      const kept = await world.nginx('GET', '/orders', [scoped]);
      expect(told(kept)).toBe('200 allowed');
      expect(kept.headers).toMatchObject({
        'cache-control': 'private, max-age=5',
        'x-accel-expires': '5',
        vary: 'authorization, x-original-method, x-original-uri, x-original-host',
      });
      const ending = await world.token({
        scope: 'orders.read',
        exp: Math.floor(Date.now() / 1000) + 3,
      });
      const short = await world.nginx('GET', '/orders', [bearerOf(ending)]);
      expect(short.headers['cache-control']).toMatch(/^private, max-age=[12]$/);
      const denied = await world.nginx('GET', '/orders', [anne]);
      expect(told(denied)).toBe('403 denied');
      expect(denied.headers['cache-control']).toBe('no-store');
    });

    it('200 only where all that is required is there', async () => {
      expect(told(await world.nginx('GET', '/both/1', [scoped]))).toBe('200 allowed');
      expect(told(await world.nginx('GET', '/both/1', [anne]))).toBe('403 denied');
      expect(told(await world.nginx('GET', '/both/2', [scoped]))).toBe('403 denied');
    });

    it('by objects out of claims, hosts and decoded paths', async () => {
      expect(told(await world.nginx('GET', '/mine', [anne]))).toBe('200 allowed');
      expect(told(await world.nginx('GET', '/mine', [scoped]))).toBe('403 incomplete_object');
      const on = async (host: string): Promise<string> =>
        told(await world.ask({ headers: [...original('GET', '/host', host), anne] }));
      expect(await on('Acme.shop.example:8443')).toBe('200 allowed');
      expect(await on('other.shop.example')).toBe('403 denied');
      expect(await on('acme.evil.example')).toBe('403 unmapped_route');
      for (const uri of [
        '/orders/a%20b',
        '/orders/b:c',
        '/orders/k%C3%A4se',
        '/orders/%6B%c3%a4se',
      ]) {
        expect([uri, told(await world.nginx('GET', uri, [anne]))]).toEqual([uri, '200 allowed']);
      }
    });

    it('403 where the question itself cannot be answered', async () => {
      const { store } = world;
      const condition = { name: 'open', context: {} };
      const key = { user: 'user:corp/anne', relation: 'in_hours', object: 'order:1' };
      await store.written([{ ...key, condition }]);
      expect(told(await world.nginx('GET', '/hours', [anne]))).toBe('403 condition_failed');
    });

    it('503 where whose token it is cannot be found out', async () => {
      const alone = await EdgeWorld.start({}, { withoutKeys: true });
      try {
        const token = bearerOf(await alone.token());
        const answer = await alone.nginx('GET', '/orders/1', [token]);
        expect(told(answer)).toBe('503 issuer_unavailable');
        expect(told(await alone.nginx('GET', '/health', [token]))).toBe('200 public');
      } finally {
        await alone.stop();
      }
    });
  });

  it('gets a Transaction Token where the route says so', async () => {
    const ask = (token: readonly [string, string]): Promise<WireAnswer> =>
      world.nginx('POST', '/bought/1', [token]);
    const answer = await ask(scoped);
    expect(told(answer)).toBe('200 allowed');
    const [header = '', payload = ''] = (answer.headers['txn-token'] ?? '').split('.');
    const decode = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
    expect(decode(header)).toMatchObject({ typ: 'txntoken+jwt' });
    expect(decode(payload)).toMatchObject({
      sub: 'user:corp/anne',
      scope: 'orders.read',
      req_wl: 'service:gateway',
      tctx: {
        method: 'POST',
        host: 'shop.example',
        route: '/bought/{order}',
        granted: ['order:1#reader'],
      },
    });
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(told(await ask(anne))).toBe('403 invalid_scope');
  });

  describe('as', () => {
    it.each(['caddy', 'traefik'])(
      '%s is read by X-Forwarded-*, whatever else is sent',
      async (name) => {
        const ask = (headers: readonly (readonly [string, string])[]): Promise<WireAnswer> =>
          world.ask({ path: `edge/${name}?the=query&of=/health`, headers });
        const spoofed = original('GET', '/health');
        const allowed = await ask([...forwarded('GET', '/orders/1'), ...spoofed, anne]);
        expect(told(allowed)).toBe('200 allowed');
        expect(told(await ask([...forwarded('DELETE', '/orders/1'), ...spoofed, anne]))).toBe(
          '403 denied',
        );
        expect(told(await ask([...spoofed, anne]))).toBe('403 incomplete_request');
        expect(allowed.headers['x-accel-expires']).toBeUndefined();
      },
    );

    it.each(['nginx', 'haproxy'])(
      '%s is read by X-Original-*, whatever else is sent',
      async (name) => {
        const ask = (headers: readonly (readonly [string, string])[]): Promise<WireAnswer> =>
          world.ask({ path: `edge/${name}`, headers });
        const spoofed = forwarded('GET', '/health');
        expect(told(await ask([...original('GET', '/orders/1'), ...spoofed, anne]))).toBe(
          '200 allowed',
        );
        expect(told(await ask([...spoofed, anne]))).toBe('403 incomplete_request');
      },
    );

    it('envoy is read by the line of the request, below the prefix', async () => {
      const ask = async (method: string, uri: string, body?: string): Promise<string> => {
        const headers = [...forwarded('GET', '/health'), ...original('GET', '/health'), anne];
        const type = ['Content-Type', 'text/xml'] as const;
        return told(
          await world.ask({
            method,
            path: `edge/envoy${uri}`,
            headers: body === undefined ? headers : [...headers, type],
            ...(body !== undefined && { body }),
          }),
        );
      };
      expect(await ask('GET', '/orders/1?a=b')).toBe('200 allowed');
      expect(await ask('GET', '/health')).toBe('200 public');
      expect(await ask('DELETE', '/orders/1')).toBe('403 denied');
      expect(await ask('POST', '/bought/2', '<no json/>')).toBe('403 denied');
      for (const method of ['PROPFIND', 'TRACE', 'OPTIONS', 'PATCH', 'M-SEARCH']) {
        expect([method, await ask(method, '/orders/1')]).toEqual([method, '403 unmapped_route']);
      }
      expect(await ask('GET', '')).toBe('403 ambiguous_path');
      expect(await ask('GET', '*')).toBe('403 unknown_profile');
      for (const uri of ['//orders/1', '/orders/%2e%2e/health', '/orders/%zz', '/orders/1;a']) {
        expect([uri, await ask('GET', uri)]).toEqual([uri, '403 ambiguous_path']);
      }
    });

    it('any of them, at a store that is none, is let nowhere', async () => {
      const headers = Object.fromEntries(original('GET', '/health'));
      for (const id of ['x', '%00', '__proto__', '01ARZ3NDEKTSV4RRFFQ69G5FAV']) {
        const path = `/stores/${id}/edge/nginx`;
        const answer = await world.pemba.call('GET', path, undefined, { headers });
        expect([id, answer.status]).toEqual([id, 403]);
      }
      expect(world.pemba.failures()).toEqual([]);
    });

    it('one that is not known is let nowhere', async () => {
      for (const name of ['apache', '__proto__', 'NGINX', 'x'.repeat(200)]) {
        const answer = await world.ask({
          path: `edge/${name}`,
          headers: original('GET', '/health'),
        });
        expect(told(answer)).toBe('403 unknown_profile');
      }
    });
  });

  it('is counted by what it was told', async () => {
    const { text } = await world.pemba.call('GET', '/metrics');
    expect(text).toMatch(/pemba_edge_requests_total\{profile="nginx",reason="unmapped_route"\} \d/);
    expect(text).toMatch(
      /pemba_edge_requests_total\{profile="unknown",reason="unknown_profile"\} 5/,
    );
    expect(text).toMatch(/pemba_decisions_total\{api="edge",decision="allowed"\} \d/);
    expect(text).toMatch(/pemba_decisions_total\{api="edge",decision="denied"\} \d/);
  });

  it('learns of a new table with the next request, and of a tuple that is gone', async () => {
    const store = await Store.with(
      world.pemba,
      'model\n  schema 1.1\ntype user\ntype order\n  relations\n    define reader: [user]\n',
      ['order:1#reader@user:corp/anne'],
    );
    const headers = Object.fromEntries([...original('GET', '/o/1'), anne]);
    const status = async (): Promise<number> =>
      (await world.pemba.call('GET', `${store.path}/edge/nginx`, undefined, { headers })).status;
    expect(await status()).toBe(403);
    const routes = [{ path: '/o/{o}', methods: ['GET'], require: 'order:{path.o}#reader' }];
    expectStatus(await world.pemba.call('PUT', `${store.path}/route-table`, { routes }), 201);
    expect(await status()).toBe(200);
    const gone = { deletes: { tuple_keys: [{ ...READER, object: 'order:1' }] } };
    expectStatus(await store.post('write', gone), 200);
    expect(await status()).toBe(403);
  });
});

const READER = { user: 'user:corp/anne', relation: 'reader' };

describeWithPostgres('a gateway that has to say who it is', () => {
  let world: EdgeWorld;
  let anne: readonly [string, string];
  beforeAll(async () => {
    world = await EdgeWorld.start({
      PEMBA_AUTHENTICATION: 'keys',
      PEMBA_RATE_FAILED_AUTHENTICATIONS: '0',
    });
    anne = bearerOf(await world.token());
  });
  afterAll(() => world.stop());

  const keyWith = async (roles: readonly object[]): Promise<readonly [string, string]> => {
    const answer = await world.pemba.call('POST', '/admin/keys', { name: 'gateway', roles });
    return ['Pemba-Key', String(expectStatus(answer, 201).json.key)];
  };

  it('does it in a header of its own, and the user in his', async () => {
    const key = await keyWith([{ role: 'reader', store_id: world.store.id }]);
    const answer = await world.nginx('GET', '/orders/1', [key, anne]);
    expect(told(answer)).toBe('200 allowed');
    const unauthenticated = await world.nginx('GET', '/orders/1', [key]);
    expect(told(unauthenticated)).toBe('401 no_token');
  });

  it('is refused without asking the user to log in where it does not', async () => {
    const stranger = await keyWith([]);
    const key = await keyWith([{ role: 'reader', store_id: world.store.id }]);
    const cases: readonly (readonly [readonly (readonly [string, string])[], string])[] = [
      [[anne], '403 gateway_unauthenticated'],
      [[['Pemba-Key', 'nonsense'], anne], '403 gateway_unauthenticated'],
      [[['Authorization', `Bearer ${key[1]}`]], '403 gateway_unauthenticated'],
      [[key, key, anne], '403 gateway_unauthenticated'],
      [[stranger, anne], '403 no_model'],
    ];
    for (const [headers, want] of cases) {
      const answer = await world.nginx('GET', '/orders/1', headers);
      expect(told(answer)).toBe(want);
      expect(answer.headers['www-authenticate']).toBeUndefined();
    }
  });
});
