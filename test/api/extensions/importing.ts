import { afterEach, describe, expect, it } from '@jest/globals';
import type { Answer, Pemba } from '../../support/pemba.js';
import { Store, expectError, expectStatus, keyOf, nameOf } from '../stores.js';
import type { Tuple } from '../stores.js';

const MODEL = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user, user with limited]
condition limited(limit: int, asked: int) {
  asked <= limit
}
`;

const NAME = 'document:1#viewer@user:anne';
const NDJSON = { 'content-type': 'application/x-ndjson' };

const HOUR = 3_600_000;

const importLines = (store: Store, lines: readonly string[], query = ''): Promise<Answer> =>
  store.post(`import${query}`, undefined, { raw: lines.join('\n'), headers: NDJSON });

const lineOf = (tuple: string | Tuple): string =>
  JSON.stringify(typeof tuple === 'string' ? keyOf(tuple) : tuple);

const importTuples = (store: Store, tuples: readonly (string | Tuple)[]): Promise<Answer> =>
  importLines(store, tuples.map(lineOf));

const written = (count: number): object => ({ written: count, rejected: 0, rejects: [] });

export function describeImporting(pemba: () => Pemba): void {
  describe('import', () => {
    afterEach(() => {
      pemba().clock.goOn();
    });

    it('writes a tuple a line, and answers the revision', async () => {
      const store = await Store.with(pemba(), MODEL);
      const condition = { name: 'limited', context: { limit: 1 } };
      const expires_at = '2999-01-01T00:00:00.000Z';
      const conditional = { ...keyOf('document:2#viewer@user:ben'), condition, expires_at };
      const answer = expectStatus(await importTuples(store, [NAME, conditional]), 200);
      expect(answer.json).toEqual(written(2));
      const token = answer.headers.get('pemba-consistency-token') ?? '';
      const check = await store.post(
        'check',
        { tuple_key: keyOf(NAME) },
        { headers: { 'pemba-consistency-token': token } },
      );
      expect(check.json.allowed).toBe(true);
      expect(check.headers.get('pemba-consistency-token')).toBe(token);
      expect(await store.read()).toEqual([{ ...keyOf(NAME), condition: null }, conditional]);
      expect(await store.changes()).toEqual([NAME, nameOf(conditional)].map((n) => `write ${n}`));
    });

    it('leaves what is stored as it is, so that a part may be sent twice', async () => {
      const store = await Store.with(pemba(), MODEL, [NAME]);
      const condition = { name: 'limited', context: { limit: 1 } };
      const other = 'document:2#viewer@user:anne';
      const first = await importTuples(store, [{ ...keyOf(NAME), condition }, other]);
      expect(first.json).toEqual(written(1));
      const again = await importTuples(store, [NAME, other]);
      expect(again.json).toEqual(written(0));
      expect(again.headers.get('pemba-consistency-token')).toBe(
        first.headers.get('pemba-consistency-token'),
      );
      expect(await store.changes()).toEqual([`write ${NAME}`, `write ${other}`]);
      expect(await store.read({ object: 'document:1' })).toMatchObject([{ condition: null }]);
    });

    it('writes a line that stands there twice once', async () => {
      const store = await Store.with(pemba(), MODEL);
      const { json } = expectStatus(await importTuples(store, [NAME, NAME]), 200);
      expect(json).toEqual(written(1));
      expect(await store.changes()).toEqual([`write ${NAME}`]);
    });

    it('tells which lines it did not take, and takes the others', async () => {
      const store = await Store.with(pemba(), MODEL);
      const key = keyOf(NAME);
      const past = new Date(pemba().clock.now() - 1).toISOString();
      const bad: readonly (readonly [string, RegExp])[] = [
        ['no JSON', /malformed JSON/],
        ['null', /must be object/],
        ['[]', /must be object/],
        ['{}', /user: value is required/],
        [lineOf({ ...key, relation: 'none' }), /document#none/],
        [lineOf({ ...key, user: 'document:1' }), /type restrictions/],
        [lineOf({ ...key, user: 'user:a\u0000' }), /user: /],
        [lineOf({ ...key, object: 'document:\ud800' }), /object: /],
        [lineOf({ ...key, expires_at: past }), /expires_at/],
        [`{"__proto__":${lineOf(NAME)}}`, /user: value is required/],
        [
          `${lineOf(NAME).slice(0, -1)},"condition":{"name":"limited","context":{"limit":1e400}}}`,
          /too large/,
        ],
        ['['.repeat(200), /nests deeper/],
      ];
      const lines = ['', ...bad.map(([line]) => line), '  ', `${lineOf(NAME)}\r`];
      const { json } = expectStatus(await importLines(store, lines), 200);
      expect(json).toEqual({
        written: 1,
        rejected: bad.length,
        rejects: bad.map(([, message], i) => ({
          line: i + 2,
          message: expect.stringMatching(message),
        })),
      });
      expect(await store.changes()).toEqual([`write ${NAME}`]);
    });

    it('tells the first hundred of many bad lines', async () => {
      const store = await Store.with(pemba(), MODEL);
      const lines = Array.from({ length: 150 }, () => '{}');
      const { json } = expectStatus(await importLines(store, lines), 200);
      expect(json).toMatchObject({ written: 0, rejected: 150 });
      expect(json.rejects).toHaveLength(100);
    });

    it('keeps every character of an id', async () => {
      const store = await Store.with(pemba(), MODEL);
      const ids = [
        '\\',
        '\\N',
        '\\.',
        '\\t',
        '"',
        "'",
        '{',
        ',',
        '%',
        '\u{1F4A9}',
        'é',
        '$1',
        '\\\\x41',
      ];
      const names = ids.map((id) => `document:${id}#viewer@user:${id}`);
      const { json } = expectStatus(await importTuples(store, names), 200);
      expect(json).toEqual(written(ids.length));
      expect((await store.read()).map(nameOf).sort()).toEqual([...names].sort());
      for (const name of names) expect(await store.allows(name)).toBe(true);
    });

    it('takes more than fit into one transaction', async () => {
      const store = await Store.with(pemba(), MODEL);
      const names = Array.from({ length: 10_001 }, (_, i) => `document:${i}#viewer@user:anne`);
      const { json } = expectStatus(await importTuples(store, names), 200);
      expect(json).toEqual(written(names.length));
      expect(await store.allows('document:10000#viewer@user:anne')).toBe(true);
    });

    it('writes again what has expired', async () => {
      const store = await Store.with(pemba(), MODEL);
      const instant = pemba().clock.now() + HOUR;
      const expiring = { ...keyOf(NAME), expires_at: new Date(instant).toISOString() };
      await store.written([expiring]);
      pemba().clock.stopAt(instant);
      expect(await store.allows(NAME)).toBe(false);
      const { json } = expectStatus(await importTuples(store, [NAME]), 200);
      expect(json).toEqual(written(1));
      expect(await store.allows(NAME)).toBe(true);
    });

    it('holds the tuples to the model that is asked for', async () => {
      const store = await Store.with(pemba(), MODEL);
      const raw = MODEL.replace('[user, user with limited]', '[user with limited]');
      const options = { raw, headers: { 'content-type': 'text/plain' } };
      expectStatus(await store.post('authorization-models', undefined, options), 201);
      const newest = await importTuples(store, [NAME]);
      expect(newest.json).toMatchObject({ written: 0, rejected: 1 });
      const query = `?authorization_model_id=${store.modelId}`;
      expect((await importLines(store, [lineOf(NAME)], query)).json).toEqual(written(1));
      for (const [id, code] of [
        ['01ARZ3NDEKTSV4RRFFQ69G5FAV', 'authorization_model_not_found'],
        ['x', 'validation_error'],
        [`${store.modelId}&authorization_model_id=x`, 'validation_error'],
      ] as const) {
        const answer = await importLines(store, [lineOf(NAME)], `?authorization_model_id=${id}`);
        expectError(answer, 400, code);
      }
    });

    it('takes nothing but lines of JSON', async () => {
      const store = await Store.with(pemba(), MODEL);
      for (const type of ['application/json', 'text/plain', 'application/xml']) {
        const options = { raw: lineOf(NAME), headers: { 'content-type': type } };
        const answer = await store.post('import', undefined, options);
        expectError(answer, 415, 'validation_error');
      }
      const check = { raw: JSON.stringify({ tuple_key: keyOf(NAME) }), headers: NDJSON };
      expect((await store.post('check', undefined, check)).status).toBe(415);
      expect(await store.read()).toEqual([]);
    });
  });
}
