/**
 * Traefik's ForwardAuth and Envoy's ext_authz over HTTP, which are in no package: what they send, to
 * the byte, and whether what they are configured to take over is what Pemba answers.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { startPemba } from '../support/pemba.js';
import type { Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { answerOf } from '../api/attacks/wire.js';
import type { WireAnswer } from '../api/attacks/wire.js';
import { EdgeWorld } from '../api/edge/world.js';
import { exchange } from '../api/hostile/raw-http.js';

/** What the services behind the gateway go by. */
const IDENTITY = ['pemba-subject', 'pemba-decision-id', 'txn-token'];

const configured = (name: string): unknown =>
  parse(readFileSync(join(__dirname, '..', '..', 'docs', 'gateways', name), 'utf8'));

/** Everything under a member of that name, however deep. */
function membersOf(value: unknown, name: string): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value as Readonly<Record<string, unknown>>).flatMap(([key, member]) => [
    ...(key === name ? [member] : []),
    ...membersOf(member, name),
  ]);
}

describeWithPostgres('the contract of', () => {
  let world: EdgeWorld;
  let pemba: Pemba;
  let token: string;
  beforeAll(async () => {
    world = await EdgeWorld.start();
    pemba = await startPemba({ ...world.settings, PEMBA_EDGE_STORE: world.store.id }, world.pemba);
    token = await world.token();
  });
  afterAll(async () => {
    await pemba.stop();
    await world.stop();
  });

  const send = async (lines: readonly string[]): Promise<WireAnswer> =>
    answerOf((await exchange(pemba.url, [...lines, '', ''].join('\r\n'), 10_000)).text);

  const traefik = (method: string, uri: string, more: readonly string[]): Promise<WireAnswer> =>
    send([
      'GET /edge/traefik HTTP/1.1',
      'Host: 127.0.0.1:8080',
      'User-Agent: Go-http-client/1.1',
      ...more,
      'X-Forwarded-For: 192.0.2.7',
      'X-Forwarded-Host: shop.example',
      `X-Forwarded-Method: ${method}`,
      'X-Forwarded-Port: 443',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Server: edge',
      `X-Forwarded-Uri: ${uri}`,
      'X-Real-Ip: 192.0.2.7',
      'Accept-Encoding: gzip',
      'Connection: close',
    ]);

  const envoy = (method: string, path: string, more: readonly string[]): Promise<WireAnswer> =>
    send([
      `${method} /edge/envoy${path} HTTP/1.1`,
      'host: shop.example',
      ...more,
      'content-length: 0',
      'pemba-key: ',
      'x-envoy-internal: true',
      'x-forwarded-for: 192.0.2.7',
      'x-envoy-expected-rq-timeout-ms: 1000',
      'connection: close',
    ]);

  it.each([
    ['Traefik', traefik],
    ['Envoy', envoy],
  ])('%s is kept on allow, deny, and no token', async (_name, ask) => {
    const anne = [`Authorization: Bearer ${token}`];
    const allowed = await ask('GET', '/orders/1?a=b', anne);
    expect([allowed.status, allowed.text]).toEqual([200, '']);
    expect(Object.keys(allowed.headers)).toEqual(expect.arrayContaining(IDENTITY));
    expect(allowed.headers['pemba-subject']).toBe('user:corp/anne');
    expect((await ask('DELETE', '/orders/1', anne)).status).toBe(403);
    expect((await ask('POST', '/posts', anne)).status).toBe(200);
    const unknown = await ask('GET', '/orders/1', []);
    expect([unknown.status, unknown.headers['www-authenticate']]).toEqual([
      401,
      'Bearer realm="pemba"',
    ]);
    expect((await ask('GET', '/orders/%2e%2e/health', anne)).status).toBe(403);
    expect((await ask('GET', '/health', [])).headers).toMatchObject({
      'pemba-subject': '',
      'txn-token': '',
    });
  });

  it('Traefik is configured to be', () => {
    const file = configured('traefik.yml');
    expect(membersOf(file, 'address')).toEqual([expect.stringMatching(/\/edge\/traefik$/)]);
    const [taken] = membersOf(file, 'authResponseHeaders') as [readonly string[]];
    expect(taken.map((name) => name.toLowerCase())).toEqual(IDENTITY);
    expect(membersOf(file, 'trustForwardHeader')).toEqual([false]);
    expect(membersOf(file, 'middlewares')[0]).toEqual(['before-pemba', 'pemba', 'after-pemba']);
  });

  it('Envoy is configured to be', () => {
    const file = configured('envoy.yaml');
    expect(membersOf(file, 'path_prefix')).toEqual(['/edge/envoy']);
    const [taken] = membersOf(file, 'allowed_upstream_headers');
    expect(membersOf(taken, 'exact')).toEqual(IDENTITY);
    expect(membersOf(file, 'failure_mode_allow')).toEqual([false]);
    const removed = membersOf(file, 'remove').map((name) => String(name).toLowerCase());
    expect(removed).toEqual(IDENTITY);
  });

  it('Envoy is configured to be, in gRPC', () => {
    const file = configured('envoy-grpc.yaml');
    expect(membersOf(file, 'failure_mode_allow')).toEqual([false]);
    expect(membersOf(file, 'status_on_error')).toEqual([{ code: 'ServiceUnavailable' }]);
    expect(membersOf(membersOf(file, 'grpc_service'), 'timeout')).toEqual(['1s']);
    expect(membersOf(file, 'encode_raw_headers')).toEqual([true]);
    const removed = membersOf(file, 'remove').map((name) => String(name).toLowerCase());
    expect(removed).toEqual(IDENTITY);
  });
});
