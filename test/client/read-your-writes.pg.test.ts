/** Two server processes on one database that hear late of what the other one writes. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { PembaClient } from '../../src/client/client.js';
import type { QueryOptions } from '../../src/client/client.js';
import { ServerProcess } from '../consistency/server-process.js';
import { createTestDatabase, describeWithPostgres } from '../support/postgres.js';
import type { TestDatabase } from '../support/postgres.js';

const seed = Number(process.env['PEMBA_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const ROUNDS = 25;

const MODEL = {
  schema_version: '1.1',
  type_definitions: [
    { type: 'user' },
    {
      type: 'document',
      relations: { viewer: { this: {} } },
      metadata: { relations: { viewer: { directly_related_user_types: [{ type: 'user' }] } } },
    },
  ],
};

const viewer = (i: number) => ({ user: 'user:it', relation: 'viewer', object: `document:${i}` });

describeWithPostgres(`a client of two processes (seed ${seed})`, () => {
  let database: TestDatabase;
  const servers: ServerProcess[] = [];
  let storeId: string;
  let clients: readonly [PembaClient, PembaClient];

  beforeAll(async () => {
    database = await createTestDatabase();
    for (const slow of [seed, seed + 1]) {
      servers.push(await ServerProcess.start({ databaseUrl: database.url, slow }));
    }
    const [url = ''] = servers.map((server) => server.url);
    storeId = String((await made(`${url}/stores`, { name: 'two' }))['id']);
    await made(`${url}/stores/${storeId}/authorization-models`, MODEL);
    const clientOf = (server: ServerProcess | undefined): PembaClient =>
      new PembaClient({ urls: [server?.url ?? ''], storeId });
    clients = [clientOf(servers[0]), clientOf(servers[1])];
    for (const client of clients) await client.check(viewer(0), { consistency: 'higher' });
  });
  afterAll(async () => {
    try {
      for (const server of servers) await server.stop();
    } finally {
      for (const server of servers) await server.kill();
    }
    await database.drop();
  });

  /** What the second says of what was written at the first, right after. */
  async function seen(
    from: number,
    handOn: (writer: PembaClient) => PembaClient,
    options: QueryOptions = {},
  ): Promise<readonly boolean[]> {
    const answers: boolean[] = [];
    for (let i = from; i < from + ROUNDS; i++) {
      await clients[0].write({ writes: [viewer(i)] });
      answers.push(await handOn(clients[0]).check(viewer(i), options));
    }
    return answers;
  }

  it('that hands on what it was told is answered with its writes', async () => {
    const session = (writer: PembaClient): PembaClient =>
      clients[1].session(writer.exportSession());
    expect(new Set(await seen(1000, session))).toEqual(new Set([true]));
  });

  it('that asks for the newest is, too', async () => {
    const options = { consistency: 'higher' } as const;
    expect(new Set(await seen(2000, () => clients[1], options))).toEqual(new Set([true]));
  });

  it('that hands on nothing is told what was true before', async () => {
    const options = { consistency: 'minimize_latency' } as const;
    const answers = await seen(
      3000,
      (writer) => clients[1].session(writer.exportSession()),
      options,
    );
    expect(answers).toContain(false);
  });

  it('steps back behind none of many writes at once, nor behind an answer', async () => {
    const urls = servers.map(({ url }) => url);
    let turn = 0;
    const anywhere = new PembaClient({
      urls: [urls[0] ?? ''],
      storeId,
      fetch: (address, init) => {
        const there = urls[turn++ % urls.length] ?? '';
        return fetch(there + new URL(address).pathname, init);
      },
    });
    const numbers = Array.from({ length: 40 }, (_, i) => 4000 + i);
    await Promise.all(numbers.map((i) => anywhere.write({ writes: [viewer(i)] })));
    const answers = await Promise.all(numbers.map((i) => anywhere.check(viewer(i))));
    expect(answers).toEqual(numbers.map(() => true));
  });
});

async function made(url: string, body: object): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(201);
  return (await response.json()) as Readonly<Record<string, unknown>>;
}
