import type { Readable } from 'node:stream';
import { expect } from '@jest/globals';
import { ConsistencyPreference, FgaApiValidationError } from '@openfga/sdk';
import {
  ALL,
  ANNE_OWNS,
  AT_HOME,
  BEN_IS_ENG,
  CARL_VIEWS,
  ENG_VIEWS,
  IN_OFFICE,
  UNKNOWN_ID,
  collect,
  expectInvalid,
  expectNotFound,
  failureOf,
  keyOf,
} from './fga.js';
import type { MethodBehaviours } from './fga.js';

const ANNE_VIEWS = keyOf('user:anne', 'viewer', 'document:1');
const BEN_VIEWS = keyOf('user:ben', 'viewer', 'document:2');
const CARL_ASKS = keyOf('user:carl', 'viewer', 'document:3');

export const checkBehaviours: MethodBehaviours = {
  check: {
    'answers through ownership, groups and conditions': async (fga) => {
      const client = await fga.client(ALL);
      expect(await client.check(ANNE_VIEWS)).toEqual({ allowed: true, resolution: '' });
      expect((await client.check(BEN_VIEWS)).allowed).toBe(true);
      expect((await client.check(keyOf('user:ben', 'viewer', 'document:1'))).allowed).toBe(false);
      expect((await client.check({ ...CARL_ASKS, context: IN_OFFICE })).allowed).toBe(true);
      expect((await client.check({ ...CARL_ASKS, context: AT_HOME })).allowed).toBe(false);
    },
    'takes contextual tuples and HIGHER_CONSISTENCY': async (fga) => {
      const client = await fga.client();
      const asked = { ...BEN_VIEWS, contextualTuples: [BEN_IS_ENG, ENG_VIEWS] };
      expect((await client.check(asked)).allowed).toBe(true);
      const fresh = await client.check(BEN_VIEWS, {
        consistency: ConsistencyPreference.HigherConsistency,
      });
      expect(fresh.allowed).toBe(false);
    },
    'fails where a condition misses its context, or a name is unknown': async (fga) => {
      const client = await fga.client(ALL);
      await expectInvalid(client.check(CARL_ASKS), 'validation_error');
      await expectInvalid(client.check(keyOf('user:a', 'none', 'document:1')), 'validation_error');
      await expectInvalid(
        client.check(ANNE_VIEWS, { authorizationModelId: UNKNOWN_ID }),
        'authorization_model_not_found',
      );
      const badTuple = keyOf('document:1', 'owner', 'document:1');
      await expectInvalid(
        client.check({ ...ANNE_VIEWS, contextualTuples: [badTuple] }),
        'invalid_tuple',
      );
    },
  },
  clientBatchCheck: {
    'asks one by one and reports each apart': async (fga) => {
      const client = await fga.client(ALL);
      const { result } = await client.clientBatchCheck([ANNE_VIEWS, CARL_ASKS], {
        maxParallelRequests: 1,
      });
      expect(result.map(({ allowed }) => allowed)).toEqual([true, undefined]);
      expect(result[1]).toMatchObject({ error: { apiErrorCode: 'validation_error' } });
    },
  },
  batchCheck: {
    'answers each item, in chunks if need be': async (fga) => {
      const client = await fga.client(ALL);
      const checks = [
        { ...ANNE_VIEWS, correlationId: 'anne' },
        { ...BEN_VIEWS, correlationId: 'ben' },
        { ...CARL_ASKS, correlationId: 'carl', context: IN_OFFICE },
        {
          ...keyOf('user:dora', 'viewer', 'document:1'),
          correlationId: 'dora',
          contextualTuples: { tuple_keys: [keyOf('user:dora', 'owner', 'document:1')] },
        },
        { ...keyOf('user:eve', 'viewer', 'document:1'), correlationId: 'eve' },
      ];
      const { result } = await client.batchCheck({ checks }, { maxBatchSize: 2 });
      const allowed = Object.fromEntries(result.map((one) => [one.correlationId, one.allowed]));
      expect(allowed).toEqual({ anne: true, ben: true, carl: true, dora: true, eve: false });
      expect(result.every(({ error }) => error === undefined)).toBe(true);
    },
    'lets one item fail alone': async (fga) => {
      const client = await fga.client(ALL);
      const { result } = await client.batchCheck({
        checks: [
          { ...ANNE_VIEWS, correlationId: 'good' },
          { ...CARL_ASKS, correlationId: 'bad' },
        ],
      });
      const [bad, good] = [...result].sort((a, b) => (a.correlationId < b.correlationId ? -1 : 1));
      expect(good).toMatchObject({ allowed: true });
      expect(bad?.error?.input_error).toBe('validation_error');
    },
  },
  listRelations: {
    'gives those that hold': async (fga) => {
      const client = await fga.client(ALL);
      const relations = ['owner', 'viewer'];
      const anne = await client.listRelations({ ...ANNE_OWNS, relations });
      expect([...anne.relations].sort()).toEqual(relations);
      const ben = await client.listRelations({ user: 'user:ben', object: 'document:2', relations });
      expect(ben.relations).toEqual(['viewer']);
      await expectInvalid(
        client.listRelations({ ...ANNE_OWNS, relations: ['none'] }),
        'validation_error',
      );
    },
  },
};

export const listBehaviours: MethodBehaviours = {
  expand: {
    'gives the tree of one set': async (fga) => {
      const client = await fga.client(ALL);
      const { tree } = await client.expand({ relation: 'viewer', object: 'document:2' });
      const name = 'document:2#viewer';
      expect(tree).toEqual({
        root: {
          name,
          union: {
            nodes: [
              { name, leaf: { users: { users: ['group:eng#member'] } } },
              { name, leaf: { computed: { userset: 'document:2#owner' } } },
            ],
          },
        },
      });
    },
    'lays contextual tuples over the stored': async (fga) => {
      const client = await fga.client();
      const { tree } = await client.expand({
        relation: 'member',
        object: 'group:eng',
        contextualTuples: [BEN_IS_ENG],
      });
      expect(tree?.root?.leaf?.users?.users).toEqual(['user:ben']);
      await expectInvalid(
        client.expand({ relation: 'none', object: 'group:eng' }),
        'validation_error',
      );
    },
  },
  listObjects: {
    'gives what the user can reach': async (fga) => {
      const client = await fga.client(ALL);
      const asked = { relation: 'viewer', type: 'document' };
      expect(await client.listObjects({ ...asked, user: 'user:anne' })).toEqual({
        objects: ['document:1'],
      });
      const everyone = keyOf('user:*', 'viewer', 'document:4');
      const carl = await client.listObjects({
        ...asked,
        user: 'user:carl',
        context: IN_OFFICE,
        contextualTuples: [everyone],
      });
      expect([...carl.objects].sort()).toEqual(['document:3', 'document:4']);
    },
    'has codes of its own for unknown names': async (fga) => {
      const client = await fga.client();
      await expectInvalid(
        client.listObjects({ user: 'user:a', relation: 'viewer', type: 'none' }),
        'type_not_found',
      );
      await expectInvalid(
        client.listObjects({ user: 'user:a', relation: 'none', type: 'document' }),
        'relation_not_found',
      );
    },
  },
  streamedListObjects: {
    'yields every object': async (fga) => {
      const documents = Array.from({ length: 90 }, (_, i) => `document:${i}`);
      const client = await fga.client(documents.map((id) => keyOf('user:anne', 'owner', id)));
      const asked = { user: 'user:anne', relation: 'viewer', type: 'document' };
      const objects = (await collect(client.streamedListObjects(asked))).map(
        ({ object }) => object,
      );
      expect(objects.sort()).toEqual(documents.sort());
    },
    'fails before the first object': async (fga) => {
      const client = await fga.client();
      const asked = { user: 'user:anne', relation: 'none', type: 'document' };
      const error = await failureOf(collect(client.streamedListObjects(asked)));
      expect(error).toBeInstanceOf(FgaApiValidationError);
      // The client leaves the answer unread, and with it the connection open.
      (error as { readonly responseData: Readable }).responseData.destroy();
    },
  },
  listUsers: {
    'gives objects, usersets and wildcards': async (fga) => {
      const everyone = keyOf('user:*', 'viewer', 'document:2');
      const client = await fga.client([...ALL, everyone]);
      const object = { type: 'document', id: '2' };
      const users = await client.listUsers({
        object,
        relation: 'viewer',
        user_filters: [{ type: 'user' }],
      });
      expect(users.users).toHaveLength(2);
      expect(users.users).toEqual(
        expect.arrayContaining([
          { object: { type: 'user', id: 'ben' } },
          { wildcard: { type: 'user' } },
        ]),
      );
      const groups = await client.listUsers({
        object,
        relation: 'viewer',
        user_filters: [{ type: 'group', relation: 'member' }],
      });
      expect(groups.users).toEqual([{ userset: { type: 'group', id: 'eng', relation: 'member' } }]);
    },
    'takes context and contextual tuples': async (fga) => {
      const client = await fga.client([CARL_VIEWS]);
      const { users } = await client.listUsers({
        object: { type: 'document', id: '3' },
        relation: 'viewer',
        user_filters: [{ type: 'user' }],
        context: IN_OFFICE,
        contextualTuples: [keyOf('user:dora', 'owner', 'document:3')],
      });
      expect(users.map(({ object }) => object?.id).sort()).toEqual(['carl', 'dora']);
    },
  },
};

export const rawBehaviours: MethodBehaviours = {
  executeApiRequest: {
    'reaches what only Pemba has': async (fga) => {
      const client = await fga.client(ALL);
      const deleted = await client.executeApiRequest<{ readonly deleted: number }>({
        operationName: 'DeleteByFilter',
        method: 'POST',
        path: '/stores/{store_id}/delete-by-filter',
        pathParams: { store_id: client.storeId! },
        body: { filter: { user: 'user:' } },
      });
      expect(deleted.deleted).toBe(3);
    },
    'fails like the methods with a name': async (fga) => {
      const request = { operationName: 'None', method: 'GET', path: '/none' } as const;
      await expectNotFound(fga.storeless().executeApiRequest(request), 'undefined_endpoint');
    },
  },
  executeStreamedApiRequest: {
    'gives the lines as a stream': async (fga) => {
      const client = await fga.client([ANNE_OWNS]);
      const stream: AsyncIterable<Buffer> = await client.executeStreamedApiRequest({
        operationName: 'StreamedListObjects',
        method: 'POST',
        path: '/stores/{store_id}/streamed-list-objects',
        pathParams: { store_id: client.storeId! },
        body: { user: 'user:anne', relation: 'viewer', type: 'document' },
      });
      const chunks = await collect(stream);
      expect(Buffer.concat(chunks).toString()).toBe('{"result":{"object":"document:1"}}\n');
    },
  },
};
