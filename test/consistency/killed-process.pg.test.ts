/** A server process is killed while it writes: what it acknowledged is there, and nothing half. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { StoreId } from '../../src/ids.js';
import { asRevision } from '../../src/ids.js';
import { readRevisions } from '../../src/storage/changes.js';
import { isOfTuple } from '../../src/tuple/attributes.js';
import { formatObject, formatTupleKey } from '../../src/tuple/tuple.js';
import type { JsonValue } from '../../src/tuple/tuple.js';
import { ImportClient } from '../support/import-client.js';
import type { ProgressLine } from '../support/import-client.js';
import { createTestDatabase, describeWithPostgres } from '../support/postgres.js';
import type { TestDatabase } from '../support/postgres.js';
import { connectTo, storedTuples, tuple, tupleText, until } from '../support/storage.js';
import { History } from './history.js';
import type { Written } from './history.js';
import { batchCheck, listObjects } from './questions.js';
import { ServerProcess } from './server-process.js';
import { Session } from './session.js';
import { createStore } from './workload.js';

const WRITERS = 8;
/** Enough for the writers to be at it, few enough for the answers of one list. */
const WRITES_BEFORE = 200;
const LOG_MAX = 1000;
/** Some chunks. */
const IMPORTED = 70_000;

const documentsOfAnne = listObjects({ relation: 'viewer', user: 'user:anne' }, ['document:0']);

/** What one write writes. */
const twins = (name: string): readonly [string, string] => [
  `document:${name}#granted@user:anne`,
  `group:${name}#member@user:anne`,
];

describeWithPostgres('when a process is killed while it writes', () => {
  let database: TestDatabase;
  const servers: ServerProcess[] = [];
  const start = async (): Promise<ServerProcess> => {
    const server = await ServerProcess.start({ databaseUrl: database.url });
    servers.push(server);
    return server;
  };
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(async () => {
    for (const server of servers) await server.kill();
    await database.drop();
  });

  it('what was acknowledged is there once, and every write whole or not at all', async () => {
    const [victim, witness] = [await start(), await start()];
    const id = await createStore(victim.url);
    await new Session({ id, urls: [witness.url] }, new History()).read(0, 'head', documentsOfAnne);

    const acknowledged = await writeUntilKilled(victim, id);
    const heir = await start();
    const { log, stored } = await contentsOf(database, id);

    expect(log).toEqual(expect.arrayContaining([...acknowledged]));
    for (const { writes } of log) expect(writes).toEqual(twins(nameIn(writes)));
    expect(stored).toEqual(log.flatMap(({ writes }) => writes.map(textOf)).sort());

    const history = new History();
    log.forEach((revision) => {
      history.addWritten(revision);
    });
    const session = new Session({ id, urls: [witness.url, heir.url] }, history);
    for (const server of [0, 1]) {
      await session.read(server, 'head', documentsOfAnne);
      await session.read(
        server,
        'head',
        batchCheck(log.flatMap(({ writes }) => writes).slice(-50)),
      );
    }
    expect(history.violations()).toEqual([]);
    expect(history.readings[0]?.saw.size).toBe(log.length + 1);
  });

  it('attributes are as the log says, and what was acknowledged is in it', async () => {
    const victim = await start();
    const id = await createStore(victim.url);
    const acknowledged = await giveUntilKilled(victim, id);
    const { log, stored } = await attributesOf(database, id);
    const said = new Map(log.map(({ name, n }) => [name, n]));
    expect(log.map(({ revision }) => revision)).toEqual(log.map((_, i) => i + 1));
    expect(new Map(stored)).toEqual(said);
    const lines = new Set(log.map(({ name, n }) => `${name} ${JSON.stringify(n)}`));
    expect(acknowledged.filter((line) => !lines.has(line))).toEqual([]);
    const heir = await start();
    for (const [name, n] of said) {
      const response = await fetch(`${heir.url}/stores/${id}/attributes/${name.replace(':', '/')}`);
      expect(await response.json()).toEqual({ n });
    }
  });

  it('whole chunks of an import are there, and to send it again does the rest', async () => {
    const victim = await start();
    const id = await createStore(victim.url);
    const line = (i: number): string =>
      `{"object":"document:${i}","relation":"granted","user":"user:anne"}\n`;
    const send = (url: string): ImportClient => {
      const client = new ImportClient(`${url}/stores/${id}`);
      const lines = Array.from({ length: IMPORTED }, (_, i) => line(i));
      void client.send(lines.join('')).then(
        () => {
          client.end();
        },
        () => undefined,
      );
      return client;
    };
    const { value } = await send(victim.url).lines().next();
    await victim.kill();
    const known = Number(value?.['line']);
    expect(known).toBeLessThan(IMPORTED);
    const before = await contentsOf(database, id);
    expect(before.stored.length % known).toBe(0);
    expect(before.stored.length).toBeGreaterThanOrEqual(known);
    const lines: ProgressLine[] = [];
    for await (const told of send((await start()).url).lines()) lines.push(told);
    const after = await contentsOf(database, id);
    expect(lines.at(-1)).toMatchObject({ written: IMPORTED - before.stored.length });
    expect(after.stored).toHaveLength(IMPORTED);
    const logged = after.log.flatMap(({ writes }) => writes);
    expect([logged.length, new Set(logged).size]).toEqual([IMPORTED, IMPORTED]);
  });
});

const textOf = (name: string): string => tupleText(tuple(name));

const nameIn = ([first = '']: readonly string[]): string => /:(.+)#/.exec(first)?.[1] ?? '';

/** Resolves with what was acknowledged, when every writer has lost its connection. */
async function writeUntilKilled(victim: ServerProcess, id: string): Promise<readonly Written[]> {
  const history = new History();
  const write = async (writer: number): Promise<never> => {
    const session = new Session({ id, urls: [victim.url] }, history);
    for (let i = 1; ; i += 1) {
      await session.write(0, { deletes: [], writes: twins(`${writer}-${i}`) });
    }
  };
  const writers = Promise.allSettled(Array.from({ length: WRITERS }, (_, i) => write(i)));
  await until(() => history.written.length >= WRITES_BEFORE);
  await victim.kill();
  for (const end of await writers) {
    expect(end).toMatchObject({ status: 'rejected', reason: { message: 'fetch failed' } });
  }
  return history.written;
}

/** Each writer goes on giving one document another number. */
async function giveUntilKilled(victim: ServerProcess, id: string): Promise<readonly string[]> {
  const acknowledged: string[] = [];
  const write = async (writer: number): Promise<never> => {
    for (let n = 1; ; n += 1) {
      const url = `${victim.url}/stores/${id}/attributes/document/${writer}`;
      const headers = { 'content-type': 'application/json' };
      const { status } = await fetch(url, { method: 'PUT', headers, body: JSON.stringify({ n }) });
      if (status === 204) acknowledged.push(`document:${writer} ${n}`);
    }
  };
  const writers = Promise.allSettled(Array.from({ length: WRITERS }, (_, i) => write(i)));
  await until(() => acknowledged.length >= WRITES_BEFORE);
  await victim.kill();
  await writers;
  return acknowledged;
}

interface Given {
  readonly name: string;
  readonly n: JsonValue | undefined;
}

async function attributesOf(
  test: TestDatabase,
  id: string,
): Promise<{
  readonly log: readonly (Given & { readonly revision: number })[];
  readonly stored: readonly (readonly [string, unknown])[];
}> {
  const database = await connectTo(test);
  try {
    const revisions = await readRevisions(database, id as StoreId, asRevision(0), LOG_MAX);
    const log = revisions.flatMap(({ revision, changes }) =>
      changes.flatMap((change) =>
        isOfTuple(change)
          ? []
          : { revision, name: formatObject(change.entity), n: change.attributes?.['n'] },
      ),
    );
    const rows = await database.query(
      `SELECT object_type || ':' || object_id AS name, (attributes->>'n')::int AS n
       FROM entity_attributes WHERE store_id = $1`,
      [id],
    );
    return { log, stored: rows.map((row) => [String(row['name']), row['n']] as const) };
  } finally {
    await database.close();
  }
}

async function contentsOf(
  test: TestDatabase,
  id: string,
): Promise<{ readonly log: readonly Written[]; readonly stored: readonly string[] }> {
  const database = await connectTo(test);
  try {
    const storeId = id as StoreId;
    const revisions = await readRevisions(database, storeId, asRevision(0), LOG_MAX, 2 * IMPORTED);
    const log = revisions.map(({ revision, changes }) => ({
      revision,
      deletes: [],
      writes: changes.filter(isOfTuple).map((change) => formatTupleKey(change.tuple)),
    }));
    return { log, stored: await storedTuples(database, storeId) };
  } finally {
    await database.close();
  }
}
