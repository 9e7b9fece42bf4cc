/** Who may write the relations of one module, and would write another's. */
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { Store, keyOf } from './stores.js';

/** Relations of `document` by the module that defines them. */
type Owners = Readonly<Record<string, string>>;

const OWNERS: Owners = { viewer: 'core', approver: 'sales', auditor: 'sales' };

function modelOf(owners: Owners): object {
  const source = (module: string): object => ({ module, source_info: { file: `${module}.fga` } });
  const relations = Object.keys(owners);
  return {
    schema_version: '1.2',
    type_definitions: [
      { type: 'user', metadata: source('core') },
      {
        type: 'document',
        relations: Object.fromEntries(relations.map((name) => [name, { this: {} }])),
        metadata: {
          ...source('core'),
          relations: Object.fromEntries(
            Object.entries(owners).map(([name, module]) => [
              name,
              {
                directly_related_user_types: [{ type: 'user' }],
                ...(module !== 'core' && source(module)),
              },
            ]),
          ),
        },
      },
    ],
  };
}

const MINE = 'document:1#approver@user:anne';
const THEIRS = 'document:1#viewer@user:mallory';
const STORED = 'document:2#viewer@user:ben';

describeWithPostgres('the writer of a module', () => {
  let pemba: Pemba;
  let store: Store;
  let headers: Readonly<Record<string, string>>;

  beforeAll(async () => {
    pemba = await startPemba({ PEMBA_AUTHENTICATION: 'keys' });
  });
  afterAll(() => pemba.stop());

  beforeEach(async () => {
    const { json } = await pemba.call('POST', '/stores', { name: 'modular' });
    const id = String(json.id);
    store = new Store(pemba, { id, path: `/stores/${id}`, modelId: '' });
    await modelled(OWNERS);
    await store.written([STORED]);
    const roles = [{ role: 'writer', store_id: id, module: 'sales' }];
    const made = await pemba.call('POST', '/admin/keys', { name: 'sales', roles });
    headers = { authorization: `Bearer ${String(made.json.key)}` };
  });

  async function modelled(owners: Owners): Promise<string> {
    const { status, json } = await store.post('authorization-models', modelOf(owners));
    expect(status).toBe(201);
    return String(json.authorization_model_id);
  }

  const keys = (...names: readonly string[]): object => ({ tuple_keys: names.map(keyOf) });

  const attempt = (body: object): Promise<Answer> => store.post('write', body, { headers });

  const imported = (names: readonly string[], query = ''): Promise<Answer> =>
    pemba.call('POST', `${store.path}/import${query}`, undefined, {
      raw: names.map((name) => `${JSON.stringify(keyOf(name))}\n`).join(''),
      headers: { ...headers, 'content-type': 'application/x-ndjson' },
    });

  const stored = async (): Promise<readonly string[]> =>
    (await store.read()).map(({ object, relation, user }) => `${object}#${relation}@${user}`);

  async function expectForbidden(answer: Answer): Promise<void> {
    expect([answer.status, answer.json.code]).toEqual([403, 'forbidden']);
    expect(await stored()).toEqual([STORED]);
  }

  it('writes and deletes its own', async () => {
    expect((await attempt({ writes: keys(MINE) })).status).toBe(200);
    expect(await stored()).toContain(MINE);
    expect((await attempt({ deletes: keys(MINE) })).status).toBe(200);
    expect((await imported([MINE])).json).toMatchObject({ written: 1, rejected: 0 });
  });

  it.each([
    ["writes another's", { writes: keys(THEIRS) }],
    ["writes another's beside its own", { writes: keys(MINE, THEIRS) }],
    ["deletes another's", { deletes: keys(STORED) }],
    ["deletes another's beside a write of its own", { writes: keys(MINE), deletes: keys(STORED) }],
    [
      "replaces another's",
      { writes: { tuple_keys: [{ ...keyOf(STORED), expires_at: '2999-01-01T00:00:00Z' }] } },
    ],
    ['deletes what no model has', { deletes: keys('folder:1#viewer@user:ben') }],
    ['deletes what all objects have', { deletes: keys('__proto__:1#constructor@user:ben') }],
  ])('%s, in vain', async (_what, body) => {
    await expectForbidden(await attempt(body));
  });

  it("imports another's in vain", async () => {
    const { status, json } = await imported([THEIRS, MINE, THEIRS]);
    expect([status, json]).toMatchObject([200, { written: 1, rejected: 2 }]);
    expect(await stored()).toEqual([MINE, STORED]);
  });

  it.each([
    ['a relation of its own', { object: 'document:1', relation: 'approver' }],
    ["another's", { relation: 'viewer', object: 'document:' }],
    ['nothing at all', {}],
  ])('deletes by no filter: %s', async (_what, filter) => {
    await expectForbidden(await store.post('delete-by-filter', { filter }, { headers }));
    const dry = await store.post('delete-by-filter', { filter, dry_run: true }, { headers });
    await expectForbidden(dry);
  });

  it('gives no tuples other names', async () => {
    const rename = { type: 'document', relation: 'approver', to: 'viewer', step: 'copy' };
    await expectForbidden(await store.post('rename-tuples', rename, { headers }));
  });

  it('does not write a relation that its module has no longer, by naming an older model', async () => {
    const older = await modelled({ ...OWNERS, viewer: 'sales' });
    await modelled(OWNERS);
    await expectForbidden(await attempt({ writes: keys(THEIRS), authorization_model_id: older }));
    await expectForbidden(await attempt({ deletes: keys(STORED), authorization_model_id: older }));
    const lines = await imported([THEIRS], `?authorization_model_id=${older}`);
    expect([lines.json, await stored()]).toMatchObject([{ written: 0, rejected: 1 }, [STORED]]);
    // Its own it may write under any.
    const own = { writes: keys(MINE), authorization_model_id: older };
    expect((await attempt(own)).status).toBe(200);
  });

  it('reads and changes nothing else of the store', async () => {
    const calls: readonly (readonly [string, string, object?])[] = [
      ['POST', 'read', {}],
      ['GET', 'changes'],
      ['GET', 'authorization-models'],
      ['GET', 'audit'],
      ['POST', 'authorization-models', modelOf({ viewer: 'sales' })],
      ['PUT', 'claims-mapping', {}],
    ];
    for (const [method, endpoint, body] of calls) {
      const { status } = await pemba.call(method, `${store.path}/${endpoint}`, body, { headers });
      expect([endpoint, status]).toEqual([endpoint, 403]);
    }
    const deleted = await pemba.call('DELETE', store.path, undefined, { headers });
    expect(deleted.status).toBe(403);
    // What it may: see the store, and ask.
    expect((await pemba.call('GET', store.path, undefined, { headers })).status).toBe(200);
    const asked = await store.post('check', { tuple_key: keyOf(STORED) }, { headers });
    expect(asked.json.allowed).toBe(true);
  });
});
