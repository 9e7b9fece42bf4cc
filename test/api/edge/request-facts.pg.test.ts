/** Conditions that ask about the request itself. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EnvoyClient, told } from '../../gateways/envoy-client.js';
import { describeWithPostgres } from '../../support/postgres.js';
import { eventOf, until } from '../../telemetry/decisions.js';
import type { WireAnswer } from '../attacks/wire.js';
import { expectStatus } from '../stores.js';
import { EdgeWorld, bearerOf, forwarded, original } from './world.js';

type Header = readonly [string, string];

describeWithPostgres('a condition of a gateway’s request', () => {
  let world: EdgeWorld;
  let folder: string;
  let log: string;
  let anne: Header;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pemba-facts-'));
    log = join(folder, 'decisions.log');
    world = await EdgeWorld.start({
      PEMBA_EDGE_GRPC_PORT: '0',
      PEMBA_DECISION_LOG: `file:${log}`,
    });
    anne = bearerOf(await world.token({ org: 'acme', scope: 'orders.read' }));
  });
  afterAll(async () => {
    await world.stop();
    rmSync(folder, { recursive: true });
  });

  const reason = ({ status, headers }: WireAnswer): string =>
    `${status} ${headers['pemba-reason'] ?? ''}`;
  const fromNginx = async (...address: readonly Header[]): Promise<string> =>
    reason(await world.nginx('GET', '/here', [...address, anne]));

  describe('knows the client’s address', () => {
    const ORIGINAL = 'X-Original-Address';

    it('as nginx and HAProxy tell it', async () => {
      expect(await fromNginx([ORIGINAL, '192.0.2.7'])).toBe('200 allowed');
      expect(await fromNginx([ORIGINAL, '2001:db8::7'])).toBe('200 allowed');
      expect(await fromNginx([ORIGINAL, '::ffff:192.0.2.7'])).toBe('200 allowed');
      expect(await fromNginx([ORIGINAL, '198.51.100.7'])).toBe('403 denied');
      const haproxy = await world.ask({
        path: 'edge/haproxy',
        headers: [...original('GET', '/here'), [ORIGINAL, '192.0.2.7'], anne],
      });
      expect(reason(haproxy)).toBe('200 allowed');
    });

    it('as Caddy and Traefik tell it', async () => {
      for (const name of ['caddy', 'traefik']) {
        const from = async (...address: readonly Header[]): Promise<string> => {
          const headers = [...forwarded('GET', '/here'), ...address, anne];
          return reason(await world.ask({ path: `edge/${name}`, headers }));
        };
        expect(await from(['X-Forwarded-For', '192.0.2.7'])).toBe('200 allowed');
        expect(await from(['X-Forwarded-For', '198.51.100.7'])).toBe('403 denied');
        expect(await from([ORIGINAL, '192.0.2.7'])).toBe('403 condition_failed');
      }
    });

    it('as Envoy tells it in gRPC', async () => {
      const envoy = new EnvoyClient(world.pemba.grpcPort);
      const headers = { authorization: anne[1], 'x-forwarded-for': '192.0.2.7' };
      const http = { method: 'GET', path: '/here', host: 'shop.example', headers };
      const from = async (address?: string): Promise<string> =>
        told(
          await envoy.http(http, {
            extensions: { store: world.store.id },
            ...(address !== undefined && { address }),
          }),
        );
      expect(await from('192.0.2.7')).toBe('200 allowed');
      expect(await from('198.51.100.7')).toBe('403 denied');
      expect(await from('/run/socket')).toBe('403 condition_failed');
      expect(await from()).toBe('403 condition_failed');
      envoy.close();
    });

    it('by nothing else, and not where it is one of several', async () => {
      const unknown = '403 condition_failed';
      expect(await fromNginx()).toBe(unknown);
      expect(await fromNginx(['X-Forwarded-For', '192.0.2.7'], ['X-Real-IP', '192.0.2.7'])).toBe(
        unknown,
      );
      expect(await fromNginx([ORIGINAL, '192.0.2.7, 192.0.2.8'])).toBe(unknown);
      expect(await fromNginx([ORIGINAL, '192.0.2.7'], [ORIGINAL, '192.0.2.7'])).toBe(unknown);
      for (const text of ['', 'unix:', '192.0.2.7:80', '0300.0.2.7', 'fe80::1%eth0', 'localhost']) {
        expect([text, await fromNginx([ORIGINAL, text])]).toEqual([text, unknown]);
      }
      const headers: readonly Header[] = [['X-Forwarded-For', '192.0.2.7'], anne];
      expect(reason(await world.ask({ path: 'edge/envoy/here', headers }))).toBe(unknown);
    });
  });

  it('knows the method, the host, and the path in the form in which it was compared', async () => {
    const ask = (method: string, uri: string, host?: string): Promise<WireAnswer> =>
      world.ask({ headers: [...original(method, uri, host), anne] });
    const asked = await ask('GET', '/asked/a%20b?c=/d', 'SHOP.example:443');
    expect(reason(asked)).toBe('200 allowed');
    expect(reason(await ask('POST', '/asked/a%20b'))).toBe('403 denied');
    expect(reason(await ask('GET', '/asked/a%20c'))).toBe('403 denied');
    expect(reason(await ask('GET', '/asked/a%20b', 'other.example'))).toBe('403 denied');
    const withoutHost = original('GET', '/asked/a%20b').filter(([n]) => n !== 'X-Original-Host');
    expect(reason(await world.ask({ headers: [...withoutHost, anne] }))).toBe(
      '403 condition_failed',
    );
  });

  it('makes no allow that a gateway keeps for a client with another address', async () => {
    const address = ['X-Original-Address', '192.0.2.7'] as const;
    const kept = await world.nginx('GET', '/here', [address, anne]);
    expect(kept.headers['cache-control']).toBe('no-store');
    expect(kept.headers['x-accel-expires']).toBeUndefined();
  });

  it('shows in the decision log what it knew', async () => {
    await fromNginx(['X-Original-Address', '198.51.100.99']);
    await until(() => world.pemba.assembly.decisionLog?.figures.size === 0);
    const events = readFileSync(log, 'utf8').split('\n').slice(0, -1).map(eventOf);
    expect(events.at(-1)).toMatchObject({
      input: { context: { client_address: '198.51.100.99' } },
      result: { allowed: false },
    });
  });

  it('goes by what the tuple stores, before what it knows of the request', async () => {
    const stored = await world.store.post('write', {
      writes: {
        tuple_keys: [
          {
            user: 'user:corp/anne',
            relation: 'nearby',
            object: 'order:9',
            condition: {
              name: 'here',
              context: { client_address: '192.0.2.1', networks: ['192.0.2.0/24'] },
            },
          },
        ],
      },
    });
    expectStatus(stored, 200);
    const routes = [{ path: '/nine', methods: ['GET'], require: 'order:9#nearby' }];
    expectStatus(await world.pemba.call('PUT', `${world.store.path}/route-table`, { routes }), 201);
    const elsewhere: Header = ['X-Original-Address', '198.51.100.7'];
    expect(reason(await world.nginx('GET', '/nine', [elsewhere, anne]))).toBe('200 allowed');
  });
});
