import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Store, keyOf } from '../api/stores.js';
import { ServerProcess } from '../consistency/server-process.js';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { eventOf, until } from './decisions.js';
import type { Event } from './decisions.js';

const MODEL = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user, user with from_inside]
condition from_inside(ip: string) {
  ip.startsWith("10.")
}`;
const ANNE = 'document:1#viewer@user:anne';
const BOB = 'document:1#viewer@user:bob';
const CARA = 'document:1#viewer@user:cara';
const CARA_INSIDE = { ...keyOf(CARA), condition: { name: 'from_inside', context: {} } };

let folder = '';
let path = '';
let running: Pemba | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pemba-decisions-'));
  path = join(folder, 'decisions.log');
});
afterEach(async () => {
  await running?.stop();
  running = undefined;
  rmSync(folder, { recursive: true });
});

async function storeOn(settings: Readonly<Record<string, string>>): Promise<Store> {
  running = await startPemba(settings);
  return Store.with(running, MODEL, [ANNE, CARA_INSIDE]);
}

const idOf = (answer: Answer): string | null => answer.headers.get('pemba-decision-id');

async function eventsOf(store: Store): Promise<readonly Event[]> {
  await until(() => store.pemba.assembly.decisionLog?.figures.size === 0);
  return readFileSync(path, 'utf8').split('\n').slice(0, -1).map(eventOf);
}

describeWithPostgres('decisions over HTTP', () => {
  it('are in the log, each under the id of its answer', async () => {
    const store = await storeOn({ PEMBA_DECISION_LOG: `file:${path}` });
    const context = { ip: '10.0.0.1' };
    const answers = [
      await store.post('check', { tuple_key: keyOf(ANNE) }),
      await store.post('check', { tuple_key: keyOf(BOB) }),
      await store.post('check', { tuple_key: keyOf(CARA), context }),
      await store.post('check', { tuple_key: keyOf(CARA) }),
      await store.post('check', {
        tuple_key: keyOf(BOB),
        contextual_tuples: { tuple_keys: [keyOf(BOB)] },
      }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 400, 200]);
    const events = await eventsOf(store);
    expect(events.map((event) => event.decision_id)).toEqual(answers.map(idOf));
    expect(events.map(({ result, error }) => result?.allowed ?? error)).toEqual([
      true,
      false,
      true,
      { code: 'condition_failed' },
      true,
    ]);
    expect(events[2]).toMatchObject({
      path: `stores/${store.id}/check`,
      bundles: { [store.id]: { revision: '1' }, model: { revision: store.modelId } },
      input: {
        subject: { type: 'user', id: 'cara' },
        action: { name: 'viewer' },
        resource: { type: 'document', id: '1' },
        context,
      },
      request_context: {
        http: { headers: { 'x-request-id': [answers[2]?.headers.get('x-request-id')] } },
      },
    });
    expect(events[4]).toMatchObject({
      input: { contextual_tuples: [{ subject: 'user:bob', object: 'document:1' }] },
    });
    expect(
      events.every((event) => Reflect.get(Object(event['metrics']), 'timer_server_handler_ns') > 0),
    ).toBe(true);
  });

  it('of a batch are an event an item', async () => {
    const store = await storeOn({ PEMBA_DECISION_LOG: `file:${path}` });
    const names = [ANNE, BOB, 'document:1#none@user:bob', 'document:1#viewer@nobody'];
    const answer = await store.post('batch-check', {
      checks: names.map((name, i) => ({ correlation_id: `c${i}`, tuple_key: keyOf(name) })),
    });
    expect(answer.status).toBe(200);
    const id = idOf(answer) ?? '';
    const input = (i: number): object => ({ input: { correlation_id: `c${i}` } });
    expect(await eventsOf(store)).toMatchObject([
      { decision_id: `${id}.0`, batch_decision_id: id, ...input(0), result: { allowed: true } },
      { decision_id: `${id}.1`, batch_decision_id: id, ...input(1), result: { allowed: false } },
      { decision_id: `${id}.2`, ...input(2), error: { code: 'invalid_request' } },
      { decision_id: `${id}.3`, ...input(3), error: { code: 'invalid_request' } },
    ]);
  });

  it('that list have a question and a count', async () => {
    const store = await storeOn({ PEMBA_DECISION_LOG: `file:${path}` });
    const objects = { type: 'document', relation: 'viewer', user: 'user:anne' };
    const users = {
      object: { type: 'document', id: '1' },
      relation: 'viewer',
      user_filters: [{ type: 'user' }],
      context: { ip: '10.0.0.1' },
      page_size: 1,
    };
    const answers = [
      await store.post('list-objects', objects),
      await store.post('streamed-list-objects', objects),
      await store.post('list-users', users),
      await store.post('list-objects', { ...objects, relation: 'none' }),
    ];
    const events = await eventsOf(store);
    expect(events.map((event) => event.decision_id)).toEqual(answers.map(idOf));
    const asked = { subject: { type: 'user', id: 'anne' }, resource: { type: 'document' } };
    expect(events).toMatchObject([
      { input: asked, result: { count: 1, complete: true } },
      { path: `stores/${store.id}/streamed-list-objects`, input: asked, result: { count: 1 } },
      { input: { subject: { type: 'user' } }, result: { count: 1, complete: false } },
      { error: { code: 'relation_not_found' } },
    ]);
  });

  it('are logged without what is masked', async () => {
    const store = await storeOn({
      PEMBA_DECISION_LOG: `file:${path}`,
      PEMBA_DECISION_LOG_MASK: '/input/subject/id,/input/context/*,/input/__proto__/x',
    });
    const context = { ip: '10.0.0.77' };
    await store.post('check', { tuple_key: keyOf(CARA), context });
    expect(await eventsOf(store)).toMatchObject([
      {
        input: { subject: { type: 'user' }, context: {} },
        erased: ['/input/subject/id', '/input/context/*'],
      },
    ]);
    expect(readFileSync(path, 'utf8')).not.toMatch(/cara|10\.0\.0\.77/);
  });

  it('have no id when there is no log', async () => {
    const store = await storeOn({});
    expect(idOf(await store.post('check', { tuple_key: keyOf(ANNE) }))).toBeNull();
  });

  it('are not given when they cannot be logged and have to be', async () => {
    const store = await storeOn({
      PEMBA_DECISION_LOG: 'http://127.0.0.1:9/logs',
      PEMBA_DECISION_LOG_MODE: 'required',
      PEMBA_DECISION_LOG_BUFFER_EVENTS: '3',
      PEMBA_SHUTDOWN_TIMEOUT_MS: '100',
    });
    const ask = async (name: string): Promise<Answer> =>
      store.post('check', { tuple_key: keyOf(name) });
    for (let i = 0; i < 3; i++) expect((await ask(ANNE)).status).toBe(200);
    const refused = await ask(ANNE);
    expect([refused.status, refused.json, idOf(refused)]).toEqual([
      503,
      { code: 'unavailable', message: 'the decision log is full' },
      null,
    ]);
    expect((await ask(BOB)).json).toMatchObject({ allowed: false });
    const checks = [ANNE, BOB].map((name, i) => ({
      correlation_id: `c${i}`,
      tuple_key: keyOf(name),
    }));
    expect((await store.post('batch-check', { checks })).status).toBe(503);
    const list = { type: 'document', relation: 'viewer', user: 'user:anne' };
    for (const endpoint of ['list-objects', 'streamed-list-objects']) {
      expect((await store.post(endpoint, list)).status).toBe(503);
      expect((await store.post(endpoint, { ...list, user: 'user:bob' })).status).toBe(200);
    }
    const { text } = await store.pemba.call('GET', '/metrics');
    expect(text).toMatch(/^pemba_decision_log_withheld_total 4$/m);
    expect(text).toMatch(/^pemba_decision_log_dropped_total\{reason="full"\} 3$/m);
    expect(text).toMatch(/^pemba_decision_log_buffered 3$/m);
  });
});

describeWithPostgres('a process that logs its decisions', () => {
  let pemba: Pemba;
  let store: Store;
  beforeAll(async () => {
    pemba = await startPemba();
    store = await Store.with(pemba, MODEL, [ANNE, CARA_INSIDE]);
  });
  afterAll(() => pemba.stop());

  async function askAt(url: string, times: number): Promise<readonly (string | null)[]> {
    const body = JSON.stringify({
      tuple_key: keyOf(CARA),
      context: { ip: `10.${'x'.repeat(20_000)}` },
    });
    const ask = async (): Promise<string | null> => {
      const answer = await fetch(`${url}${store.path}/check`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      await answer.arrayBuffer();
      return answer.headers.get('pemba-decision-id');
    };
    const ids = [];
    for (let i = 0; i < times; i += 20)
      ids.push(...(await Promise.all(Array.from({ length: 20 }, ask))));
    return ids;
  }

  it('to its output keeps whole lines beside the log, and all of them until it ends', async () => {
    let said = '';
    const server = await ServerProcess.start({
      databaseUrl: pemba.database.url,
      settings: { PEMBA_DECISION_LOG: 'stdout', PEMBA_LOG_LEVEL: 'info' },
      onOutput: (text) => (said += text),
    });
    const ids = await askAt(server.url, 400);
    await server.stop();
    const lines = said.split('\n').filter((line) => line.startsWith('{'));
    const events = lines.map(eventOf);
    const logged = events.filter((event) => 'decision_id' in event);
    expect(logged.map((event) => event.decision_id).sort()).toEqual([...ids].sort());
    expect(events.filter(({ msg }) => msg === 'request')).toHaveLength(400);
    expect(said.split('\n').filter((line) => !/^(\{.*\}|Pemba answers .*|)$/.test(line))).toEqual(
      [],
    );
  });

  it('has a file for each of its workers', async () => {
    const server = await ServerProcess.start({
      databaseUrl: pemba.database.url,
      settings: { PEMBA_DECISION_LOG: `file:${path}`, PEMBA_WORKERS: '2' },
    });
    const ids = await askAt(server.url, 200);
    await server.stop();
    expect(readdirSync(folder).sort()).toEqual([
      'decisions.worker-1.log',
      'decisions.worker-2.log',
    ]);
    const logged = readdirSync(folder).flatMap((name) =>
      readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1).map(eventOf),
    );
    expect(logged.map((event) => event.decision_id).sort()).toEqual([...ids].sort());
  });
});
