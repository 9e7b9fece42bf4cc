/** A check is answered before Fastify or by it: nobody can tell which, but for the time it takes. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startPemba } from '../support/pemba.js';
import type { Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { exchange, head } from './hostile/raw-http.js';
import { Store } from './stores.js';

const MODEL = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user]
`;
const ID = 'the-same-id';
const WAIT_MS = 2500;

const keyOf = (user: string, relation = 'viewer'): object => ({
  user,
  relation,
  object: 'document:9',
});

/** The socket writes a byte for a character. */
const latin1Of = (body: string): string => Buffer.from(body).toString('latin1');

const BODIES: Readonly<Record<string, string>> = {
  'a yes': JSON.stringify({ tuple_key: keyOf('user:zoe') }),
  'a no': JSON.stringify({ tuple_key: keyOf('user:yan') }),
  'an unknown relation': JSON.stringify({ tuple_key: keyOf('user:zoe', 'none') }),
  'no user': JSON.stringify({ tuple_key: keyOf('zoe') }),
  'no key': '{}',
  'no JSON': '{"tuple_key":',
  'JSON that is too deep': '['.repeat(5000),
  'nothing at all': '',
  'a number beyond JSON': `{"tuple_key":${JSON.stringify(keyOf('user:zoe'))},"context":{"a":1e999}}`,
};

describeWithPostgres('a check by the short way', () => {
  let pemba: Pemba;
  let store: Store;
  beforeAll(async () => {
    pemba = await startPemba();
    store = await Store.with(pemba, MODEL, ['document:9#viewer@user:zoe']);
    await store.allows('document:9#viewer@user:zoe');
  });
  afterAll(() => pemba.stop());

  const ask = async (type: string, body: string, headers: readonly string[] = []) => {
    const length = `content-length: ${Buffer.byteLength(body)}`;
    const heads = [`content-type: ${type}`, length, `x-request-id: ${ID}`, 'connection: close'];
    const bytes = head(`POST ${store.path}/check`, [...heads, ...headers]) + latin1Of(body);
    const first = pemba.logged.length;
    const { text } = await exchange(pemba.url, bytes, WAIT_MS);
    return {
      text: text.replace(/^date: .*$/im, ''),
      logged: pemba.logged.slice(first).map((line) => line.replace(/"(time|ms)":[^,]+/g, '')),
    };
  };

  it.each(Object.entries(BODIES))(
    'has the answer and the line of the long one: %s',
    async (_, body) => {
      const short = await ask('application/json', body);
      // A parameter that nobody knows makes a media type none of the plain ones.
      const long = await ask('application/json; version=1', body);
      expect(short.text).toMatch(/^HTTP\/1\.1 [24]00 /);
      expect(short).toEqual(long);
      expect(await ask('application/json; charset=utf-8', body)).toEqual(long);
      expect(short.logged).toHaveLength(1);
    },
  );

  it('refuses a token that is none as the long one does', async () => {
    const headers = ['pemba-consistency-token: none'];
    const body = BODIES['a yes'] ?? '';
    const short = await ask('application/json', body, headers);
    expect(short.text).toMatch(/^HTTP\/1\.1 400 /);
    expect(short).toEqual(await ask('application/json; version=1', body, headers));
  });

  it('waits where an answer has to be waited for', async () => {
    const tuple_key = keyOf('user:zoe');
    const higher = JSON.stringify({ tuple_key, consistency: 'HIGHER_CONSISTENCY' });
    expect((await ask('application/json', higher)).text).toContain('"allowed":true');
    pemba.assembly.replicas.drop(store.id as never);
    const plain = await ask('application/json', BODIES['a yes'] ?? '');
    expect(plain.text).toContain('"allowed":true');
  });

  it('reads a body that is long and not ASCII', async () => {
    const long = JSON.stringify({ tuple_key: keyOf('user:zoe'), context: { a: 'é'.repeat(7000) } });
    expect((await ask('application/json', long)).text).toContain('"allowed":true');
  });
});
