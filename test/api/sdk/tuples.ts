import { expect } from '@jest/globals';
import {
  ClientWriteRequestOnDuplicateWrites as OnDuplicate,
  ClientWriteRequestOnMissingDeletes as OnMissing,
  ClientWriteStatus,
  FgaApiError,
  FgaApiInternalError,
  FgaApiValidationError,
} from '@openfga/sdk';
import {
  ALL,
  ANNE_OWNS,
  BEN_IS_ENG,
  CARL_VIEWS,
  ENG_VIEWS,
  expectInvalid,
  failureOf,
  keyOf,
  nameOf,
  namesOf,
  stored,
} from './fga.js';
import type { MethodBehaviours } from './fga.js';

export const tupleBehaviours: MethodBehaviours = {
  write: {
    'writes and deletes in one transaction': async (fga) => {
      const client = await fga.client([ANNE_OWNS]);
      const written = await client.write({ writes: [BEN_IS_ENG], deletes: [ANNE_OWNS] });
      expect(written.writes.map(({ status }) => status)).toEqual([ClientWriteStatus.SUCCESS]);
      expect(await stored(client)).toEqual([nameOf(BEN_IS_ENG)]);
    },
    'writes nothing of a transaction with a fault': async (fga) => {
      const client = await fga.client([ANNE_OWNS]);
      const duplicate = client.write({ writes: [BEN_IS_ENG, ANNE_OWNS] });
      await expectInvalid(duplicate, 'write_failed_due_to_invalid_input');
      await expectInvalid(client.write({}), 'invalid_write_input');
      expect(await stored(client)).toEqual([nameOf(ANNE_OWNS)]);
    },
    'reports each tuple apart without a transaction': async (fga) => {
      const client = await fga.client([ANNE_OWNS]);
      const written = await client.write(
        { writes: [BEN_IS_ENG, ANNE_OWNS], deletes: [ENG_VIEWS] },
        { transaction: { disable: true, maxParallelRequests: 1 } },
      );
      expect(written.writes.map(({ status }) => status)).toEqual([
        ClientWriteStatus.SUCCESS,
        ClientWriteStatus.FAILURE,
      ]);
      expect(written.writes[1]?.err).toBeInstanceOf(FgaApiValidationError);
      expect(written.deletes.map(({ status }) => status)).toEqual([ClientWriteStatus.FAILURE]);
      expect(await stored(client)).toEqual(namesOf([ANNE_OWNS, BEN_IS_ENG]));
    },
    'ignores duplicates and the missing if told so': async (fga) => {
      const client = await fga.client([ANNE_OWNS]);
      await client.write(
        { writes: [ANNE_OWNS, BEN_IS_ENG], deletes: [ENG_VIEWS] },
        {
          conflict: {
            onDuplicateWrites: OnDuplicate.Ignore,
            onMissingDeletes: OnMissing.Ignore,
          },
        },
      );
      expect(await stored(client)).toEqual(namesOf([ANNE_OWNS, BEN_IS_ENG]));
      const { changes } = await client.readChanges();
      expect(changes.map(({ tuple_key }) => nameOf(tuple_key))).toEqual([
        nameOf(ANNE_OWNS),
        nameOf(BEN_IS_ENG),
      ]);
    },
    'answers 409 when an ignored duplicate differs in its condition': async (fga) => {
      const client = await fga.client([CARL_VIEWS]);
      const { condition, ...plain } = CARL_VIEWS;
      expect(condition).toBeDefined();
      const error = await failureOf(
        client.write({ writes: [plain] }, { conflict: { onDuplicateWrites: OnDuplicate.Ignore } }),
      );
      expect(error).toBeInstanceOf(FgaApiError);
      expect(error).toMatchObject({ statusCode: 409, responseData: { code: 'Aborted' } });
    },
  },
  writeTuples: {
    'writes all of them': async (fga) => {
      const client = await fga.client();
      await client.writeTuples([...ALL]);
      expect(await stored(client)).toEqual(namesOf(ALL));
    },
  },
  deleteTuples: {
    'deletes all of them': async (fga) => {
      const client = await fga.client(ALL);
      await client.deleteTuples([ANNE_OWNS, BEN_IS_ENG]);
      expect(await stored(client)).toEqual(namesOf([CARL_VIEWS, ENG_VIEWS]));
    },
  },
  read: {
    'gives conditions, and filters by object, relation and user': async (fga) => {
      const client = await fga.client(ALL);
      const [carl, ...none] = (await client.read({ user: 'user:carl', object: 'document:' }))
        .tuples;
      expect(none).toEqual([]);
      expect(carl).toEqual({ key: CARL_VIEWS, timestamp: expect.any(String) });
      const ofDocument2 = await client.read({ object: 'document:2', relation: 'viewer' });
      expect(ofDocument2.tuples.map(({ key }) => nameOf(key))).toEqual([nameOf(ENG_VIEWS)]);
    },
    'goes page by page': async (fga) => {
      const client = await fga.client(ALL);
      const first = await client.read({}, { pageSize: 3 });
      const rest = await client.read(
        {},
        { pageSize: 3, continuationToken: first.continuation_token },
      );
      expect(rest.continuation_token).toBe('');
      expect([first.tuples.length, rest.tuples.length]).toEqual([3, 1]);
      expect(namesOf([...first.tuples, ...rest.tuples].map(({ key }) => key))).toEqual(
        namesOf(ALL),
      );
    },
    'fails as an internal error when the database does': async (fga) => {
      const client = await fga.client();
      const { database } = fga.pemba.assembly;
      await database.query('ALTER TABLE relation_tuple RENAME TO lost');
      const error = await failureOf(client.read());
      await database.query('ALTER TABLE lost RENAME TO relation_tuple');
      expect(error).toBeInstanceOf(FgaApiInternalError);
      expect(error).toMatchObject({ statusCode: 500, apiErrorCode: 'internal_error' });
    },
    'refuses a page size beyond the limit and a token that is none': async (fga) => {
      const client = await fga.client();
      await expectInvalid(client.read({}, { pageSize: 101 }), 'page_size_invalid');
      await expectInvalid(
        client.read({}, { continuationToken: 'bm9uZQ' }),
        'invalid_continuation_token',
      );
    },
  },
  readChanges: {
    'gives writes and deletes in their order, page by page': async (fga) => {
      const client = await fga.client([ANNE_OWNS]);
      await client.write({ writes: [CARL_VIEWS], deletes: [ANNE_OWNS] });
      const first = await client.readChanges(undefined, { pageSize: 2 });
      const rest = await client.readChanges(undefined, {
        pageSize: 2,
        continuationToken: first.continuation_token!,
      });
      const changes = [...first.changes, ...rest.changes];
      expect(changes.map(({ operation, tuple_key }) => [operation, nameOf(tuple_key)])).toEqual([
        ['TUPLE_OPERATION_WRITE', nameOf(ANNE_OWNS)],
        ['TUPLE_OPERATION_DELETE', nameOf(ANNE_OWNS)],
        ['TUPLE_OPERATION_WRITE', nameOf(CARL_VIEWS)],
      ]);
      expect(rest.changes[0]?.tuple_key.condition).toEqual(CARL_VIEWS.condition);
      const end = await client.readChanges(undefined, {
        continuationToken: rest.continuation_token!,
      });
      expect(end).toEqual({ changes: [], continuation_token: rest.continuation_token });
    },
    'gives the changes of one type, and holds the token to it': async (fga) => {
      const client = await fga.client(ALL);
      const ofGroups = await client.readChanges({ type: 'group' });
      expect(ofGroups.changes.map(({ tuple_key }) => nameOf(tuple_key))).toEqual([
        nameOf(BEN_IS_ENG),
      ]);
      await expectInvalid(
        client.readChanges(
          { type: 'document' },
          { continuationToken: ofGroups.continuation_token! },
        ),
        'query_string_type_continuation_token_mismatch',
      );
    },
    'starts at a time': async (fga) => {
      const client = await fga.client([ANNE_OWNS]);
      fga.pemba.clock.putForward(1000);
      const startTime = new Date(fga.pemba.clock.now()).toISOString();
      await client.writeTuples([keyOf('user:late', 'owner', 'document:9')]);
      const { changes } = await client.readChanges({ type: '', startTime });
      expect(changes.map(({ tuple_key }) => tuple_key.user)).toEqual(['user:late']);
      await expectInvalid(
        client.readChanges({ type: '', startTime: '2999-01-01T00:00:00Z' }),
        'invalid_start_time',
      );
    },
  },
};
