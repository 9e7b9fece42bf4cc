/** What a backup holds, what becomes of it in a restore, and that nothing comes of half of one. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ImportClient } from '../support/import-client.js';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { until } from '../support/storage.js';
import { sendLines, sha256Of, sorted, textOf, transferOf } from './bulk/transfer.js';
import type { Line, Transfer } from './bulk/transfer.js';
import { Store, expectError, expectStatus, keyOf } from './stores.js';

const MODEL = `model
  schema 1.1
type user
type service
  relations
    define acting_for: [user]
type scope
  relations
    define actor: [service]
type group
  relations
    define member: [user]
type document
  relations
    define printer: [service]
    define viewer: [user, user with limited]
    define editor: [user]
    define can_print: viewer and acting_for from printer
condition limited(limit: int, asked: int) {
  asked <= limit
}
`;

const NAME = 'document:1#viewer@user:anne';
const ATTACHED = {
  'claims-mapping': { tuples: [{ each: 'groups', tuple: 'group:{value}#member@{subject}' }] },
  'delegation-settings': { lifetime: '30s', relations: { 'document#can_print': {} } },
  'authzen-mapping': { types: { document: { actions: ['viewer'] } } },
  'route-table': {
    routes: [{ path: '/d/{id}', methods: ['GET'], require: 'document:{path.id}#viewer' }],
  },
} as const;

describeWithPostgres('a restore', () => {
  let pemba: Pemba;
  let store: Store;
  let backup: Transfer;

  beforeAll(async () => {
    pemba = await startPemba({ PEMBA_AUTHENTICATION: 'keys', PEMBA_REQUEST_TIMEOUT_MS: '2000' });
    store = await Store.with(pemba, MODEL, [
      NAME,
      'document:1#editor@user:ben',
      {
        ...keyOf('document:2#viewer@user:anne'),
        condition: { name: 'limited', context: { limit: 3 } },
        expires_at: '2999-01-01T00:00:00.000Z',
      },
    ]);
    for (const [name, body] of Object.entries(ATTACHED)) {
      expectStatus(await pemba.call('PUT', `${store.path}/${name}`, body), 201);
    }
    const assertions = [{ tuple_key: keyOf(NAME), expectation: true }];
    const path = `${store.path}/assertions/${store.modelId}`;
    expectStatus(await pemba.call('PUT', path, { assertions }), 204);
    const attributes = `${store.path}/attributes/user/anne`;
    expectStatus(await pemba.call('PUT', attributes, { level: 3 }), 204);
    const raw = MODEL.replace('    define editor: [user]\n', '');
    const options = { raw, headers: { 'content-type': 'text/plain' } };
    expectStatus(await store.post('authorization-models', undefined, options), 201);
    backup = await transferOf(pemba, store.path, 'backup');
  });
  afterAll(() => pemba.stop());

  const restore = (raw: string, query = ''): Promise<Answer> =>
    sendLines(pemba, `/restore${query}`, raw);

  const restored = async (raw: string): Promise<Store> => {
    const { json } = expectStatus(await restore(raw), 201);
    return new Store(pemba, { id: json.id, path: `/stores/${json.id}`, modelId: store.modelId });
  };

  const read = async (path: string): Promise<unknown> =>
    expectStatus(await pemba.call('GET', path), 200).json;

  const all = (path: string): Promise<readonly unknown[]> =>
    Promise.all(
      [
        'authorization-models?page_size=100',
        `assertions/${store.modelId}`,
        ...Object.keys(ATTACHED),
      ].map((name) => read(`${path}/${name}`)),
    );

  /** The lines with an end that fits them, or says something else. */
  const sealed = (lines: readonly Line[], end: object = {}): string => {
    const text = textOf(lines);
    return `${text}${textOf([{ end: { ...backup.end, sha256: sha256Of(text), ...end } }])}`;
  };

  const storeCount = async (): Promise<number> => {
    const [row] = await pemba.assembly.database.query(`SELECT count(*)::int AS n FROM store`);
    return Number(row?.['n']);
  };

  it('means the same as the store that it came from', async () => {
    const answer = expectStatus(await restore(backup.answer.text), 201);
    const counts = { models: 6, assertions: 1, tuples: 3, attributes: 1 };
    expect(answer.json).toEqual({
      ...{ id: expect.any(String), name: expect.any(String), revision: 3, ...counts },
    });
    expect(answer.json.id).not.toBe(store.id);
    const path = `/stores/${answer.json.id}`;
    expect(await all(path)).toEqual(await all(store.path));
    const copy = new Store(pemba, { id: answer.json.id, path, modelId: store.modelId });
    const token = answer.headers.get('pemba-consistency-token') ?? '';
    const asked = { tuple_key: keyOf(NAME), authorization_model_id: store.modelId };
    const check = await copy.post('check', asked, {
      headers: { 'pemba-consistency-token': token },
    });
    expect(expectStatus(check, 200).json.allowed).toBe(true);
    expect(await copy.changes()).toHaveLength(3);
    const again = await transferOf(pemba, path, 'backup');
    expect(sorted(again.lines.slice(1))).toEqual(sorted(backup.lines.slice(1)));
    expect(again.end).toMatchObject(counts);
    // Tokens of the old store are none of the new one.
    const old = {
      'pemba-consistency-token': backup.answer.headers.get('pemba-consistency-token') ?? '',
    };
    expect((await copy.post('check', asked, { headers: old })).status).toBe(400);
    await copy.written(['document:3#viewer@user:anne']);
    expect(expectStatus(await copy.get('audit'), 200).json.entries).toEqual(
      expect.arrayContaining([expect.objectContaining({ action: 'store.restore' })]),
    );
  });

  it('that breaks off, or is of something else, leaves nothing', async () => {
    const before = await storeCount();
    const { lines } = backup;
    const [first] = lines as [Line];
    const tuple = lines.find((line) => 'user' in line)!;
    const acting = { user: 'user:anne', relation: 'acting_for', object: 'service:orders' };
    const bad: readonly (readonly [string, string, RegExp])[] = [
      ['nothing', '', /no end/],
      ['no end', textOf(lines), /no end/],
      ['cut', backup.answer.text.slice(0, -30), /malformed JSON/],
      ['another digest', sealed(lines, { sha256: 'x' }), /digest/],
      ['a line less', sealed(lines.slice(0, -1)), /attributes: 1 there should be, 0 arrived/],
      ['a line twice', sealed([...lines.slice(0, -1), tuple, ...lines.slice(-1)]), /twice/],
      ['no store', sealed(lines.slice(1)), /line 1: 'model' is out of place/],
      ['two stores', sealed([first, ...lines]), /line 2: 'store' is out of place/],
      ['a model late', sealed([...lines, lines[1]!]), /'model' is out of place/],
      ['models askew', sealed([first, lines[2]!, lines[1]!]), /order of their ids/],
      ['more behind', `${backup.answer.text}${textOf([tuple])}`, /out of place/],
      ['another revision', sealed(lines, { revision: 9 }), /revision: 9 there should be, 2/],
      ['no line', sealed([...lines, { x: 1 }]), /user: value is required/],
      ['acting for', sealed([...lines.slice(0, -1), acting, ...lines.slice(-1)]), /never stored/],
      [
        'no model',
        sealed([first, { model: { ...(lines[1]?.['model'] as object), body: {} } }]),
        /schema_version/,
      ],
      [
        'a format of later',
        sealed([{ store: { ...(first['store'] as object), format: 2 } }]),
        /format/,
      ],
      ['no name', sealed([{ store: { ...(first['store'] as object), name: '' } }]), /name/],
    ];
    for (const [what, text, message] of bad) {
      const { status, json } = await restore(text);
      expect([what, status, json.message]).toEqual([what, 400, expect.stringMatching(message)]);
    }
    expect(await storeCount()).toBe(before);
  });

  it('of which the connection is cut leaves nothing', async () => {
    const before = await storeCount();
    const client = new ImportClient(pemba.url, 'application/json', 'restore', pemba.adminKey);
    await client.send(textOf(backup.lines));
    await new Promise((resolve) => setTimeout(resolve, 100));
    client.cut();
    await until(async () => {
      const open = await pemba.assembly.database.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL
           AND pid <> pg_backend_pid()`,
      );
      return open.length === 0;
    });
    expect(await storeCount()).toBe(before);
  });

  it('takes the id of the store only where it is free, and from who administers all', async () => {
    const keep = '?keep_id=true';
    expectError(await restore(backup.answer.text, keep), 409, 'store_exists', /is taken/);
    const { json } = expectStatus(
      await pemba.call('POST', '/admin/keys', { name: 'c', roles: [{ role: 'creator' }] }),
      201,
    );
    const headers = { 'content-type': 'application/x-ndjson', authorization: `Bearer ${json.key}` };
    const asCreator = (query: string): Promise<Answer> =>
      pemba.call('POST', `/restore${query}`, undefined, { raw: backup.answer.text, headers });
    expectError(await asCreator(keep), 403, 'forbidden');
    const made = expectStatus(await asCreator(''), 201);
    const mine = { headers: { authorization: `Bearer ${json.key}` } };
    const path = `/stores/${made.json.id}`;
    expectStatus(await pemba.call('GET', path, undefined, mine), 200);
    expectError(
      await pemba.call('GET', `${store.path}/backup`, undefined, mine),
      404,
      'store_id_not_found',
    );
    const { database } = pemba.assembly;
    const other = await restored(backup.answer.text);
    const taken = await transferOf(pemba, other.path, 'backup');
    await pemba.call('DELETE', other.path);
    // Not before its rows are gone.
    expectError(await restore(taken.answer.text, keep), 409, 'store_exists');
    for (const table of ['relation_tuple', 'entity_attributes', 'tuple_change', 'assertion']) {
      await database.query(`DELETE FROM ${table} WHERE store_id = $1`, [other.id]);
    }
    await database.query(`DELETE FROM authorization_model WHERE store_id = $1`, [other.id]);
    await database.query(`DELETE FROM store WHERE store_id = $1`, [other.id]);
    const back = expectStatus(await restore(taken.answer.text, keep), 201);
    expect(back.json.id).toBe(other.id);
    expect(await all(other.path)).toEqual(await all(store.path));
  });

  it('takes no other body, and no other word', async () => {
    expect((await pemba.call('POST', '/restore', { a: 1 })).status).toBe(415);
    expectError(await restore(backup.answer.text, '?keep_id=1'), 400, 'validation_error');
  });
});
