/** Which processes answer with a model: two in this one, which share a database. */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { ModelId, StoreId } from '../../src/ids.js';
import { Rollout } from '../../src/operations/rollout.js';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba, TestStore } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { until } from '../support/storage.js';

const FIRST = `model
  schema 1.1
type user
type doc
  relations
    define viewer: [user]`;
const SECOND = `${FIRST}\n    define editor: [user]`;
const UNKNOWN_ID = '00000000000000000000000000';
const HOUR_MS = '3600000';

describeWithPostgres('the rollout of a model', () => {
  let one: Pemba;
  let other: Pemba;
  beforeAll(async () => {
    // Polls are not what makes it known.
    const settings = { PEMBA_POLL_INTERVAL_MS: HOUR_MS, PEMBA_SWEEP_INTERVAL_MS: HOUR_MS };
    one = await startPemba(settings);
    other = await startPemba(settings, one);
  });
  afterAll(async () => {
    await other.stop();
    await one.stop();
  });

  const rollout = ({ path }: Pick<TestStore, 'path'>, modelId: string): Promise<Answer> =>
    one.call('GET', `${path}/authorization-models/${modelId}/rollout`);
  const untilComplete = (store: TestStore, modelId: string): Promise<void> =>
    until(async () => (await rollout(store, modelId)).json.complete === true);
  const writeModel = async ({ path }: TestStore, dsl: string): Promise<string> => {
    const options = { raw: dsl, headers: { 'content-type': 'text/plain' } };
    const answer = await one.call('POST', `${path}/authorization-models`, undefined, options);
    return String(answer.json.authorization_model_id);
  };
  /** Everything that a process which holds the store needs to answer. */
  const hasCompiled = (
    { assembly: { engine } }: Pemba,
    { id }: TestStore,
    model: string,
  ): boolean =>
    engine.replicas.peek(id as StoreId)?.newestModel === model &&
    engine.plans.peek(id as StoreId, model as ModelId) !== undefined;
  const check = { tuple_key: { user: 'user:anne', relation: 'viewer', object: 'doc:1' } };
  const query = (sql: string, values: readonly string[] = []): Promise<unknown> =>
    one.assembly.database.query(sql, values);

  it('is complete when every process that holds the store has compiled it', async () => {
    const store = await one.storeWith(FIRST);
    for (const pemba of [one, other]) await pemba.call('POST', `${store.path}/check`, check);
    await untilComplete(store, store.modelId);
    const second = await writeModel(store, SECOND);
    await untilComplete(store, second);
    for (const pemba of [one, other]) expect(hasCompiled(pemba, store, second)).toBe(true);
    const { json } = await rollout(store, second);
    expect(json).toEqual({ processes: 2, ready: 2, complete: true });
    expect((await rollout(store, store.modelId)).json).toEqual(json);
  });

  it('is not complete while a process does not get to compiling', async () => {
    const store = await one.storeWith(FIRST);
    await other.call('POST', `${store.path}/check`, check);
    let goOn = (): void => undefined;
    const hindered = new Promise<void>((resolve) => (goOn = resolve));
    const { replicas } = other.assembly;
    const learnModels = replicas.learnModels.bind(replicas);
    const spy = jest.spyOn(replicas, 'learnModels').mockImplementation(async () => {
      await hindered;
      await learnModels();
    });
    const second = await writeModel(store, SECOND);
    const state = async (): Promise<unknown> => (await rollout(store, second)).json;
    await until(async () => ((await state()) as { ready: number }).ready === 1);
    expect(await state()).toEqual({ processes: 2, ready: 1, complete: false });
    spy.mockRestore();
    goOn();
    await untilComplete(store, second);
  });

  it('is known of a model from before models had numbers, and of none that is not there', async () => {
    const [store, elsewhere] = [await one.storeWith(FIRST), await one.storeWith(FIRST)];
    await query('UPDATE authorization_model SET number = NULL WHERE store_id = $1', [store.id]);
    expect((await rollout(store, store.modelId)).json.complete).toBe(true);
    for (const [path, id] of [
      [store.path, UNKNOWN_ID],
      [store.path, elsewhere.modelId],
      [`/stores/${UNKNOWN_ID}`, store.modelId],
    ] as const) {
      const { status, json } = await rollout({ path }, id);
      expect({ status, code: json.code }).toEqual({
        status: 400,
        code: 'authorization_model_not_found',
      });
    }
  });

  it('counts a process that was silent for 5 s, and none that was for 10', async () => {
    const store = await one.storeWith(FIRST);
    await untilComplete(store, store.modelId);
    const put = (seconds: number): Promise<unknown> =>
      query(
        `INSERT INTO server_process VALUES ('silent', now(), now() - $1::interval, 0)
         ON CONFLICT (process_id) DO UPDATE SET seen_at = excluded.seen_at`,
        [`${seconds} s`],
      );
    await put(5);
    expect((await rollout(store, store.modelId)).json).toEqual({
      processes: 3,
      ready: 2,
      complete: false,
    });
    await put(10);
    expect((await rollout(store, store.modelId)).json).toMatchObject({ processes: 2, ready: 2 });
    const silent = `SELECT FROM server_process WHERE process_id = 'silent'`;
    expect(await query(silent)).toHaveLength(1);
    await one.assembly.sweeper.sweep();
    expect(await query(silent)).toHaveLength(0);
  });

  it('does not count a process that was stopped', async () => {
    const store = await one.storeWith(FIRST);
    const third = await startPemba({}, one);
    expect((await rollout(store, store.modelId)).json.processes).toBe(3);
    await third.stop();
    expect((await rollout(store, store.modelId)).json.processes).toBe(2);
  });

  it('tells once that the database is away, and goes on when it is back', async () => {
    const { engine, database } = one.assembly;
    const errors: unknown[] = [];
    const process = new Rollout(engine, (error) => errors.push(error));
    const query = jest.spyOn(database, 'query').mockRejectedValue(new Error('away'));
    for (let i = 0; i < 3; i += 1) await process.beat();
    query.mockRestore();
    expect(errors).toHaveLength(1);
    const store = await one.storeWith(FIRST);
    await process.beat();
    await until(async () => (await rollout(store, store.modelId)).json.ready === 3);
    await process.stop();
    expect(errors).toHaveLength(1);
  });

  it('waits for a model that a process cannot compile until its store is gone', async () => {
    const [broken, store] = [await one.storeWith(FIRST), await one.storeWith(FIRST)];
    const { engine } = one.assembly;
    const replica = await engine.replicas.open(broken.id as StoreId);
    const id = engine.newId();
    await query(
      `INSERT INTO authorization_model (store_id, model_id, body, created_at)
       VALUES ($1, $2, '[]', now())`,
      [broken.id, id],
    );
    replica.noteModel(id as ModelId);
    const errors: unknown[] = [];
    const process = new Rollout(engine, (error) => errors.push(error));
    await process.beat();
    await until(() => errors.length > 0);
    await process.beat();
    expect((await rollout(store, store.modelId)).json.complete).toBe(false);
    await one.call('DELETE', broken.path);
    await until(async () => {
      await process.beat();
      return (await rollout(store, store.modelId)).json.complete === true;
    });
    expect(errors).toHaveLength(1);
    await process.stop();
  });
});
