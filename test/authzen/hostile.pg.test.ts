/** Requests that nobody means well: none is a permission, none a failure of ours, and none leaks. */
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { expectStatus } from '../api/stores.js';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { AccessStore, entity, evaluation } from './worlds.js';

const MODEL = `model
  schema 1.1
type user
type group
  relations
    define member: [user]
type document
  relations
    define viewer: [user, group#member]
    define open: [user:*]
    define near: [user with is_near]
condition is_near(subject: map<string>, subject_zone: string) {
  subject.zone == subject_zone && subject_zone == 'a'
}
`;

const TUPLES = [
  'document:1#viewer@user:anne',
  'document:1#viewer@group:eng#member',
  'group:eng#member@user:ben',
  'document:1#open@user:*',
  'document:1#viewer@user:a%3Ab',
  'document:2#viewer@user:%2A',
  {
    ...{ user: 'user:anne', relation: 'near', object: 'document:1' },
    condition: { name: 'is_near', context: {} },
  },
];

describeWithPostgres("hostile requests to AuthZEN's API", () => {
  let pemba: Pemba;
  let store: AccessStore;
  beforeAll(async () => {
    pemba = await startPemba();
    const properties = { subject: ['*'], resource: ['*'], action: ['*'] };
    store = await AccessStore.with(pemba, MODEL, TUPLES, { properties });
  });
  afterAll(async () => {
    expect(pemba.failures()).toEqual([]);
    await pemba.stop();
  });

  const question = evaluation('user:anne', 'viewer', 'document:1');
  const good = JSON.stringify(question);
  const send = (raw: string | Uint8Array, headers: Record<string, string> = {}): Promise<Answer> =>
    store.ask('evaluation', undefined, {
      raw,
      headers: { 'content-type': 'application/json', ...headers },
    });

  it('that put separators into ids name other things, not more of them', async () => {
    expect(await store.decides('user:anne', 'viewer', 'document:1')).toBe(true);
    for (const subject of ['user:*', 'group:eng#member', 'group:eng', 'user:anne ', 'user:Anne']) {
      expect([subject, await store.decides(subject, 'viewer', 'document:1')]).toEqual([
        subject,
        false,
      ]);
    }
    // What stands for everybody includes whoever is named so.
    expect(await store.decides('user:*', 'open', 'document:1')).toBe(true);
    expect(await store.decides('user:*', 'viewer', 'document:2')).toBe(true);
    expect(await store.decides('user:anne', 'viewer', 'document:2')).toBe(false);
    expect(await store.decides('user:a:b', 'viewer', 'document:1')).toBe(true);
    expect(await store.decides('user:a%3Ab', 'viewer', 'document:1')).toBe(false);
  });

  it('that search get ids as they were asked about', async () => {
    const body = { ...question, subject: { type: 'user' } };
    expect(await store.found('subject', body)).toEqual([
      entity('user:a:b'),
      entity('user:anne'),
      entity('user:ben'),
    ]);
    const open = { ...body, action: { name: 'open' } };
    expect(await store.found('subject', open)).toEqual([
      entity('user:*'),
      entity('user:a:b'),
      entity('user:anne'),
      entity('user:ben'),
    ]);
  });

  it.each([
    ['a member twice', good.replace('{', '{"subject":{"type":"user","id":"anne"},')],
    ['a member twice, once escaped', good.replace('"id"', '"\\u0069d":"ben","id"')],
    ['half a surrogate pair', good.replace('anne', 'anne\\ud800')],
    ['half a surrogate pair in a name', good.replace('{', '{"\\udc00":1,')],
    ['a number beyond all', good.replace('{', '{"context":{"x":1e999},')],
    ['depth', good.replace('{', `{"context":${'{"a":'.repeat(50)}1${'}'.repeat(50)},`)],
    ['a byte-order mark', `\ufeff${good}`],
    ['more after the end', `${good}{}`],
    ['no JSON', 'decision=true'],
    ['a long id', good.replace('anne', 'a'.repeat(1000))],
    ['an empty id', good.replace('anne', '')],
    ['null', 'null'],
  ])('with %s are refused', async (_what, raw) => {
    const answer = expectStatus(await send(raw), 400);
    expect(answer.json).toMatchObject({ status: 400, code: 'invalid_request' });
    expect(answer.text.length).toBeLessThan(600);
  });

  it('that are no UTF-8 are refused', async () => {
    const bytes = Buffer.from(good.replace('anne', 'ann\u00e9'), 'latin1');
    expectStatus(await send(bytes), 400);
  });

  it('that are too large are refused, and told so as a problem', async () => {
    const large = good.replace('{', `{"context":{"x":"${'x'.repeat(1_100_000)}"},`);
    const answer = expectStatus(await send(large), 413);
    expect(answer.headers.get('content-type')).toMatch(/problem\+json/);
  });

  it('with too many questions are refused', async () => {
    const evaluations = Array.from({ length: 51 }, () => ({}));
    const answer = await store.ask('evaluations', { ...question, evaluations });
    expect(expectStatus(answer, 400).json.code).toBe('limit_exceeded');
  });

  it('with names that objects inherit are about nothing else', async () => {
    const raw = good.replace('{', '{"__proto__":{"decision":true},"constructor":{},');
    expect(expectStatus(await send(raw), 200).json).toEqual({ decision: true });
    const near = (properties: string): string =>
      `{"subject":{"type":"user","id":"anne","properties":${properties}},` +
      '"action":{"name":"near"},"resource":{"type":"document","id":"1"}}';
    expect((await send(near('{"zone":"a"}'))).json).toEqual({ decision: true });
    expect((await send(near('{"__proto__":{"zone":"a"}}'))).json).toEqual({ decision: false });
    expect((await send(near('{"__proto__":"x","zone":"a"}'))).json).toEqual({ decision: true });
  });

  it('whose properties are of other types than the condition has are no', async () => {
    for (const zone of [1, true, null, ['a'], { a: 'a' }]) {
      const other = {
        ...question,
        subject: { ...entity('user:anne'), properties: { zone } },
        action: { name: 'near' },
      };
      expect(await store.told('evaluation', other)).toEqual({ decision: false });
    }
  });

  it('with ids of requests that no log should have get them back all the same', async () => {
    const id = `"><script>${'x'.repeat(500)} äö`;
    const headers = { 'x-request-id': Buffer.from(id, 'utf8').toString('latin1') };
    for (const answer of [await send(good, headers), await send('{', headers)]) {
      expect(answer.headers.get('x-request-id')).toBe(headers['x-request-id']);
    }
    expect(pemba.logged.some((line) => line.includes('<script>'))).toBe(false);
  });

  it('for tokens of pages that were made up, or are of another store, are refused', async () => {
    const body = { ...question, subject: { type: 'user' } };
    const first = await store.told('search/subject', { ...body, page: { limit: 1 } });
    const { next_token: token } = first.page;
    const other = await AccessStore.with(pemba, MODEL, TUPLES);
    expectStatus(await other.ask('search/subject', { ...body, page: { token } }), 400);
    const forged = Buffer.from(JSON.stringify(['x'.repeat(22), 'anne', 1])).toString('base64url');
    for (const wrong of [forged, 'x', '*', 'a'.repeat(6000)]) {
      expectStatus(await store.ask('search/subject', { ...body, page: { token: wrong } }), 400);
    }
  });

  it('by other methods, to other paths and with a body on GET are not answered as decisions', async () => {
    const { path } = store.store;
    for (const [method, at] of [
      ['GET', `${path}/access/v1/evaluation`],
      ['PUT', `${path}/access/v1/evaluation`],
      ['POST', `${path}/access/v1/evaluation/`],
      ['POST', `${path}/access/v1//evaluation`],
      ['POST', `${path}/access/v2/evaluation`],
      ['POST', `/stores/x/access/v1/evaluation`],
      ['POST', `/.well-known/authzen-configuration${path}`],
    ] as const) {
      const answer = await pemba.call(method, at, method === 'GET' ? undefined : question);
      expect([at, answer.status >= 400 && answer.status < 500]).toEqual([at, true]);
      expect(answer.json).not.toHaveProperty('decision');
    }
    const { hostname, port } = new URL(pemba.url);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => {
        socket.end(
          `GET ${path}/access/v1/evaluation HTTP/1.1\r\nhost: x\r\nconnection: close\r\n` +
            `content-type: application/json\r\ncontent-length: ${good.length}\r\n\r\n${good}`,
        );
      });
      let text = '';
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('end', () => {
        resolve(text);
      });
      socket.on('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
  });
});
