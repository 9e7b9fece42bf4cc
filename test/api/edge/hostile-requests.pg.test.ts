/** Requests made so that Pemba and the service behind the gateway would read two different ones. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWithPostgres } from '../../support/postgres.js';
import { exchange, head } from '../hostile/raw-http.js';
import type { WireAnswer } from '../attacks/wire.js';
import { EdgeWorld, bearerOf, forwarded, original } from './world.js';

type Header = readonly [string, string];

describeWithPostgres('a hostile request', () => {
  let world: EdgeWorld;
  let anne: Header;
  beforeAll(async () => {
    world = await EdgeWorld.start();
    anne = bearerOf(await world.token());
    // Whoever gets past the reading of a path finds everything open.
    const routes = [{ path: '/{all*}', methods: ['GET'], public: true }];
    const answer = await world.pemba.call('PUT', `${world.store.path}/route-table`, { routes });
    expect(answer.status).toBe(201);
  });
  afterAll(async () => {
    expect(world.pemba.failures()).toEqual([]);
    await world.stop();
  });

  const told = ({ status, headers }: WireAnswer): string =>
    `${status} ${headers['pemba-reason'] ?? ''}`;
  const nginx = async (uri: string, more: readonly Header[] = []): Promise<string> =>
    told(await world.nginx('GET', uri, [anne, ...more]));

  it.each([
    ['an encoded slash', '/a%2Fb'],
    ['an encoded slash in small letters', '/a%2fb'],
    ['an encoded backslash', '/a%5cb'],
    ['a backslash', '/a\\b'],
    ['two dots', '/a/../b'],
    ['two dots at the end', '/a/..'],
    ['one dot', '/a/./b'],
    ['encoded dots', '/a/%2e%2e/b'],
    ['half encoded dots', '/a/.%2E/b'],
    ['two slashes', '/a//b'],
    ['two slashes at the start', '//a/b'],
    ['two slashes at the end', '/a//'],
    ['a parameter of a segment', '/a;b=c/d'],
    ['an encoded one', '/a%3Bb'],
    ['dots behind a semicolon', '/a/..;/b'],
    ['a double escape', '/a%252Fb'],
    ['an encoded question mark', '/a%3Fb'],
    ['an encoded hash', '/a%23b'],
    ['a fragment', '/a#b'],
    ['a fragment behind a query', '/a?b#c'],
    ['NUL', '/a%00b'],
    ['a line break', '/a%0d%0aX: y'],
    ['a control character of Unicode', '/a%c2%85b'],
    ['half an escape', '/a%2'],
    ['an escape of no digits', '/a%zz'],
    ['a percent sign alone', '/a%'],
    ['overlong UTF-8', '/a%c0%afb'],
    ['half of a character', '/a%c3'],
    ['a surrogate', '/a%ed%a0%80'],
    ['raw bytes that are UTF-8', '/a\u00c3\u00a4'],
    ['raw bytes that are not', '/a\u00ff'],
    ['a blank', '/a b'],
    ['a tabulator', '/a\tb'],
    ['what no address has', '/a|b'],
    ['braces', '/{all*}'],
    ['a whole address', 'http://evil.example/a'],
    ['an address without a scheme', 'evil.example/a'],
    ['an asterisk', '*'],
    ['a host and port', 'evil.example:443'],
    ['a query alone', '?a=/b'],
    ['more than anybody asks for', `/${'a'.repeat(9000)}`],
  ])('with %s in its path is refused', async (_what, uri) => {
    expect(await nginx(uri)).toBe('403 ambiguous_path');
    const headers = [...forwarded('GET', uri), anne];
    expect(told(await world.ask({ path: 'edge/caddy', headers }))).toBe('403 ambiguous_path');
  });

  it.each([
    '/a',
    '/a/',
    '/a.b/c..d/...',
    '/%41/~b/c%20d',
    "/a-b_c!$&'()*+,=:@",
    '/k%C3%A4se',
    '/a?b=//c/../;%00',
  ])('that only looks like one is not: %s', async (uri) => {
    expect(await nginx(uri)).toBe('200 public');
  });

  it('that says something twice says nothing', async () => {
    for (const [name, value] of original('GET', '/a')) {
      expect([name, await nginx('/a', [[name, value]])]).toEqual([name, '403 ambiguous_request']);
      const lower = [name.toLowerCase(), value] as const;
      expect(await nginx('/a', [lower])).toBe('403 ambiguous_request');
    }
    expect(await nginx('/a', [['X-Original-Method', 'DELETE']])).toBe('403 ambiguous_request');
  });

  it('under a name that some programs take for another is not heard', async () => {
    const names: readonly Header[] = [
      ['X_Original_URI', '/b'],
      ['X-Original-Url', '/b'],
      ['X-Rewrite-URL', '/b'],
      ['X-Forwarded-Uri', '/b/../c'],
      ['Forwarded', 'host=evil.example'],
      ['X-HTTP-Method-Override', 'DELETE'],
      ['X-HTTP-Method', 'DELETE'],
      ['X-Method-Override', 'DELETE'],
    ];
    for (const header of names) {
      expect([header, await nginx('/a', [header])]).toEqual([header, '200 public']);
    }
    const alone = await world.ask({ headers: [['X_Original_URI', '/a'], anne] });
    expect(told(alone)).toBe('403 incomplete_request');
  });

  it('with a method that is none, or a host that is none, is refused', async () => {
    for (const method of ['GET, POST', 'GET POST', 'G(T', 'x'.repeat(40), 'GET\u00ff']) {
      const answer = await world.ask({ headers: [...original(method, '/a'), anne] });
      expect([method, told(answer)]).toEqual([method, '403 ambiguous_request']);
    }
    const hosts = [
      'a b',
      'a/b',
      'a@b',
      'a:b',
      'a..b',
      '.a',
      'a,b',
      'x'.repeat(300),
      '[::1',
      'ä.de',
    ];
    for (const host of hosts) {
      const answer = await world.ask({ headers: [...original('GET', '/a', host), anne] });
      expect([host, told(answer)]).toEqual([host, '403 ambiguous_request']);
    }
    for (const host of ['[::1]:443', '127.0.0.1:80', 'A.Example', 'localhost']) {
      const answer = await world.ask({ headers: [...original('GET', '/a', host), anne] });
      expect([host, told(answer)]).toEqual([host, '200 public']);
    }
  });

  it('of a hundred kilobytes is not let in', async () => {
    const answer = await world.nginx('GET', `/${'a'.repeat(100_000)}`);
    expect(answer.status).toBe(431);
    const envoy = await world.ask({ path: `edge/envoy/${'a'.repeat(100_000)}` });
    expect(envoy.status).toBe(431);
  });

  it('whose own line is in absolute form or an asterisk is about nothing else by that', async () => {
    const { origin } = new URL(world.pemba.url);
    const statusOf = async (line: string, headers: readonly Header[]): Promise<unknown> => {
      const lines = [...headers.map(([name, value]) => `${name}: ${value}`), 'connection: close'];
      return (await exchange(world.pemba.url, head(line, lines), 2000)).statuses[0];
    };
    const path = `${world.store.path}/edge`;
    for (const host of [origin, 'http://evil.example']) {
      // Which every server has to take for its path (RFC 9112, 3.2.2).
      expect(await statusOf(`GET ${host}${path}/nginx`, original('GET', '/a'))).toBe(200);
      expect(await statusOf(`GET ${host}${path}/nginx`, original('POST', '/a'))).toBe(403);
      expect(await statusOf(`GET ${host}${path}/envoy/a`, [])).toBe(404);
    }
    for (const method of ['GET', 'OPTIONS', 'POST']) {
      expect(await statusOf(`${method} *`, original('GET', '/a'))).toBe(404);
    }
  });

  it('with a body of whatever kind is answered by its head', async () => {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const headers = [...original('GET', '/a'), ['Content-Type', 'application/json'] as const];
      const answer = await world.ask({ method, headers, body: '{"not": json' });
      expect([method, told(answer)]).toEqual([method, '200 public']);
    }
  });

  it('that smuggles another one is cut off', async () => {
    const headers = [...original('GET', '/a'), ['Transfer-Encoding', 'chunked'] as const];
    const body = '0\r\n\r\nGET /stores HTTP/1.1\r\nhost: x\r\n\r\n';
    const answer = await world.ask({ method: 'POST', headers, body });
    expect(answer.status).toBe(400);
    expect(answer.text).not.toContain('HTTP/1.1 200');
  });

  it('cannot name who asks, nor what is granted', async () => {
    const spoofed: readonly Header[] = [
      ['Pemba-Subject', 'user:root'],
      ['Txn-Token', 'x.y.z'],
      ['Pemba-Decision-Id', 'x'],
    ];
    const answer = await world.nginx('GET', '/a', [anne, ...spoofed]);
    expect(answer.headers).toMatchObject({
      'pemba-subject': '',
      'txn-token': '',
      'pemba-decision-id': '',
    });
  });
});
