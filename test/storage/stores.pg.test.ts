/** Stores and what stands beside their tuples: models, assertions, settings; and their end. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ModelId, StoreId } from '../../src/ids.js';
import { findAssertions, replaceAssertions } from '../../src/storage/assertions.js';
import type { Database } from '../../src/storage/database.js';
import { findModel, insertModel, listModels } from '../../src/storage/models.js';
import type { NewModel, StoredModel } from '../../src/storage/models.js';
import { purgeDeletedStore } from '../../src/storage/purge.js';
import { claimSetting, putSetting } from '../../src/storage/settings.js';
import { findStore, insertStore, listStores } from '../../src/storage/stores.js';
import type { Store } from '../../src/storage/stores.js';
import { softDeleteStore, storeHeads } from '../../src/storage/stores.js';
import { writeTuples } from '../../src/storage/write-tuples.js';
import { describeWithPostgres } from '../support/postgres.js';
import { newId, newStore, openStorage, request, tuple } from '../support/storage.js';
import type { TestStorage } from '../support/storage.js';

let storage: TestStorage;
let database: Database;
beforeAll(async () => {
  storage = await openStorage();
  database = storage.database;
});
afterAll(() => storage.close());

const modelOf = (id: string, body: unknown = {}, attachments = {}): NewModel => ({
  id: id as ModelId,
  body,
  attachments,
  metadata: {},
});

async function newModel(storeId: StoreId, body: unknown = {}): Promise<ModelId> {
  const model = modelOf(newId(), body);
  expect(await insertModel(database, storeId, () => model, { now: new Date() })).toBe(model);
  return model.id;
}

/** Reads page after page until one is empty; `between` happens after each. */
async function walk<Item>(
  read: (last: Item | undefined) => Promise<readonly Item[]>,
  between: () => Promise<unknown>,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  for (;;) {
    const page = await read(items.at(-1));
    if (page.length === 0) return items;
    items.push(...page);
    await between();
  }
}

describeWithPostgres('stores', () => {
  it('are found by id until they are deleted', async () => {
    const store = {
      id: newId() as StoreId,
      name: 'the shop',
      createdAt: new Date('2026-01-01T00:00:00.123Z'),
      updatedAt: new Date('2026-01-02T00:00:00.456Z'),
    };
    await insertStore(database, store);
    expect(await findStore(database, store.id)).toEqual(store);
    await insertStore(database, { ...store, name: 'again' });
    expect(await findStore(database, store.id)).toEqual(store);
    await softDeleteStore(database, store.id, new Date());
    await softDeleteStore(database, store.id, new Date());
    expect(await findStore(database, store.id)).toBeUndefined();
    expect(await storeHeads(database, [store.id])).toEqual(new Map());
  });

  it('have a head: the newest revision and the newest model', async () => {
    const storeId = await newStore(database);
    const head = async (): Promise<unknown> => (await storeHeads(database, [storeId])).get(storeId);
    expect(await head()).toMatchObject({ revision: 0, newestModel: undefined });
    const model = await newModel(storeId);
    const writes = [tuple('document:1#viewer@user:a')];
    await writeTuples(database, storeId, [request({ writes })], new Date());
    expect(await head()).toMatchObject({ revision: 1, newestModel: model });
    // Made by a process whose clock is behind.
    await insertModel(database, storeId, () => modelOf('0'.repeat(26)), { now: new Date() });
    expect(await head()).toMatchObject({ revision: 1, newestModel: model });
  });

  it('have a key each, of 32 bytes, which stays', async () => {
    const ids = [await newStore(database), await newStore(database)];
    const keys = async (): Promise<readonly string[]> =>
      [...(await storeHeads(database, ids)).values()].map(({ tokenKey }) =>
        Buffer.from(tokenKey).toString('hex'),
      );
    const before = await keys();
    expect(before).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), expect.any(String)]);
    expect(before[0]).not.toBe(before[1]);
    await writeTuples(
      database,
      ids[0]!,
      [request({ writes: [tuple('document:1#viewer@user:a')] })],
      new Date(),
    );
    expect(await keys()).toEqual(before);
  });

  it('are listed in pages that neither skip nor repeat when stores come and go', async () => {
    const start = newId();
    const ids: StoreId[] = [];
    for (let i = 0; i < 7; i += 1) ids.push(await newStore(database));
    const listed = await walk(
      (last: Store | undefined) => listStores(database, { after: last?.id ?? start, limit: 2 }),
      async () => {
        if (ids.length < 9) ids.push(await newStore(database));
        await softDeleteStore(database, ids[0]!, new Date());
      },
    );
    expect(listed.map(({ id }) => id)).toEqual(ids);
  });

  it('are listed by name, which need not be unique', async () => {
    const [one, two] = [await newStore(database, 'twin'), await newStore(database, 'twin')];
    await newStore(database, 'Twin');
    await softDeleteStore(database, await newStore(database, 'twin'), new Date());
    const named = async (after: string): Promise<readonly string[]> =>
      (await listStores(database, { after, limit: 10, name: 'twin' })).map(({ id }) => id);
    expect(await named('')).toEqual([one, two]);
    expect(await named(one)).toEqual([two]);
  });
});

describeWithPostgres('models', () => {
  it('are kept as they are written, the order of their members included', async () => {
    const storeId = await newStore(database);
    const body = { zebra: 1, ant: { b: [], a: 'é"\\' }, '2': null, '1': 1.5 };
    const id = await newModel(storeId, body);
    const found = await findModel(database, storeId, id);
    expect(found?.createdAt).toBeInstanceOf(Date);
    const stored = { ...modelOf(id, body), createdAt: found?.createdAt };
    expect(JSON.stringify(found)).toBe(JSON.stringify(stored));
    expect(await findModel(database, await newStore(database), id)).toBeUndefined();
  });

  it('keep what is attached to them and what is said of them', async () => {
    const storeId = await newStore(database);
    const attachments = { claims_mapping: { context: ['acr', '__proto__'] } };
    const metadata = { message: 'why', author: 'anne', git_revision: 'abc', written_by: 'key:1' };
    const model = { ...modelOf(newId(), { a: 1 }, attachments), metadata };
    const now = new Date('2026-01-02T03:04:05.678Z');
    await insertModel(database, storeId, () => model, { now });
    const stored = { ...model, createdAt: now };
    expect(await findModel(database, storeId, model.id)).toEqual(stored);
    expect(await listModels(database, storeId, { before: undefined, limit: 1 })).toEqual([stored]);
  });

  it('are made knowing the newest one, one after the other', async () => {
    const storeId = await newStore(database);
    const count = (newest: StoredModel | undefined): number =>
      (newest?.body as { readonly count: number } | undefined)?.count ?? 0;
    await Promise.all(
      Array.from({ length: 5 }, () =>
        insertModel(
          database,
          storeId,
          ({ newest }) => modelOf(newId(), { count: count(newest) + 1 }),
          { now: new Date() },
        ),
      ),
    );
    const models = await listModels(database, storeId, { before: undefined, limit: 10 });
    expect(models.map(count)).toEqual([5, 4, 3, 2, 1]);
  });

  it('are not stored when making one fails', async () => {
    const storeId = await newStore(database);
    const refuse = (): never => {
      throw new Error('refused');
    };
    await expect(insertModel(database, storeId, refuse, { now: new Date() })).rejects.toThrow(
      'refused',
    );
    expect(await listModels(database, storeId, { before: undefined, limit: 10 })).toEqual([]);
  });

  it('are listed newest first, in pages that models to come do not disturb', async () => {
    const storeId = await newStore(database);
    const ids: ModelId[] = [];
    for (let i = 0; i < 5; i += 1) ids.push(await newModel(storeId));
    const listed = await walk(
      (last: StoredModel | undefined) =>
        listModels(database, storeId, { before: last?.id, limit: 2 }),
      () => newModel(storeId),
    );
    expect(listed.map(({ id }) => id)).toEqual(ids.reverse());
  });

  it('belong to a live store', async () => {
    const storeId = await newStore(database);
    const id = await newModel(storeId);
    await softDeleteStore(database, storeId, new Date());
    const another = modelOf(newId());
    expect(
      await insertModel(database, storeId, () => another, { now: new Date() }),
    ).toBeUndefined();
    expect(await findModel(database, storeId, id)).toBeUndefined();
  });
});

describeWithPostgres('assertions', () => {
  it('are replaced as a whole', async () => {
    const storeId = await newStore(database);
    const model = await newModel(storeId);
    expect(await findAssertions(database, storeId, model)).toBeUndefined();
    for (const body of [[{ b: 1, a: 2 }], []]) {
      await replaceAssertions(database, storeId, model, body);
      expect(await findAssertions(database, storeId, model)).toEqual(body);
    }
    expect(await findAssertions(database, await newStore(database), model)).toBeUndefined();
  });
});

describeWithPostgres('settings', () => {
  it('are claimed by one of several who ask together', async () => {
    const claims = [1, 2, 3, 4].map((claimant) => claimSetting(database, 'claimed', { claimant }));
    const values = await Promise.all(claims);
    expect(new Set(values.map((value) => JSON.stringify(value))).size).toBe(1);
    await putSetting(database, 'claimed', 'put');
    expect(await claimSetting(database, 'claimed', 5)).toBe('put');
  });
});

describeWithPostgres('a deleted store', () => {
  const tables = [
    ...['relation_tuple', 'entity_attributes', 'tuple_change'],
    ...['authorization_model', 'assertion', 'store'],
  ];
  const rowsOf = async (storeId: StoreId): Promise<number> => {
    const counts = tables.map((table) => `(SELECT count(*) FROM ${table} WHERE store_id = $1)`);
    const [row] = await database.query(`SELECT (${counts.join(' + ')})::int AS rows`, [storeId]);
    return Number(row?.['rows']);
  };
  const fill = async (storeId: StoreId): Promise<void> => {
    await replaceAssertions(database, storeId, await newModel(storeId), []);
    const writes = Array.from({ length: 7 }, (_, i) => tuple(`document:${i}#viewer@user:a`));
    const entity = { type: 'user', id: 'a' };
    const attributes = [{ operation: 'attributes' as const, entity, attributes: {} }];
    await writeTuples(database, storeId, [request({ writes, attributes })], new Date());
  };

  it('goes in bites, when its time has come, and nothing else goes', async () => {
    const [live, late] = [await newStore(database), await newStore(database)];
    const gone = await newStore(database);
    for (const storeId of [live, late, gone]) await fill(storeId);
    await softDeleteStore(database, gone, new Date(1000));
    await softDeleteStore(database, late, new Date(1001));
    const bites: number[] = [];
    do bites.push(await purgeDeletedStore(database, new Date(1000), 3));
    while (bites.at(-1) !== 0);
    // 7 tuples, attributes, 8 changes, a model, its assertions, the store.
    expect(bites).toEqual([3, 3, 1, 1, 3, 3, 2, 1, 1, 1, 0]);
    expect(await rowsOf(gone)).toBe(0);
    expect([await rowsOf(live), await rowsOf(late)]).toEqual([19, 19]);
  });
});
