/**
 * OpenFGA's own client, unchanged, against the whole service: every public method that it has. The
 * methods are found by reflection, so that a newer client with one more fails until it is tried.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OpenFgaApi, OpenFgaClient } from '@openfga/sdk';
import { startPemba } from '../support/pemba.js';
import type { Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { fgaOf } from './sdk/fga.js';
import type { MethodBehaviours } from './sdk/fga.js';
import { checkBehaviours, listBehaviours, rawBehaviours } from './sdk/queries.js';
import { modelBehaviours, storeBehaviours } from './sdk/stores-and-models.js';
import { tupleBehaviours } from './sdk/tuples.js';

/** TypeScript knows these as protected or private. */
const NOT_PUBLIC = ['constructor', 'getStoreId', 'getAuthorizationModelId', 'singleBatchCheck'];

const publicMethods = (type: { readonly prototype: object }): readonly string[] =>
  Object.getOwnPropertyNames(type.prototype).filter((name) => !NOT_PUBLIC.includes(name));

const METHODS: MethodBehaviours = {
  ...storeBehaviours,
  ...modelBehaviours,
  ...tupleBehaviours,
  ...checkBehaviours,
  ...listBehaviours,
  ...rawBehaviours,
};

describeWithPostgres("OpenFGA's client", () => {
  let pemba: Pemba;
  beforeAll(async () => {
    pemba = await startPemba();
  });
  afterAll(() => pemba.stop());

  it('has no public method that is not tried here', () => {
    expect([...publicMethods(OpenFgaClient)].sort()).toEqual(Object.keys(METHODS).sort());
  });

  it('covers every endpoint that the lower interface has', () => {
    expect(publicMethods(OpenFgaClient)).toEqual(
      expect.arrayContaining([...publicMethods(OpenFgaApi)]),
    );
  });

  describe.each(Object.entries(METHODS))('%s', (_method, behaviours) => {
    it.each(Object.entries(behaviours))('%s', async (_behaviour, hold) => {
      await hold(fgaOf(pemba));
    });
  });
});
