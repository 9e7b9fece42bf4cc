/**
 * Requests that nobody honest sends. Each is answered with the right error in OpenFGA's shape, which
 * tells nothing of the inside; none of them writes anything; and the server goes on as before.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { lastName, valueAt, withValue, without } from './hostile/body-path.js';
import { ENDPOINTS, MODEL } from './hostile/endpoints.js';
import type { Endpoint, Kind } from './hostile/endpoints.js';
import { Store, expectStatus, keyOf } from './stores.js';

const WRONG: Readonly<Record<Kind, readonly unknown[]>> = {
  string: [1, true, {}, []],
  integer: ['1', true, {}, [], 1.5, -1, 1e300],
  boolean: ['true', 1, {}, []],
  object: ['x', 1, true, []],
  array: ['x', 1, true, {}],
};

const NAME = 'document:1#viewer@user:anne';
const OTHER_NAME = 'document:9#viewer@user:zoe';

const TABLES = [
  'store',
  'authorization_model',
  'assertion',
  'relation_tuple',
  'tuple_change',
] as const;

/** Stack traces, SQL, paths, and the words of libraries. */
const INSIDE =
  /\n\s+at |node_modules|\.[jt]s:\d|\/src\/|SELECT|INSERT|relation_tuple|invalid input syntax|QueryFailed|Fastify|FST_|ajv/;

describeWithPostgres('a hostile request', () => {
  let pemba: Pemba;
  let store: Store;
  let fingerprint: unknown;

  /** Of every row of every table. */
  const fingerprintOf = async (): Promise<unknown> => {
    const sums = TABLES.map(
      (table) => `(SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM ${table} t) ${table}`,
    );
    const [row] = await pemba.assembly.database.query(`SELECT ${sums.join(', ')}`);
    return row;
  };

  beforeAll(async () => {
    pemba = await startPemba({ PEMBA_SWEEP_INTERVAL_MS: '86400000' });
    store = await Store.with(pemba, MODEL, [OTHER_NAME]);
  });
  afterAll(async () => {
    expect(await store.allows(OTHER_NAME)).toBe(true);
    expect(await store.allows(NAME)).toBe(false);
    await pemba.stop();
  });
  beforeEach(async () => {
    fingerprint = await fingerprintOf();
  });
  afterEach(async () => {
    expect(await fingerprintOf()).toEqual(fingerprint);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  const fill = (text: string): string =>
    text.replaceAll('STORE', store.id).replaceAll('MODEL', store.modelId);

  const send = (endpoint: Endpoint, raw: string): Promise<Answer> =>
    pemba.call(endpoint.method, fill(endpoint.path), undefined, { raw: fill(raw) });

  const sendBody = (endpoint: Endpoint, body: unknown): Promise<Answer> =>
    send(endpoint, JSON.stringify(body));

  /** Of the error in its shape, which for a stream is another one. */
  const messageOf = (endpoint: Endpoint, answer: Answer): string => {
    const isStream = endpoint.name === 'streamed-list-objects';
    expect(answer.json).toEqual(
      isStream
        ? { error: { code: expect.any(Number), message: expect.any(String), details: [] } }
        : { code: expect.stringMatching(/^[a-z_]+$/), message: expect.any(String) },
    );
    const message = String(isStream ? answer.json.error.message : answer.json.message);
    expect(message).not.toMatch(INSIDE);
    expect(message.length).toBeLessThan(3000);
    return message;
  };

  /** Refused, by a message that names what is wrong. */
  const expectRefusal = (
    endpoint: Endpoint,
    answer: Answer,
    named: string | RegExp,
    status = 400,
  ): void => {
    const message = messageOf(endpoint, answer);
    expect([answer.status, message]).toEqual([
      status,
      typeof named === 'string' ? expect.stringContaining(named) : expect.stringMatching(named),
    ]);
  };

  describe.each(ENDPOINTS.map((endpoint) => [endpoint.name, endpoint] as const))(
    'to %s',
    (_name, endpoint) => {
      const fields = Object.entries(endpoint.fields);

      it.each(['', 'x', '{', '{"a":', '[1', '"', 'undefined', 'NaN', '\ufeff', '{}{}', "{'a':1}"])(
        'is refused with the body %j',
        async (raw) => {
          expectRefusal(endpoint, await send(endpoint, raw), /body|value is required/);
        },
      );

      it.each(['[]', 'null', '"text"', '1', 'true', '[{}]'])(
        'is refused with the root %s',
        async (raw) => {
          const isAllRead = endpoint.name === 'read' && raw === 'null';
          const answer = await send(endpoint, raw);
          if (isAllRead) expectStatus(answer, 200);
          else expectRefusal(endpoint, answer, /body/);
        },
      );

      it.each(fields)('is refused with a wrong type of %s', async (path, { kind }) => {
        for (const value of WRONG[kind]) {
          const answer = await sendBody(endpoint, withValue(endpoint.body, path, value));
          expectRefusal(endpoint, answer, lastName(path));
        }
      });

      it.each(fields.filter(([, { required }]) => required))(
        'is refused without %s, or with null for it',
        async (path) => {
          const missing = await sendBody(endpoint, without(endpoint.body, path));
          console.log(endpoint.name, path, missing.status, missing.text);
          const empty = await sendBody(endpoint, withValue(endpoint.body, path, null));
          expectRefusal(endpoint, empty, lastName(path));
        },
      );

      it.each(fields.filter(([, { kind }]) => kind === 'string'))(
        'is refused with a hostile text for %s',
        async (path) => {
          const valid = String(valueAt(endpoint.body, path));
          for (const text of ['\u0000', '\u0007', '\ud800', '\udc00x', 'x'.repeat(100_000)]) {
            const answer = await sendBody(endpoint, withValue(endpoint.body, path, valid + text));
            expectRefusal(endpoint, answer, lastName(path));
          }
        },
      );
    },
  );
});
