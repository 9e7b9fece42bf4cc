import { expect } from '@jest/globals';
import { ANNE_OWNS, BEN_IS_ENG, UNKNOWN_ID, expectInvalid, expectNotFound } from './fga.js';
import type { MethodBehaviours } from './fga.js';

export const storeBehaviours: MethodBehaviours = {
  createStore: {
    'gives a store that can be read': async (fga) => {
      const client = fga.storeless();
      const created = await client.createStore({ name: 'made by the client' });
      expect(created).toEqual({
        id: expect.stringMatching(/^[0-9A-Z]{26}$/),
        name: 'made by the client',
        created_at: expect.any(String),
        updated_at: created.created_at,
      });
      expect(await client.getStore({ storeId: created.id })).toEqual(created);
    },
    'refuses a bad name': async (fga) => {
      const client = fga.storeless();
      await expectInvalid(client.createStore({ name: 'x' }), 'validation_error');
    },
  },
  listStores: {
    'lists by name, page by page': async (fga) => {
      const client = fga.storeless();
      const name = `listed ${Date.now()}`;
      const ids: string[] = [];
      for (let i = 0; i < 3; i++) ids.push((await client.createStore({ name })).id);
      const found: string[] = [];
      let continuationToken: string | undefined;
      do {
        const page = await client.listStores({
          name,
          pageSize: 2,
          ...(continuationToken && { continuationToken }),
        });
        found.push(...page.stores.map((store) => store.id));
        continuationToken = page.continuation_token;
      } while (continuationToken !== '');
      expect(found).toEqual(ids);
    },
  },
  getStore: {
    'fails for a store that is not there': async (fga) => {
      const client = fga.storeless(UNKNOWN_ID);
      await expectNotFound(client.getStore(), 'store_id_not_found');
    },
  },
  deleteStore: {
    'hides the store, and may be repeated': async (fga) => {
      const client = await fga.client();
      await client.deleteStore();
      await client.deleteStore();
      await expectNotFound(client.getStore(), 'store_id_not_found');
    },
  },
  checkValidApiConnection: {
    'holds with a model and without': async (fga) => {
      const client = await fga.client();
      await client.checkValidApiConnection();
      await fga.storeless(client.storeId).checkValidApiConnection();
      await expectInvalid(
        client.checkValidApiConnection({ authorizationModelId: UNKNOWN_ID }),
        'authorization_model_not_found',
      );
    },
  },
};

export const modelBehaviours: MethodBehaviours = {
  writeAuthorizationModel: {
    'takes back what was read': async (fga) => {
      const client = await fga.client();
      const { authorization_model: model } = await client.readAuthorizationModel();
      const { id, ...body } = model!;
      const written = await client.writeAuthorizationModel(body);
      expect(written.authorization_model_id > id).toBe(true);
      const copy = await client.readLatestAuthorizationModel();
      expect(copy.authorization_model).toEqual({
        ...body,
        id: written.authorization_model_id,
        metadata: { created_at: expect.any(String) },
      });
    },
    'refuses a model that does not hold together': async (fga) => {
      const client = await fga.client();
      const broken = {
        schema_version: '1.1',
        type_definitions: [
          { type: 'a', relations: { r: { computedUserset: { relation: 'none' } } } },
        ],
      };
      await expectInvalid(client.writeAuthorizationModel(broken), 'invalid_authorization_model');
    },
  },
  readAuthorizationModel: {
    'gives types, relations and conditions': async (fga) => {
      const client = await fga.client();
      const { authorization_model: model } = await client.readAuthorizationModel();
      expect(model?.id).toBe(client.authorizationModelId);
      expect(model?.schema_version).toBe('1.1');
      expect(model?.type_definitions.map(({ type }) => type)).toEqual([
        'user',
        'group',
        'document',
      ]);
      expect(model?.conditions?.['in_office']?.expression).toBe('ip.in_cidr("10.0.0.0/8")');
    },
  },
  readAuthorizationModels: {
    'lists newest first, page by page': async (fga) => {
      const client = await fga.client();
      const { authorization_model: model } = await client.readAuthorizationModel();
      const { id: oldest, ...body } = model!;
      const second = await client.writeAuthorizationModel(body);
      const newest = await client.writeAuthorizationModel(body);
      const first = await client.readAuthorizationModels({ pageSize: 2 });
      expect(first.authorization_models.map(({ id }) => id)).toEqual([
        newest.authorization_model_id,
        second.authorization_model_id,
      ]);
      const rest = await client.readAuthorizationModels({
        pageSize: 2,
        continuationToken: first.continuation_token!,
      });
      expect(rest.authorization_models.map(({ id }) => id)).toEqual([oldest]);
      expect(rest.continuation_token).toBe('');
    },
  },
  readLatestAuthorizationModel: {
    'gives the newest, or none in an empty store': async (fga) => {
      const client = await fga.client();
      const { authorization_model: model } = await client.readLatestAuthorizationModel();
      expect(model?.id).toBe(client.authorizationModelId);
      const { id } = await client.createStore({ name: 'empty' });
      const empty = fga.storeless(id);
      expect((await empty.readLatestAuthorizationModel()).authorization_model).toBeUndefined();
    },
  },
  writeAssertions: {
    'replaces what was there': async (fga) => {
      const client = await fga.client();
      await client.writeAssertions([{ ...BEN_IS_ENG, expectation: true }]);
      await client.writeAssertions([{ ...ANNE_OWNS, expectation: false }]);
      expect(await client.readAssertions()).toEqual({
        authorization_model_id: client.authorizationModelId,
        assertions: [expect.objectContaining({ tuple_key: ANNE_OWNS, expectation: false })],
      });
    },
  },
  readAssertions: {
    'is empty before any were written': async (fga) => {
      const client = await fga.client();
      expect((await client.readAssertions()).assertions).toEqual([]);
      await expectInvalid(
        client.readAssertions({ authorizationModelId: UNKNOWN_ID }),
        'authorization_model_not_found',
      );
    },
  },
};
