/**
 * A relation and a type get other names, in random small stores and batches of two: whenever the
 * command has changed something, every name that the newest model has answers as before.
 */
import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Api } from '../../../src/cli/api.js';
import type { Json } from '../../../src/cli/api.js';
import { migrate } from '../../../src/cli/schema/migrate.js';
import type { Migration, Outcome } from '../../../src/cli/schema/migrate.js';
import type { Rename } from '../../../src/tuple/rename.js';
import { startPemba } from '../../support/pemba.js';
import type { Pemba, TestStore } from '../../support/pemba.js';
import { describeWithPostgres } from '../../support/postgres.js';
import { until } from '../../support/storage.js';
import { COMMAND, runCommand } from '../../support/command.js';

const MODEL = `model
  schema 1.1
type user
type group
  relations
    define member: [user, document#viewer]
type folder
  relations
    define viewer: [user]
    define banned: [user, document#viewer]
type document
  relations
    define parent: [document, folder]
    define blocked: [user]
    define viewer: ([user, user:*, user with small, group#member, document#viewer] or viewer from parent) but not blocked
    define editor: [user] and viewer
condition small(n: int) {
  n < 5
}
`;
const RELATION: Rename = { type: 'document', relation: 'viewer', to: 'reader' };
const TYPE: Rename = { type: 'document', to: 'page' };

const IDS = ['1', '2'] as const;
const users = IDS.map((id) => `user:${id}`);
const documents = IDS.map((id) => `document:${id}`);
const groups = IDS.map((id) => `group:${id}#member`);
const viewers = documents.map((document) => `${document}#viewer`);
const RULES = [
  { objects: documents, relation: 'parent', subjects: [...documents, 'folder:1', 'folder:2'] },
  { objects: documents, relation: 'blocked', subjects: users },
  { objects: documents, relation: 'editor', subjects: users },
  {
    objects: documents,
    relation: 'viewer',
    subjects: [...users, 'user:*', ...groups, ...viewers],
  },
  { objects: ['group:1', 'group:2'], relation: 'member', subjects: [...users, ...viewers] },
  { objects: ['folder:1', 'folder:2'], relation: 'viewer', subjects: users },
  { objects: ['folder:1', 'folder:2'], relation: 'banned', subjects: [...users, ...viewers] },
];

interface Tuple {
  readonly object: string;
  readonly relation: string;
  readonly user: string;
  readonly condition?: object;
  readonly expires_at?: string;
}

const ALL: readonly Tuple[] = RULES.flatMap(({ objects, relation, subjects }) =>
  objects.flatMap((object) => subjects.map((user) => ({ object, relation, user }))),
).filter(({ object, relation, user }) => user !== `${object}#${relation}`);

const tuples = fc.subarray([...ALL], { minLength: 1, maxLength: 24 }).chain((chosen) =>
  fc.tuple(
    ...chosen.map((tuple) =>
      fc.integer({ min: 0, max: 3 }).map((kind): Tuple => {
        if (kind === 0) return { ...tuple, expires_at: '2999-01-01T00:00:00Z' };
        const isPlain = kind > 1 || tuple.relation !== 'viewer' || !tuple.user.startsWith('user:');
        if (isPlain || tuple.user === 'user:*' || !tuple.object.startsWith('document'))
          return tuple;
        return { ...tuple, condition: { name: 'small', context: { n: 7 } } };
      }),
    ),
  ),
);

/** Substitutes names as a rename does. */
const named = (text: string, { type, relation, to }: Rename): string =>
  relation === undefined
    ? text.replace(`${type}:`, `${to}:`)
    : text.replace(new RegExp(`^(${type}:[^#]*#)${relation}$`), `$1${to}`);

describeWithPostgres('a migration of names', () => {
  let pemba: Pemba;
  beforeAll(async () => {
    pemba = await startPemba({ PEMBA_BATCH_SIZE: '2' });
  });
  afterAll(() => pemba.stop());

  const modelIn = async ({ path }: TestStore): Promise<Json> =>
    (await pemba.call('GET', `${path}/authorization-models?page_size=1`)).json
      .authorization_models[0] as Json;
  const hasName = (model: Json, type: string, relation: string): boolean =>
    (model['type_definitions'] as readonly { type: string; relations: object }[]).some(
      (each) => each.type === type && relation in each.relations,
    );

  /** Every check of users and usersets, of old names, or of the new ones where the model has them. */
  async function answers(
    store: TestStore,
    rename?: Rename,
  ): Promise<readonly unknown[] | undefined> {
    const model = await modelIn(store);
    const checks = [...documents, 'folder:1', 'folder:2', 'group:1', 'group:2'].flatMap((object) =>
      ['viewer', 'editor', 'blocked', 'banned', 'member'].flatMap((relation) => {
        const [type = ''] = object.split(':');
        const set = `${object}#${relation}`;
        const [newObject = '', newRelation = ''] = rename
          ? named(rename.relation === undefined ? object : set, rename).split('#')
          : [];
        const key = rename
          ? { object: newObject, relation: rename.relation === undefined ? relation : newRelation }
          : { object, relation };
        const [keyType = ''] = key.object.split(':');
        if (!RULES_OF.has(`${type}#${relation}`)) return [];
        return users.map((user) => ({
          ...key,
          user,
          isThere: hasName(model, keyType, key.relation),
        }));
      }),
    );
    if (checks.some(({ isThere }) => !isThere)) return undefined;
    const { json } = await pemba.call('POST', `${store.path}/batch-check`, {
      checks: checks.map(({ object, relation, user }, i) => ({
        tuple_key: { object, relation, user },
        context: { n: 1 },
        correlation_id: String(i),
      })),
    });
    return checks.map((_, i) => json.result[String(i)]?.allowed as unknown);
  }
  const RULES_OF = new Set(
    RULES.flatMap(({ objects, relation }) =>
      objects.map((o) => `${o.split(':')[0] ?? ''}#${relation}`),
    ),
  );

  async function storedIn({ path }: TestStore): Promise<readonly string[]> {
    const found: string[] = [];
    let token = '';
    do {
      const { json } = await pemba.call('POST', `${path}/read`, { continuation_token: token });
      for (const { key } of json.tuples as readonly { key: Tuple }[]) {
        found.push(
          JSON.stringify([key.object, key.relation, key.user, key.condition, key.expires_at]),
        );
      }
      token = String(json.continuation_token);
    } while (token !== '');
    return found.sort();
  }

  async function storeOf(given: readonly Tuple[]): Promise<TestStore> {
    const store = await pemba.storeWith(MODEL);
    const answer = await pemba.call('POST', `${store.path}/write`, {
      writes: { tuple_keys: given },
    });
    expect(answer.status).toBe(200);
    return store;
  }

  const SILENT: Migration['output'] = {
    json: false,
    write: () => undefined,
    note: () => undefined,
    paint: (_style, text) => text,
    progress: () => Promise.resolve({ update: () => undefined, stop: () => undefined }),
  };
  const run = (
    { id }: TestStore,
    rename: Rename,
    after: (path: string) => Promise<void>,
    keepOld = false,
  ): Promise<Outcome> => {
    const watched: typeof fetch = async (url, init) => {
      const response = await fetch(url, init);
      await after(new URL(response.url).pathname);
      return response;
    };
    const api = new Api({ url: pemba.url, key: undefined, fetch: watched });
    const migration = { api, store: id, output: SILENT, rename, waiting: undefined };
    return migrate(migration, { keepOld });
  };

  it.each([
    ['relation', RELATION, 12],
    ['type', TYPE, 12],
  ] as const)(
    'of a %s changes no answer at any moment',
    async (_what, rename, numRuns) => {
      await fc.assert(
        fc.asyncProperty(tuples, async (given) => {
          const store = await storeOf(given);
          const before = await answers(store);
          const expected = (await storedIn(store)).map((line) => renamedLine(line, rename)).sort();
          let seen = 0;
          await run(store, rename, async () => {
            const old = await answers(store);
            const next = await answers(store, rename);
            expect([old, next]).toEqual([old && before, next && before]);
            if (old !== undefined && next !== undefined) seen++;
          });
          expect(await answers(store, rename)).toEqual(before);
          expect(await answers(store)).toBeUndefined();
          expect(await storedIn(store)).toEqual(expected);
          // Of a relation both are there for a while.
          expect(seen > 0).toBe(rename.relation !== undefined);
        }),
        { numRuns },
      );
    },
    120_000,
  );

  const renamedLine = (line: string, rename: Rename): string => {
    const [object, relation, user, ...rest] = JSON.parse(line) as [string, string, string];
    const [newObject = '', newRelation = relation] =
      rename.relation === undefined
        ? [named(object, rename), relation]
        : named(`${object}#${relation}`, rename).split('#');
    return JSON.stringify([newObject, newRelation, named(user, rename), ...rest]);
  };

  it('lets nothing count that had the new name before, and no grant outlive its deletion', async () => {
    const store = await storeOf([
      { object: 'document:1', relation: 'viewer', user: 'user:1' },
      { object: 'document:2', relation: 'viewer', user: 'user:2' },
    ]);
    await pemba.assembly.database.query(
      `INSERT INTO relation_tuple SELECT store_id, object_type, object_id, 'reader', subject_type,
         '9', subject_relation, condition_name, condition_context, expires_at, written_at
       FROM relation_tuple WHERE store_id = $1`,
      [store.id],
    );
    let isTaken = false;
    await run(store, RELATION, async (path) => {
      if (isTaken || !path.endsWith('rename-tuples')) return;
      isTaken = true;
      // A copy of it has just been made.
      const taken = { user: 'user:2', relation: 'viewer', object: 'document:2' };
      await pemba.call('POST', `${store.path}/write`, { deletes: { tuple_keys: [taken] } });
    });
    expect(isTaken).toBe(true);
    expect(
      (await storedIn(store)).map((line) => (JSON.parse(line) as string[]).slice(0, 3)),
    ).toEqual([['document:1', 'reader', 'user:1']]);
  });

  it('stops with both names where the old one is kept, moves attributes, and is told what else says it', async () => {
    const store = await storeOf([{ object: 'document:1', relation: 'viewer', user: 'user:1' }]);
    await pemba.call('PUT', `${store.path}/attributes/document/1`, { colour: 'red' });
    const routes = [{ path: '/d/{id}', methods: ['GET'], require: 'document:{path.id}#viewer' }];
    expect((await pemba.call('PUT', `${store.path}/route-table`, { routes })).status).toBe(201);
    const kept = await run(store, RELATION, () => Promise.resolve(), true);
    expect(kept).toMatchObject({ copied: 1, deleted: 0, look_at: [] });
    expect(await modelIn(store)).toMatchObject({
      route_table: { routes: [{ require: 'document:{path.id}#reader' }] },
    });
    expect(await answers(store)).toEqual(await answers(store, RELATION));
    const done = await run(store, RELATION, () => Promise.resolve());
    expect(done).toMatchObject({ copied: 0, deleted: 1 });
    await run(store, TYPE, () => Promise.resolve());
    const attributes = (type: string) => pemba.call('GET', `${store.path}/attributes/${type}/1`);
    expect((await attributes('page')).json).toEqual({ colour: 'red' });
    expect((await attributes('document')).status).toBe(404);
  });

  describe('by the command', () => {
    const env = (): Readonly<Record<string, string>> => ({
      PEMBA_URL: pemba.url,
      PEMBA_API_KEY: '',
    });
    const args = (store: TestStore): readonly string[] => [
      ...['schema', 'migrate', 'rename-relation', 'document#viewer', 'reader'],
      ...['--store', store.id],
    ];

    it('is shown before it is done', async () => {
      const store = await storeOf([{ object: 'document:1', relation: 'viewer', user: 'user:1' }]);
      const shown = await runCommand([...args(store), '--dry-run'], { env: env() });
      expect(shown).toMatchObject({ exitCode: 0, err: '' });
      expect(shown.out).toMatch(/# model 1 of 3[^]*define reader: viewer\n[^]*# model 2 of 3/);
      expect(shown.out).toContain('1 tuples (and attributes) would be copied first');
      expect((await modelIn(store))['id']).toBe(store.modelId);
    });

    it('goes on where a killed one ended', async () => {
      const store = await storeOf(ALL);
      const before = await answers(store);
      const stored = await storedIn(store);
      for (let kills = 0; kills < 3; kills++) {
        const count = (await storedIn(store)).length;
        const child = spawn(process.execPath, [COMMAND, ...args(store)], {
          env: { ...process.env, ...env() },
          stdio: 'ignore',
        });
        const exited = new Promise((resolve) => child.once('exit', resolve));
        await until(
          async () => child.exitCode !== null || (await storedIn(store)).length !== count,
        );
        child.kill('SIGKILL');
        await exited;
        expect((await answers(store)) ?? (await answers(store, RELATION))).toEqual(before);
      }
      const done = await runCommand(args(store), { env: env() });
      expect(done).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^[0-9A-Z]{26}\n$/) });
      expect(await answers(store, RELATION)).toEqual(before);
      expect(await storedIn(store)).toEqual(
        stored.map((line) => renamedLine(line, RELATION)).sort(),
      );
    });

    it.each([
      ['document', 'x', /is not type#relation/],
      ['document#absent', 'x', /has no relation 'absent'/],
      ['document#viewer', 'editor', /neither is only the other one/],
    ])('refuses %s', async (from, to, message) => {
      const store = await pemba.storeWith(MODEL);
      const names = ['schema', 'migrate', 'rename-relation', from, to, '--store', store.id];
      const refused = await runCommand(names, { env: env() });
      expect(refused).toMatchObject({ exitCode: 2, err: expect.stringMatching(message) });
    });
  });
});
