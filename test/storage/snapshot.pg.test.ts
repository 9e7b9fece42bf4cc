import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ModelId, StoreId } from '../../src/ids.js';
import { insertModel } from '../../src/storage/models.js';
import { readSnapshot } from '../../src/storage/snapshot.js';
import { softDeleteStore } from '../../src/storage/stores.js';
import type { StoreHead } from '../../src/storage/stores.js';
import { writeTuples } from '../../src/storage/write-tuples.js';
import { formatObject } from '../../src/tuple/tuple.js';
import type { JsonObject, RelationTuple } from '../../src/tuple/tuple.js';
import { describeWithPostgres } from '../support/postgres.js';
import { newId, newStore, openStorage, request, tuple, tupleText } from '../support/storage.js';
import type { TestStorage } from '../support/storage.js';

let storage: TestStorage;
beforeAll(async () => {
  storage = await openStorage();
});
afterAll(() => storage.close());

async function storeWith(writes: readonly RelationTuple[]): Promise<StoreId> {
  const storeId = await newStore(storage.database);
  await writeTuples(storage.database, storeId, [request({ writes })], new Date(0));
  return storeId;
}

/** What the receiver hears, in order; the tuples by their texts. */
async function heard(storeId: StoreId): Promise<readonly (StoreHead | string)[]> {
  const calls: (StoreHead | string)[] = [];
  const head = await readSnapshot(storage.database, storeId, {
    begin: (begun) => calls.push(begun),
    tuple: (one) => calls.push(tupleText(one)),
    attributes: (entity, attributes) =>
      calls.push(`${formatObject(entity)} ${JSON.stringify(attributes)}`),
  });
  expect(calls[0]).toBe(head);
  return calls;
}

describeWithPostgres('a snapshot', () => {
  it('begins with the head, also of a store without tuples', async () => {
    const storeId = await newStore(storage.database);
    expect(await heard(storeId)).toMatchObject([{ revision: 0, newestModel: undefined }]);
    const model = newId() as ModelId;
    await insertModel(
      storage.database,
      storeId,
      () => ({ id: model, body: {}, attachments: {}, metadata: {} }),
      {
        now: new Date(),
      },
    );
    expect(await heard(storeId)).toMatchObject([{ revision: 0, newestModel: model }]);
  });

  it('is none where there is no store', async () => {
    const storeId = await newStore(storage.database);
    await softDeleteStore(storage.database, storeId, new Date());
    expect(await heard(storeId)).toEqual([]);
  });

  it('gives every tuple of its store as it was written', async () => {
    await storeWith([tuple('document:other#viewer@user:a')]);
    const context = {
      ['tab\tquote"backslash\\']: ['line\nfeed\r', '\\N', '\\.', '\u2028', { deep: [null, -0.5] }],
    };
    const tuples = [
      tuple('document:\\N#viewer@user:\\.'),
      tuple('document:\\\\#\\t@user:\\'),
      tuple(`document:"'$1;--#viewer@user:{a,b},NULL`),
      tuple('документ:日本語#قارئ@группа:🙂é#член'),
      tuple('document:1#viewer@user:*'),
      tuple('document:2#viewer@user:a', { condition: { name: 'c\\', context } }),
      tuple('document:3#viewer@user:a', { condition: { name: 'c', context: {} } }),
      ...[1, 999, 1_234_567_890_123, 253_402_300_799_999].map((expiresAt) =>
        tuple(`document:${expiresAt}#viewer@user:a`, { expiresAt }),
      ),
    ];
    const [, ...given] = await heard(await storeWith(tuples));
    expect([...given].sort()).toEqual(tuples.map(tupleText).sort());
  });

  it('gives the attributes of entities after the tuples, as they were written', async () => {
    const storeId = await storeWith([tuple('document:1#viewer@user:a')]);
    const attributes: JsonObject = {
      ['tab\tquote"backslash\\']: [
        'line\nfeed\r',
        '\\N',
        '\\.',
        '\u0000\u2028',
        { deep: [null, -0.5] },
      ],
      __proto__: { a: 1 },
    };
    const entity = { type: 'document', id: '日本\\' };
    const change = { operation: 'attributes' as const, entity, attributes };
    await writeTuples(storage.database, storeId, [request({ attributes: [change] })], new Date(1));
    const [head, ...given] = await heard(storeId);
    expect(head).toMatchObject({ revision: 2 });
    expect(given).toEqual([
      tupleText(tuple('document:1#viewer@user:a')),
      `document:日本\\ ${JSON.stringify(attributes)}`,
    ]);
  });

  it('puts together what comes in pieces, within characters too', async () => {
    const tuples = Array.from({ length: 5000 }, (_, i) =>
      tuple(`document:${['é', '漢', '🙂', ''][i % 4]!}${i}#viewer@user:${'🙂'.repeat(i % 50)}a`),
    );
    const [, ...given] = await heard(await storeWith(tuples));
    expect([...given].sort()).toEqual(tuples.map(tupleText).sort());
  });

  it('leaves no timer behind that would end its connection', async () => {
    const database = await storage.connect({ timeoutMs: 300, poolSize: 1 });
    const backend = 'SELECT pg_backend_pid() AS pid';
    const before = await database.query(backend);
    const ignore = (): undefined => undefined;
    const receiver = { begin: ignore, tuple: ignore, attributes: ignore };
    await readSnapshot(database, await newStore(database), receiver);
    await new Promise((resolve) => setTimeout(resolve, 900));
    expect(await database.query(backend)).toEqual(before);
  });
});
