/** That a service acts for a user holds in the request that says so, and cannot be stored. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { StoreId } from '../../src/ids.js';
import { submit } from '../../src/operations/write.js';
import { startPemba } from '../support/pemba.js';
import type { Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { request, tuple } from '../support/storage.js';
import { Store, expectError, expectStatus, keyOf } from './stores.js';

const MODEL = `model
  schema 1.1
type user
type service
  relations
    define acting_for: [user]
    define owner: [user]
type item
  relations
    define buyer: [user]
    define seller: [service]
    define can_reserve: buyer and acting_for from seller
`;
const TUPLES = [
  'item:1#buyer@user:anne',
  'item:1#seller@service:orders',
  'service:orders#owner@user:ben',
];
const ACTS = 'service:orders#acting_for@user:anne';
const RESERVES = 'item:1#can_reserve@user:anne';
const NEVER = /'service#acting_for' is never stored/;

describeWithPostgres('a tuple that says for whom a service acts', () => {
  let pemba: Pemba;
  beforeAll(async () => {
    pemba = await startPemba();
  });
  afterAll(() => pemba.stop());

  /** As a restore brings it, or a service that did not know the rule. */
  const smuggled = async (): Promise<Store> => {
    const store = await Store.with(pemba, MODEL, TUPLES);
    const { engine } = pemba.assembly;
    await submit(engine, store.id as StoreId, request({ writes: [tuple(ACTS)] }));
    expect(await store.read({ object: 'service:orders', relation: 'acting_for' })).toHaveLength(1);
    return store;
  };

  it('counts in the request that brings it', async () => {
    const store = await Store.with(pemba, MODEL, TUPLES);
    expect(await store.allows(RESERVES)).toBe(false);
    const contextual_tuples = { tuple_keys: [keyOf(ACTS)] };
    expect(await store.allows(RESERVES, { contextual_tuples })).toBe(true);
    expect(await store.allows(RESERVES)).toBe(false);
  });

  it('is refused where it would be stored, with everything that is written along', async () => {
    const store = await Store.with(pemba, MODEL, TUPLES);
    const answer = await store.write(['item:2#buyer@user:anne', ACTS]);
    expectError(answer, 400, 'validation_error', /^writes\.tuple_keys\[1\].*/);
    expectError(answer, 400, 'validation_error', NEVER);
    expect(await store.read()).toHaveLength(TUPLES.length);
  });

  it('is a rejected line of an import', async () => {
    const store = await Store.with(pemba, MODEL, TUPLES);
    const lines = [ACTS, 'item:2#buyer@user:anne'].map((one) => JSON.stringify(keyOf(one)));
    const answer = await store.post('import', undefined, {
      raw: lines.join('\n'),
      headers: { 'content-type': 'application/x-ndjson' },
    });
    expect(expectStatus(answer, 200).json).toEqual({
      written: 1,
      rejected: 1,
      rejects: [{ line: 1, message: expect.stringMatching(NEVER) }],
    });
  });

  it('counts for nothing if it is stored all the same, whoever loads it', async () => {
    const store = await smuggled();
    const other = await startPemba({}, pemba);
    try {
      for (const process of [pemba, other]) {
        const there = new Store(process, store);
        expect(await there.allows(RESERVES)).toBe(false);
        expect(await there.allows(ACTS)).toBe(false);
      }
    } finally {
      await other.stop();
    }
  });

  it('that is stored all the same can be deleted', async () => {
    const store = await smuggled();
    const deletes = { tuple_keys: [keyOf(ACTS)] };
    expectStatus(await store.post('write', { deletes }), 200);
    expect(await store.read({ object: 'service:orders', relation: 'acting_for' })).toEqual([]);
    const contextual_tuples = { tuple_keys: [keyOf(ACTS)] };
    expect(await store.allows(RESERVES, { contextual_tuples })).toBe(true);
  });
});
