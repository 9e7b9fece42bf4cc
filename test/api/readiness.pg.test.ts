/** What /readyz tells of replicas that cannot follow. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { StoreId } from '../../src/ids.js';
import { silentWrite } from '../replica/edges.js';
import { startPemba } from '../support/pemba.js';
import type { Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { until } from '../support/storage.js';
import { Store, expectStatus, keyOf } from './stores.js';

const MODEL = `model
  schema 1.1
type user
type document
  relations
    define viewer: [user]
`;
const CHECK = { tuple_key: keyOf('document:1#viewer@user:anne') };

/** More than a busy machine is late with polls. */
const STALENESS_MS = 1500;

/** What no replica can read: it fails at the revision, again and again. */
async function writeUnreadably({ assembly: { database } }: Pemba, id: string): Promise<void> {
  await database.transaction(async (session) => {
    for (const sql of silentWrite(id as StoreId)) await session.query(sql);
    await session.query(
      `UPDATE tuple_change SET batch = 'no tuple', batch_size = 1 WHERE store_id = $1`,
      [id],
    );
  });
}

describeWithPostgres('readiness', () => {
  let pemba: Pemba;
  const stores: Store[] = [];
  beforeAll(async () => {
    pemba = await startPemba({
      PEMBA_READY_STALENESS_MS: `${STALENESS_MS}`,
      PEMBA_POLL_INTERVAL_MS: '50',
    });
    for (let i = 0; i < 3; i += 1) stores.push(await Store.with(pemba, MODEL));
    for (const store of stores) expectStatus(await store.post('check', CHECK), 200);
  });
  afterAll(() => pemba.stop());

  const reasons = async (): Promise<readonly string[]> => {
    const { json } = await pemba.call('GET', '/readyz');
    return (json as { readonly reasons?: readonly string[] }).reasons ?? [];
  };

  it('counts the stores that are behind, names the one that is longest, and turns back', async () => {
    const [longest, later, sound] = stores as [Store, Store, Store];
    expect(await reasons()).toEqual([]);
    await writeUnreadably(pemba, longest.id);
    await until(async () => (await reasons()).length > 0);
    expect(await reasons()).toEqual([
      expect.stringMatching(`^1 store is behind the head, ${longest.id} for \\d+ s$`),
    ]);
    await writeUnreadably(pemba, later.id);
    await until(async () => !(await reasons()).join().startsWith('1 '));
    expect(await reasons()).toEqual([
      expect.stringMatching(`^2 stores are behind the head, ${longest.id} for \\d+ s$`),
    ]);
    expectStatus(await pemba.call('GET', '/readyz'), 503);
    expectStatus(await sound.written(['document:1#viewer@user:anne']), 200);
    await pemba.assembly.database.query(`UPDATE tuple_change SET batch = NULL, batch_size = NULL`);
    await until(async () => (await reasons()).length === 0);
    expectStatus(await pemba.call('GET', '/readyz'), 200);
  });

  it('is not lost by a store at which nothing is written', async () => {
    await new Promise((resolve) => setTimeout(resolve, STALENESS_MS + 200));
    expect(await reasons()).toEqual([]);
  });
});
