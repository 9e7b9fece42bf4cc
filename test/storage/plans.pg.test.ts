/**
 * How PostgreSQL carries out each statement of `src/storage`, with 200,000 tuples of several stores:
 * along an index, and from where the last page ended. The statements are recorded as they are sent,
 * by calling every function of every statement family.
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { KeyId, ModelId, Revision, StoreId } from '../../src/ids.js';
import * as apiKeys from '../../src/storage/api-keys.js';
import * as audit from '../../src/storage/audit.js';
import * as attributes from '../../src/storage/attributes.js';
import * as assertions from '../../src/storage/assertions.js';
import * as changes from '../../src/storage/changes.js';
import type { Database, SqlValue } from '../../src/storage/database.js';
import { ChunkRows } from '../../src/storage/chunk-rows.js';
import { ENTRY } from '../../src/storage/kind-index.js';
import * as importing from '../../src/storage/import-tuples.js';
import * as models from '../../src/storage/models.js';
import * as processes from '../../src/storage/processes.js';
import * as purge from '../../src/storage/purge.js';
import * as reading from '../../src/storage/read-tuples.js';
import * as signingKeys from '../../src/storage/signing-keys.js';
import * as restoring from '../../src/storage/restore-store.js';
import * as renaming from '../../src/storage/renamed-tuples.js';
import * as revocations from '../../src/storage/revocations.js';
import * as settings from '../../src/storage/settings.js';
import * as snapshot from '../../src/storage/snapshot.js';
import * as stores from '../../src/storage/stores.js';
import * as usedOnce from '../../src/storage/used-once.js';
import * as writing from '../../src/storage/write-tuples.js';
import type { TupleFilter } from '../../src/tuple/filter.js';
import { describeWithPostgres } from '../support/postgres.js';
import { newId, openStorage, request, statementsOf, tuple } from '../support/storage.js';
import type { Statement, TestStorage } from '../support/storage.js';

const FAMILIES = {
  ...{
    ...apiKeys,
    ...attributes,
    ...audit,
    ...assertions,
    ...changes,
    ...models,
    ...processes,
    ...purge,
    ...reading,
  },
  ...{
    ...importing,
    ...restoring,
    ...renaming,
    ...revocations,
    ...settings,
    ...signingKeys,
    ...snapshot,
    ...stores,
  },
  ...{ ...usedOnce, ...writing },
};
/** What these families export that sends nothing. */
const NO_STATEMENTS = [
  'readNotice',
  'headOf',
  'storeNotFound',
  'auditHeadOf',
  'entryColumns',
  'insertedEntries',
  'jsonOrNull',
  'Restoring',
];

const TYPE_RENAMED = { type: 'document', to: 'page' };
const RENAMES = [TYPE_RENAMED, { type: 'document', relation: 'viewer', to: 'reader' }];

const PAGE = 100;
/** What a write queue brings into one transaction at most. */
const LARGEST_WRITE = 6400;

let storage: TestStorage;
let database: Database;
let store: StoreId;
let largest: StoreId;
let small: StoreId;
let model: ModelId;

/** A store with half of all tuples, four with an eighth, one with a hundredth, thousands with none. */
async function fill(): Promise<void> {
  const ids = Array.from({ length: 6 }, newId);
  largest = ids[0] as StoreId;
  store = ids[1] as StoreId;
  small = ids[5] as StoreId;
  model = newId() as ModelId;
  for (const sql of [
    `INSERT INTO store (store_id, name, created_at, updated_at, deleted_at)
     SELECT coalesce(id, 'X' || i), 'store ' || i, now(), now(),
       CASE WHEN i % 20 = 0 THEN now() + interval '1 hour' END
     FROM unnest($1::text[]) WITH ORDINALITY AS big (id, n)
       RIGHT JOIN generate_series(1, 4000) AS i ON n = i`,
    `INSERT INTO authorization_model (store_id, model_id, body, created_at)
     SELECT store_id, to_char(i, 'FM00000000'), '{}', now() FROM store, generate_series(1, 20) AS i`,
    `INSERT INTO assertion SELECT store_id, model_id, '[]' FROM authorization_model`,
    `INSERT INTO relation_tuple
     SELECT ($1::text[])[CASE WHEN i % 100 = 0 THEN 6 ELSE greatest(1, i % 8 - 2) END],
       (ARRAY['document', 'folder', 'group'])[i / 8 % 3 + 1], 'o' || i / 40,
       (ARRAY['viewer', 'editor', 'owner', 'member'])[i / 8 % 4 + 1],
       CASE i % 9 WHEN 0 THEN 'group' WHEN 1 THEN 'document' ELSE 'user' END,
       CASE WHEN i % 9 > 1 AND i % 101 = 0 THEN '*' ELSE 's' || i * 7919 % 5003 END,
       CASE i % 9 WHEN 0 THEN 'member' WHEN 1 THEN 'viewer' ELSE '' END, NULL, NULL,
       CASE WHEN i % 50 = 0 THEN now() + (i - 100000) * interval '1 second' END, now()
     FROM generate_series(1, 200000) AS i ON CONFLICT DO NOTHING`,
    `INSERT INTO tuple_change
     SELECT store_id, (n + 1) / 2, n % 2, 'write', object_type, object_id, relation, subject_type,
       subject_id, subject_relation, NULL, NULL, expires_at,
       now() + (n - 10000) * interval '1 second'
     FROM (SELECT *, row_number() OVER (PARTITION BY store_id ORDER BY object_id) AS n
       FROM relation_tuple) AS numbered`,
    `INSERT INTO audit_entry
     SELECT id, n, now(), 'tuples.write', 'key:k', '127.0.0.1', 'r', n, '{}', '\\x00'
     FROM unnest($1::text[]) AS id, generate_series(1, 2000) AS n`,
    `INSERT INTO revocation
     SELECT CASE i % 2 WHEN 0 THEN '${store}' ELSE '${largest}' END, i, 'jti', i::text, 1,
       now() + (i - 1000) * interval '1 second'
     FROM generate_series(1, 20000) AS i`,
    `INSERT INTO revocation_head VALUES ('${store}', 20000), ('${largest}', 20000)`,
    `INSERT INTO revocation_head SELECT i::text, i FROM generate_series(1, 5000) AS i`,
    `INSERT INTO used_once SELECT sha256(i::text::bytea), now() + (i - 1000) * interval '1 second'
     FROM generate_series(1, 20000) AS i`,
    `INSERT INTO entity_attributes
     SELECT store_id, object_type, object_id, '{"level": 1}', now()
     FROM (SELECT DISTINCT store_id, object_type, object_id FROM relation_tuple) AS entity`,
    `UPDATE store SET head_revision = (SELECT coalesce(max(revision), 0) FROM tuple_change c
       WHERE c.store_id = store.store_id) WHERE store_id = ANY ($1)`,
  ]) {
    await database.query(sql, sql.includes('$1') ? [ids] : []);
  }
  await database.query('ANALYZE');
}

/** Every filter that names an id only with its type. */
function filters(): readonly TupleFilter[] {
  const objects = [{}, { objectType: 'document' }, { objectType: 'document', objectId: 'o17' }];
  const relations = [{}, { relation: 'viewer' }];
  const subjects = [{}, { subjectType: 'user' }, { subjectType: 'user', subjectId: 's42' }];
  const forms = [{}, { subjectRelation: '' }];
  return objects.flatMap((object) =>
    relations.flatMap((relation) =>
      subjects.flatMap((subject) =>
        forms.map((form) => ({ ...object, ...relation, ...subject, ...form })),
      ),
    ),
  );
}

/** Half of what is named is there. */
async function write(storeId: StoreId, count: number): Promise<void> {
  const page = { filter: {}, now: new Date(0), limit: count / 2 };
  const stored = await reading.readTuples(database, storeId, page);
  const added = Array.from({ length: count / 2 }, (_, i) => tuple(`new:o${i}#viewer@user:s${i}`));
  await writing.writeTuples(
    database,
    storeId,
    [
      request({ deletes: stored.map((found) => found.tuple) }),
      request({ writes: added, onDuplicate: 'replace' }),
    ],
    page.now,
  );
  const entities = Array.from({ length: count / 2 }, (_, i) => ({
    operation: 'attributes' as const,
    entity: { type: 'document', id: `o${i}` },
    attributes: i % 2 === 0 ? { level: 2 } : undefined,
  }));
  await writing.writeTuples(database, storeId, [request({ attributes: entities })], page.now);
}

type Calls = Readonly<Partial<Record<keyof typeof FAMILIES, readonly (() => Promise<unknown>)[]>>>;

function calls(): Calls {
  const now = new Date();
  const page = { limit: PAGE };
  const key = newId() as KeyId;
  const unaudited = 'X77' as StoreId;
  const by = { principal: 'x', address: '', requestId: '' };
  const deed = { action: 'tuples.write', by, details: {} } as const;
  const sealed = Buffer.of(1);
  const after = { revision: 6000, ordinal: 1 };
  const imported = ChunkRows.of(
    Array.from({ length: 5000 }, (_, i) => tuple(`bulk:o${i}#viewer@user:s${i}`)),
    Array.from({ length: 5000 }, (_, i) => ({
      entity: { type: 'bulk', id: `o${i}` },
      attributes: { level: i },
    })),
  );
  const later = new Date(now.getTime() + 2000);
  const expiring = ChunkRows.of(
    Array.from({ length: 5000 }, (_, i) =>
      tuple(`bulk:e${i}#viewer@user:s${i}`, { expiresAt: now.getTime() + 1000 }),
    ),
  );
  const cursor = tuple('document:o2000#viewer@user:s42');
  const newModel = { id: newId() as ModelId, body: {}, attachments: {}, metadata: {} };
  return {
    appendDeeds: [() => audit.appendDeeds(database, unaudited, [deed, deed], now)],
    findAuditHead: [() => audit.findAuditHead(database, store)],
    readAuditEntries: [
      () => audit.readAuditEntries(database, store, { ...page, from: 50, order: 'oldest' }),
      () => audit.readAuditEntries(database, store, { ...page, from: 50, order: 'newest' }),
    ],
    insertApiKey: [
      () =>
        apiKeys.insertApiKey(
          database,
          { id: key, label: 'a', createdBy: 'x', createdAt: now, expiresAt: undefined },
          { salt: Buffer.of(1), proof: Buffer.of(2) },
        ),
    ],
    findKeyProof: [() => apiKeys.findKeyProof(database, key)],
    findApiKey: [() => apiKeys.findApiKey(database, key)],
    listApiKeys: [
      () => apiKeys.listApiKeys(database, { ...page, after: '' }),
      () => apiKeys.listApiKeys(database, { ...page, after: '', createdBy: 'x' }),
    ],
    markRevoked: [() => apiKeys.markRevoked(database, key, now)],
    replaceAssertions: [() => assertions.replaceAssertions(database, store, model, [])],
    findAssertions: [() => assertions.findAssertions(database, store, model)],
    findAttributes: [
      () => attributes.findAttributes(database, store, { type: 'document', id: 'o17' }),
    ],
    readChanges: [
      () => changes.readChanges(database, store, { ...page, after }),
      () => changes.readChanges(database, store, { ...page, after, objectType: 'folder' }),
      () => changes.readChanges(database, store, { ...page, after, objectType: 'absent' }),
    ],
    positionBefore: [() => changes.positionBefore(database, store, now)],
    readRevisions: [() => changes.readRevisions(database, store, 6000 as Revision, 500)],
    insertModel: [() => models.insertModel(database, store, () => newModel, { now })],
    findModel: [() => models.findModel(database, store, model)],
    listModels: [
      () => models.listModels(database, store, { ...page, before: undefined }),
      () => models.listModels(database, store, { ...page, before: '00000010' }),
    ],
    beat: [() => processes.beat(database, 'a', 7)],
    countProcesses: [() => processes.countProcesses(database, store, model, 1000)],
    forgetProcesses: [() => processes.forgetProcesses(database, 1000)],
    removeProcess: [() => processes.removeProcess(database, 'a')],
    readTuples: filters().flatMap((filter) => [
      () => reading.readTuples(database, store, { filter, now, ...page }),
      () => reading.readTuples(database, store, { filter, now, ...page, after: cursor }),
    ]),
    readRenamed: RENAMES.flatMap((rename) =>
      renaming.PLACES.flatMap((place) =>
        (['missing', 'surplus', 'old'] as const).flatMap((wanted) =>
          [undefined, cursor].map((after) => () => {
            const of = { wanted, after, limit: PAGE, now };
            return renaming.readRenamed(database, store, rename, place, of);
          }),
        ),
      ),
    ),
    readRenamedAttributes: (['missing', 'surplus', 'old'] as const).map((wanted) => () => {
      const after = { type: 'document', id: 'o17' };
      const of = { wanted, after, limit: PAGE };
      return renaming.readRenamedAttributes(database, store, TYPE_RENAMED, of);
    }),
    readExpired: [() => reading.readExpired(database, now, 1000)],
    claimSetting: [() => settings.claimSetting(database, 'a', 1)],
    findSetting: [() => settings.findSetting(database, 'a')],
    deploymentTokenKey: [() => settings.deploymentTokenKey(database)],
    putSetting: [() => settings.putSetting(database, 'a', 2)],
    readSigningKeys: [() => signingKeys.readSigningKeys(database)],
    changeSigningKeys: [['a', 'b'], ['b'], []].map((ids, at) => () => {
      const record = { algorithm: 'EdDSA', createdAt: now, activeFrom: new Date(at), sealed };
      const wanted = ids.map((id) => ({ ...record, id }));
      const nothing = (): Promise<void> => Promise.resolve();
      return signingKeys.changeSigningKeys(database, () => wanted, nothing);
    }),
    readSnapshot: [
      () =>
        snapshot.readSnapshot(database, small, {
          begin: () => undefined,
          tuple: () => undefined,
          attributes: () => undefined,
        }),
    ],
    readPieces: [
      async () => {
        for await (const piece of snapshot.readPieces(database, small, { models: true })) {
          expect(piece).toBeDefined();
        }
      },
    ],
    insertStore: [
      () =>
        stores.insertStore(database, {
          id: newId() as StoreId,
          name: 'n',
          createdAt: now,
          updatedAt: now,
        }),
    ],
    findStore: [() => stores.findStore(database, store)],
    listStores: [
      () => stores.listStores(database, { ...page, after: '' }),
      () => stores.listStores(database, { ...page, after: store, name: 'store 7' }),
    ],
    storeHeads: [() => stores.storeHeads(database, [store])],
    insertRevocations: [1, 2].map((count) => () => {
      const mark = { kind: 'jti', value: 'a', notBefore: 1, expiresAt: 2 };
      const marks = Array.from({ length: count }, () => mark);
      return revocations.insertRevocations(database, store, marks);
    }),
    readRevocations: [
      () => revocations.readRevocations(database, store, { after: 15000, now, limit: PAGE }),
    ],
    lastRevocationId: [() => revocations.lastRevocationId(database, store)],
    deleteExpiredRevocations: [() => revocations.deleteExpiredRevocations(database, now, 500)],
    claimOnce: [() => usedOnce.claimOnce(database, Buffer.of(1), now)],
    forgetUsed: [() => usedOnce.forgetUsed(database, now, 500)],
    writeTuples: [
      () => write(store, 2),
      () => write(store, 100),
      () => write(store, LARGEST_WRITE),
      () => write(largest, LARGEST_WRITE),
    ],
    importChunk: [
      ...[false, true].map((isLikelyStored) => () => {
        return importing.importChunk(database, largest, imported, now, { isLikelyStored });
      }),
      ...[now, later].map((time) => () => {
        return importing.importChunk(database, largest, expiring, time);
      }),
    ],
    restoreStore: [
      () =>
        restoring.restoreStore(database, 60_000, async (restored) => {
          const id = newId() as StoreId;
          await restored.begin({ id, name: 'n', revision: 7 as Revision, now });
          await restored.model({ ...newModel, createdAt: now });
          await restored.assertions({ modelId: newModel.id, body: [] });
          await restored.content(imported);
          await restored.finish(deed);
        }),
    ],
    // Last: they take rows away.
    softDeleteStore: [() => stores.softDeleteStore(database, store, now)],
    purgeDeletedStore: Array.from(
      { length: 60 },
      () => () => purge.purgeDeletedStore(database, now, 1000),
    ),
  };
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'CTE Name'?: string;
  readonly 'Plan Rows': number;
  readonly Filter?: string;
  readonly Plans?: readonly PlanNode[];
}

async function planOf({ sql, values }: Statement): Promise<PlanNode> {
  const [row] = await database.query(`EXPLAIN (FORMAT JSON) ${sql}`, values as SqlValue[]);
  const [{ Plan }] = row!['QUERY PLAN'] as [{ Plan: PlanNode }];
  return Plan;
}

const nodesOf = (node: PlanNode): readonly PlanNode[] => [
  node,
  ...(node.Plans ?? []).flatMap(nodesOf),
];

/** What there is a plan for. */
const EXPLAINABLE = /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b/;
/** The plan of a COPY is that of its query. */
const queryOf = ({ sql, values }: Statement): Statement => ({
  sql: /^\s*COPY \((.*)\) TO STDOUT$/s.exec(sql)?.[1] ?? sql,
  values,
});
/** A handful of rows; what is all to be read. */
const UNINDEXED = [...['setting', 'api_key', 'signing_key', 'model_number', 'server_process']];
/** These ask for stores, not for what is in one; they may read the small table as they like. */
const ACROSS_STORES = /deleted_at IS NULL AND store_id > |expires_at <= |deleted_at <= /;

describeWithPostgres('with 200,000 tuples', () => {
  const explained = new Set<string>();
  const wrong: string[] = [];

  beforeAll(async () => {
    storage = await openStorage();
    // On one connection, so that temporary tables are there for EXPLAIN.
    database = await storage.connect({ timeoutMs: 60_000, poolSize: 1 });
    await fill();
    for (const [name, functions] of Object.entries(calls())) {
      for (const call of functions) {
        for (const { sql, values } of (await statementsOf(database, call)).map(queryOf)) {
          if (!EXPLAINABLE.test(sql)) continue;
          explained.add(name);
          const problems = nodesOf(await planOf({ sql, values })).map((node) =>
            problemOf(node, sql),
          );
          wrong.push(
            ...problems.flatMap((problem) => (problem ? [`${name}: ${problem} in ${sql}`] : [])),
          );
        }
      }
    }
  });
  afterAll(() => storage.close());

  it('every function of storage has been called', () => {
    const functions = Object.entries(FAMILIES).filter(([, value]) => typeof value === 'function');
    const names = functions.map(([name]) => name).filter((name) => !NO_STATEMENTS.includes(name));
    expect([...explained].sort()).toEqual(names.sort());
  });

  it('every statement finds its rows by an index, and sorts no more than a page', () => {
    expect(wrong).toEqual([]);
  });
});

const isOfKinds = ({ Plans = [] }: PlanNode): boolean =>
  Plans.some((plan) => plan['CTE Name'] === 'kind');

function problemOf(node: PlanNode, sql: string): string | undefined {
  // A position in the key's columns, or in the text of the index by kind.
  if (/ROW\(|\|\|/.test(node.Filter ?? '')) return 'a page that starts from the beginning';
  const { 'Node Type': type, 'Relation Name': table, Plans: [input] = [] } = node;
  switch (type) {
    case 'Seq Scan': {
      const allowed =
        UNINDEXED.includes(table ?? '') || (table === 'store' && ACROSS_STORES.test(sql));
      return allowed ? undefined : `a scan of all of ${table ?? ''}`;
    }
    case 'Sort':
    case 'Incremental Sort': {
      // The models of a store that are read whole are sorted on purpose.
      if (sql.endsWith('ORDER BY model_id')) return undefined;
      // What was gathered of kinds, less than two pages; in one it has its order.
      if (input?.['Node Type'] === 'Nested Loop' && isOfKinds(input)) return undefined;
      if (sql.includes(ENTRY)) return 'a page that is sorted';
      const rows = input?.['Plan Rows'] ?? 0;
      return rows > PAGE ? `a sort of ${rows} rows` : undefined;
    }
    default:
      return undefined;
  }
}
