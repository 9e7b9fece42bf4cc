/**
 * Bodies that nobody honest sends, to every endpoint that takes one. Each is refused by a message
 * that names the field and tells nothing of the inside; none writes anything; and the server goes
 * on as before.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { operationsOf } from '../openapi/document.js';
import type { Document } from '../openapi/document.js';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { lastName, valueAt, withValue, without } from './hostile/body-path.js';
import { ELSEWHERE, ENDPOINTS, MODEL } from './hostile/endpoints.js';
import type { Endpoint, Field, Kind } from './hostile/endpoints.js';
import { fingerprintOf } from './hostile/fingerprint.js';
import { messageOf } from './hostile/refusal.js';
import { Store, expectStatus } from './stores.js';

const WRONG: Readonly<Record<Kind, readonly unknown[]>> = {
  string: [1, true, {}, []],
  integer: ['1', true, {}, [], 1.5, -1, 1e300],
  boolean: ['true', 1, {}, []],
  object: ['x', 1, true, []],
  array: ['x', 1, true, {}],
};

const MALFORMED = ['x', '{', '{"a":', '[1', '"', 'NaN', '{}{}', "{'a':1}", '{"a":1,}'];
const OTHER_ROOTS = ['[]', '"text"', '1', 'true', '[{}]'];
const HOSTILE_TEXTS = ['\u0000', '\u0007', '\ud800', '\udc00x', 'x'.repeat(100_000)];

/** As own members: only JSON can say so. */
const EVIL =
  '"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},' +
  '"toString":1,"hasOwnProperty":null,"then":1,"":[]';

const withEvil = (value: unknown): object =>
  JSON.parse(`{${EVIL},${JSON.stringify(value).slice(1)}`) as object;

const NOT_KNOWN = /has no member|is not known here|additional properties/;

const EXPECTED = 'document:9#viewer@user:zoe';

describeWithPostgres('a hostile body', () => {
  let pemba: Pemba;
  let store: Store;
  let before: unknown;

  beforeAll(async () => {
    pemba = await startPemba({
      PEMBA_AUTHENTICATION: 'keys',
      PEMBA_MASTER_KEY: randomBytes(32).toString('base64'),
      PEMBA_SWEEP_INTERVAL_MS: '86400000',
    });
  });
  afterAll(() => pemba.stop());
  const expectNothingWritten = async (): Promise<void> => {
    expect(await fingerprintOf(pemba)).toEqual(before);
  };

  const fill = (text: string): string =>
    text.replaceAll('STORE', store.id).replaceAll('MODEL', store.modelId);

  const send = (endpoint: Endpoint, raw: string): Promise<Answer> =>
    pemba.call(endpoint.method, fill(endpoint.path), undefined, { raw: fill(raw) });

  const sendBody = (endpoint: Endpoint, body: unknown): Promise<Answer> =>
    send(endpoint, JSON.stringify(body));

  const expectRefusal = (
    endpoint: Endpoint,
    answer: Answer,
    named: string | RegExp,
    status = 400,
  ): void => {
    const refusal = messageOf(endpoint, answer);
    expect(refusal).toEqual({
      status,
      message:
        typeof named === 'string' ? expect.stringContaining(named) : expect.stringMatching(named),
    });
  };

  /** A field's last name, in words where a message has them. */
  const namedBy = (path: string): string | RegExp =>
    path === 'continuation_token' ? /continuation[_ ]token/ : lastName(path);

  it('is sent to every endpoint that takes one', async () => {
    const document = expectStatus(await pemba.call('GET', '/openapi.json'), 200).json as Document;
    const taking = operationsOf(document).filter(({ requestBody }) => requestBody !== undefined);
    const nameOf = (method: string, path: string): string =>
      `${method} ${path.replaceAll(/STORE|MODEL|\{\w+\}/g, '{}')}`;
    const known = [
      ...ENDPOINTS.map(({ method, path }) => nameOf(method, path)),
      ...Object.keys(ELSEWHERE).map((name) => nameOf(...(name.split(' ') as [string, string]))),
    ];
    expect(taking.map(({ method, path }) => nameOf(method, path)).sort()).toEqual(known.sort());
  });

  describe.each(ENDPOINTS.map((endpoint) => [endpoint.name, endpoint] as const))(
    'to %s',
    (_name, endpoint) => {
      const fieldsThat = (is: (field: Field) => boolean): readonly string[] =>
        Object.keys(endpoint.fields).filter((path) => {
          const field = endpoint.fields[path];
          return field !== undefined && is(field);
        });

      beforeAll(async () => {
        store = await Store.with(pemba, MODEL, [EXPECTED]);
      });

      describe('that is refused', () => {
        beforeEach(async () => {
          before = await fingerprintOf(pemba);
        });
        afterEach(expectNothingWritten);

        it('is no JSON', async () => {
          for (const raw of MALFORMED) {
            expectRefusal(endpoint, await send(endpoint, raw), /^body: malformed JSON/);
          }
        });

        it('has another root than an object', async () => {
          for (const raw of OTHER_ROOTS) {
            expectRefusal(endpoint, await send(endpoint, raw), /^the body must be object/);
          }
        });

        it('is empty, or null, unless everything in it is optional', async () => {
          for (const raw of ['', 'null']) {
            const answer = await send(endpoint, raw);
            if (endpoint.name === 'read') expectStatus(answer, 200);
            else expectRefusal(endpoint, answer, /^the body must be object/);
          }
        });

        it.each(Object.entries(endpoint.fields))('has a wrong type of %s', async (path, field) => {
          const isItem = path.endsWith(']');
          for (const value of [...WRONG[field.kind], ...(isItem ? [null] : [])]) {
            const answer = await sendBody(endpoint, withValue(endpoint.body, path, value));
            expectRefusal(endpoint, answer, lastName(path));
          }
        });

        it('lacks a required field, or has null for it', async () => {
          for (const path of fieldsThat(({ presence }) => presence === 'required')) {
            const answer = await sendBody(endpoint, without(endpoint.body, path));
            expectRefusal(endpoint, answer, lastName(path));
            const empty = await sendBody(endpoint, withValue(endpoint.body, path, null));
            expectRefusal(endpoint, empty, lastName(path));
          }
        });

        it.each(fieldsThat(({ kind }) => kind === 'string'))(
          'has control characters, half a surrogate pair or too much in %s',
          async (path) => {
            const valid = String(valueAt(endpoint.body, path));
            for (const text of HOSTILE_TEXTS) {
              const answer = await sendBody(endpoint, withValue(endpoint.body, path, valid + text));
              expectRefusal(endpoint, answer, namedBy(path));
            }
          },
        );

        it('nests too deep', async () => {
          for (const depth of [101, 10_000]) {
            const deep = '{"a":'.repeat(depth) + '1' + '}'.repeat(depth);
            expectRefusal(endpoint, await send(endpoint, deep), /nests deeper than 100/);
            expectRefusal(
              endpoint,
              await send(endpoint, '['.repeat(depth)),
              /nests deeper than 100/,
            );
          }
        });

        it('is too large', async () => {
          const raw = JSON.stringify({ ...endpoint.body, more: 'x'.repeat(10_000_000) });
          expectRefusal(endpoint, await send(endpoint, raw), /too large/, 413);
        });

        it('is of another content type, or of none', async () => {
          const raw = new TextEncoder().encode(fill(JSON.stringify(endpoint.body)));
          const types = [
            'application/xml',
            'application/x-www-form-urlencoded',
            'text/html',
            'json',
          ];
          for (const type of [undefined, ...types]) {
            const answer = await pemba.call(endpoint.method, fill(endpoint.path), undefined, {
              raw,
              ...(type !== undefined && { headers: { 'content-type': type } }),
            });
            expectRefusal(endpoint, answer, /content-type/, 415);
          }
        });

        it('gives its members by the prototype', async () => {
          for (const name of ['__proto__', 'constructor', 'prototype']) {
            const raw = `{"${name}":${JSON.stringify(endpoint.body)}}`;
            const answer = await send(endpoint, raw);
            if (endpoint.name === 'read') expectStatus(answer, 200);
            else if (endpoint.name !== 'write') expectRefusal(endpoint, answer, /./);
            else expectRefusal(endpoint, answer, /at least one write/);
          }
        });
      });

      describe('that is accepted', () => {
        it('has null for what is optional', async () => {
          const plain = await sendBody(endpoint, endpoint.body);
          expect(plain.status).toBeLessThan(300);
          for (const path of fieldsThat(({ presence }) => presence === 'optional')) {
            const answer = await sendBody(endpoint, withValue(endpoint.body, path, null));
            expect([path, answer.status, answer.text]).toEqual([
              path,
              plain.status,
              expect.anything(),
            ]);
          }
        });

        it('has members that mean nothing, to which nothing falls prey', async () => {
          const plain = await sendBody(endpoint, endpoint.body);
          const objects = fieldsThat(({ kind, isMap }) => kind === 'object' && isMap !== true);
          for (const path of ['', ...objects]) {
            const body =
              path === ''
                ? withEvil(endpoint.body)
                : withValue(endpoint.body, path, withEvil(valueAt(endpoint.body, path)));
            const answer = await sendBody(endpoint, body);
            if (endpoint.isStrict === true) expectRefusal(endpoint, answer, NOT_KNOWN);
            else expect([path, answer.status]).toEqual([path, plain.status]);
            expect(answer.text).not.toContain('polluted');
          }
          expect(Reflect.get({}, 'polluted')).toBeUndefined();
        });
      });

      it('leaves the server as it was', async () => {
        const more = { authorization_model_id: store.modelId };
        expect(await store.allows(EXPECTED, more)).toBe(true);
        expect(pemba.failures()).toEqual([]);
      });
    },
  );
});
