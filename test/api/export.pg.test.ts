/** What comes out of a store, and that an import makes the same of it. */
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { startPemba } from '../support/pemba.js';
import type { Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { until } from '../support/storage.js';
import { sendLines, sorted, textOf, transferOf } from './bulk/transfer.js';
import type { Line } from './bulk/transfer.js';
import { Store, expectError, expectStatus, keyOf } from './stores.js';

const MODEL = `model
  schema 1.1
type user
type service
  relations
    define acting_for: [user]
type group
  relations
    define member: [user]
type document
  relations
    define viewer: [user, user:*, user with limited, group#member]
    define editor: [user]
condition limited(limit: int, names: list<string>) {
  limit > 0 && "a" in names
}
`;

const MAX_AT_ONCE = 2;
const HOUR = 3_600_000;
/** Entities of 30 kB. */
const LARGE = 1500;

const NAME = 'document:1#viewer@user:anne';

const id = fc.oneof(
  fc.stringMatching(/^[a-z0-9]{1,4}$/),
  fc.constantFrom('"', '\\', '\\N', '{', "'", '%', 'é', '\u{1F4A9}', '\\\\x41', 'a\\tb'),
);
const value = fc.oneof(
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.string(),
  fc.array(fc.string(), { maxLength: 3 }),
);
const tuple: fc.Arbitrary<Line> = fc.record(
  {
    user: fc.oneof(
      id.map((name) => `user:${name}`),
      id.map((name) => `group:${name}#member`),
      fc.constant('user:*'),
    ),
    relation: fc.constant('viewer'),
    object: id.map((name) => `document:${name}`),
    expires_at: fc
      .date({ min: new Date('2100-01-01'), max: new Date('2900-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString()),
  },
  { requiredKeys: ['user', 'relation', 'object'] },
);
const conditional: fc.Arbitrary<Line> = fc.record({
  user: id.map((name) => `user:${name}`),
  relation: fc.constant('viewer'),
  object: id.map((name) => `document:c${name}`),
  condition: fc.record({
    name: fc.constant('limited'),
    context: fc.record({
      limit: fc.integer(),
      names: fc.array(fc.stringMatching(/^[ -~é]*$/), { maxLength: 3 }),
    }),
  }),
});
const entity: fc.Arbitrary<Line> = fc.record({
  entity: id.map((name) => `document:${name}`),
  attributes: fc.dictionary(fc.stringMatching(/^[a-z"\\é]{1,3}$/), value, { maxKeys: 4 }),
});

/** Lines of which no two are about the same. */
const contents = fc.uniqueArray(fc.oneof(tuple, conditional, entity), {
  maxLength: 40,
  selector: ({ user, relation, object, entity: of }) =>
    JSON.stringify([user, relation, object, of]),
});

describeWithPostgres('an export', () => {
  let pemba: Pemba;
  beforeAll(async () => {
    pemba = await startPemba({
      PEMBA_MAX_SNAPSHOTS: String(MAX_AT_ONCE),
      PEMBA_REQUEST_TIMEOUT_MS: '2000',
    });
  });
  afterAll(() => pemba.stop());
  afterEach(() => {
    pemba.clock.goOn();
  });

  /** The answer as soon as it begins, with nothing read of it. */
  const opened = ({ path }: Store): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      get(`${pemba.url}${path}/export`, { agent: false }, resolve).on('error', reject);
    });

  const snapshots = async (): Promise<number> => {
    const rows = await pemba.assembly.database.query(
      `SELECT FROM pg_stat_activity
       WHERE datname = current_database() AND query LIKE 'COPY (SELECT%' AND state <> 'idle'`,
    );
    return rows.length;
  };

  /** More than sockets and PostgreSQL hold between them. */
  async function large(): Promise<Store> {
    const store = await Store.with(pemba, MODEL);
    await pemba.assembly.database.query(
      `INSERT INTO entity_attributes
       SELECT $1, 'document', 'd' || i, json_build_object('text', repeat('x', 30000)), now()
       FROM generate_series(1, ${LARGE}) AS i`,
      [store.id],
    );
    return store;
  }

  it('is of one revision, tells it, and ends with what there should be', async () => {
    const store = await Store.with(pemba, MODEL, [NAME]);
    const { headers } = await store.written(['document:2#viewer@user:*']);
    const { answer, lines, end } = await transferOf(pemba, store.path, 'export');
    expect(sorted(lines)).toEqual(
      sorted([keyOf(NAME), keyOf('document:2#viewer@user:*')].map(asLine)),
    );
    expect(end).toEqual({ revision: 2, tuples: 2, attributes: 0, sha256: expect.any(String) });
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson');
    expect(answer.headers.get('openfga-store-id')).toBe(store.id);
    const token = 'pemba-consistency-token';
    expect(answer.headers.get(token)).toBe(headers.get(token));
  });

  const asLine = (key: object): Line => ({ ...key });

  it('of an empty store is no more than its end', async () => {
    const store = await Store.with(pemba, MODEL);
    const { lines, end } = await transferOf(pemba, store.path, 'export');
    expect([lines, end]).toEqual([[], expect.objectContaining({ revision: 0, tuples: 0 })]);
  });

  it('is what an import makes of it, whatever it holds', async () => {
    await fc.assert(
      fc.asyncProperty(contents, async (all) => {
        const [first, second] = [await Store.with(pemba, MODEL), await Store.with(pemba, MODEL)];
        const sent = expectStatus(await sendLines(pemba, `${first.path}/import`, textOf(all)), 200);
        expect(sent.json).toEqual({ written: all.length, rejected: 0, rejects: [] });
        const { answer, lines } = await transferOf(pemba, first.path, 'export');
        expect(sorted(lines)).toEqual(sorted(all));
        const copied = await sendLines(pemba, `${second.path}/import`, answer.text);
        expect(expectStatus(copied, 200).json).toMatchObject({ written: all.length, rejected: 0 });
        const copy = await transferOf(pemba, second.path, 'export');
        expect(sorted(copy.lines)).toEqual(sorted(all));
      }),
      { numRuns: 25 },
    );
  });

  it('holds what the newest model does not admit, and an import rejects that', async () => {
    const store = await Store.with(pemba, MODEL, [NAME, 'document:1#editor@user:ben']);
    const raw = MODEL.replace('    define editor: [user]\n', '');
    const options = { raw, headers: { 'content-type': 'text/plain' } };
    expectStatus(await store.post('authorization-models', undefined, options), 201);
    const { answer, lines } = await transferOf(pemba, store.path, 'export');
    expect(lines).toHaveLength(2);
    const other = await Store.with(pemba, raw);
    const { json } = await sendLines(pemba, `${other.path}/import`, answer.text);
    expect(json).toMatchObject({
      written: 1,
      rejected: 1,
      rejects: [{ line: expect.any(Number) }],
    });
  });

  it('leaves out what has expired, and that a service acts for somebody', async () => {
    const store = await Store.with(pemba, MODEL);
    const instant = pemba.clock.now() + HOUR;
    await store.written([{ ...keyOf(NAME), expires_at: new Date(instant).toISOString() }]);
    await pemba.assembly.database.query(
      `INSERT INTO relation_tuple VALUES ($1, 'service', 'orders', 'acting_for', 'user', 'anne', '',
         NULL, NULL, NULL, now())`,
      [store.id],
    );
    expect((await transferOf(pemba, store.path, 'export')).lines).toHaveLength(1);
    pemba.clock.stopAt(instant);
    const { lines, end } = await transferOf(pemba, store.path, 'export');
    expect([lines, end]).toEqual([[], expect.objectContaining({ tuples: 0 })]);
  });

  it('waits for its reader, and ends with it', async () => {
    const store = await large();
    const readers = [await opened(store), await opened(store)];
    await until(async () => (await snapshots()) === MAX_AT_ONCE);
    // More than so many at once are not given out.
    expectError(await store.get('export'), 503, 'resource_exhausted', /try again/);
    // Writes go on meanwhile, and are not in it.
    await store.written([NAME]);
    readers[0]?.destroy();
    await until(async () => (await snapshots()) === 1);
    let text = '';
    for await (const piece of readers[1] ?? []) text += String(piece);
    expect(JSON.parse(text.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
      end: { revision: 0, attributes: LARGE },
    });
    await until(async () => (await snapshots()) === 0);
    expect((await transferOf(pemba, store.path, 'export')).end).toMatchObject({ revision: 1 });
    expect(pemba.failures()).toEqual([]);
  });

  it('is cut off when its reader takes nothing', async () => {
    const reader = await opened(await large());
    const cut = new Promise((resolve) => reader.once('error', resolve));
    await until(async () => (await snapshots()) === 1);
    await until(async () => (await snapshots()) === 0);
    reader.resume();
    expect(await cut).toBeDefined();
  });

  it('ends with an error where it takes too long', async () => {
    const reader = await opened(await large());
    pemba.clock.pass(HOUR);
    let text = '';
    for await (const piece of reader) text += String(piece);
    expect(JSON.parse(text.trimEnd().split('\n').at(-1) ?? '')).toEqual({
      error: { code: 'deadline_exceeded', message: expect.stringMatching(/SNAPSHOT_TIMEOUT=10m/) },
    });
    await until(async () => (await snapshots()) === 0);
  });

  it('that broke off is noticed by the import of it', async () => {
    const store = await Store.with(pemba, MODEL);
    const text = `${textOf([keyOf(NAME)])}${textOf([{ error: { code: 'x', message: 'y' } }])}`;
    const { json } = await sendLines(pemba, `${store.path}/import`, text);
    expect(json).toEqual({
      written: 1,
      rejected: 1,
      rejects: [{ line: 2, message: expect.stringMatching(/did not end well/) }],
    });
  });
});

describeWithPostgres('an import of attributes', () => {
  let pemba: Pemba;
  beforeAll(async () => {
    pemba = await startPemba({ PEMBA_MAX_ATTRIBUTES_BYTES: '100' });
  });
  afterAll(() => pemba.stop());

  it('leaves what an entity has, and takes no bad line', async () => {
    const store = await Store.with(pemba, MODEL);
    const path = `${store.path}/import`;
    const line = (entity: string, attributes: unknown): object => ({ entity, attributes });
    const first = [line('user:anne', { level: 1 }), keyOf(NAME), line('user:anne', { level: 2 })];
    expect((await sendLines(pemba, path, textOf(first))).json).toMatchObject({ written: 2 });
    const second = [line('user:anne', { level: 3 }), line('user:ben', { level: 4 }), keyOf(NAME)];
    expect((await sendLines(pemba, path, textOf(second))).json).toMatchObject({ written: 1 });
    const { lines } = await transferOf(pemba, store.path, 'export');
    expect(sorted(lines)).toEqual(
      sorted([
        { ...keyOf(NAME) },
        { entity: 'user:anne', attributes: { level: 1 } },
        { entity: 'user:ben', attributes: { level: 4 } },
      ]),
    );
    const bad: readonly (readonly [object, RegExp])[] = [
      [line('none:1', {}), /type 'none' not found/],
      [line('user', {}), /not of the form/],
      [line('user:*', {}), /not of the form/],
      [line('user:a', []), /must be object/],
      [{ entity: 'user:a' }, /attributes: value is required/],
      [line('user:a', { a: 'x'.repeat(100) }), /size limit exceeded/],
      [line('user:a', { a: [[[[[[1]]]]]] }), /nested deeper/],
    ];
    const { json } = await sendLines(pemba, path, textOf(bad.map(([one]) => one)));
    expect(json).toEqual({
      written: 0,
      rejected: bad.length,
      rejects: bad.map(([, message], i) => ({
        line: i + 1,
        message: expect.stringMatching(message),
      })),
    });
  });

  it('of which all is stored already changes nothing', async () => {
    const store = await Store.with(pemba, MODEL);
    const text = textOf([{ entity: 'user:anne', attributes: { level: 1 } }]);
    await sendLines(pemba, `${store.path}/import`, text);
    const again = await sendLines(pemba, `${store.path}/import`, text);
    expect(again.json).toMatchObject({ written: 0, rejected: 0 });
    expect((await transferOf(pemba, store.path, 'export')).end).toMatchObject({ revision: 1 });
  });
});
