/** AuthZEN's certification scenario: Basic, Batch and Search, core and properties, and Discovery. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader, importJWK, jwtVerify } from 'jose';
import type { JWK } from 'jose';
import { expectStatus } from '../api/stores.js';
import type { Tuple } from '../api/stores.js';
import { startPemba } from '../support/pemba.js';
import type { Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { AccessStore, entity, evaluation, modelNamed } from './worlds.js';

const conditional = (name: string, condition: string, status?: string): Tuple => {
  const [, object = '', relation = '', user = ''] = /^([^#]+)#([^@]+)@(.+)$/.exec(name) ?? [];
  const context = status === undefined ? {} : { status };
  return { user, relation, object, condition: { name: condition, context } };
};

const TUPLES = [
  'role:admin#holder@user:bob',
  ...Object.entries({ 'record-1': 'active', 'record-2': 'archived' }).flatMap(([id, status]) => [
    `record:${id}#reader@user:alice`,
    `record:${id}#reader@user:bob`,
    conditional(`record:${id}#author@user:alice`, 'is_active', status),
    conditional(`record:${id}#administrator@role:admin#holder`, 'is_archived', status),
    conditional(`record:${id}#administrator@user:*`, 'is_admin_of_archived', status),
    conditional(`record:${id}#deleter@user:alice`, 'is_soft'),
  ]),
];

const MAPPING = {
  types: { record: { actions: { read: 'can_read', write: 'can_write', delete: 'can_delete' } } },
  properties: { subject: ['role'], resource: ['status'], action: ['soft'] },
};

/** Subject, action and resource, each with properties. */
const asked = (
  [subject, subjectProperties]: readonly [string, object?],
  [name, actionProperties]: readonly [string, object?],
  [resource, resourceProperties]: readonly [string, object?],
): object => ({
  subject: { ...entity(subject), ...(subjectProperties && { properties: subjectProperties }) },
  action: { name, ...(actionProperties && { properties: actionProperties }) },
  resource: { ...entity(resource), ...(resourceProperties && { properties: resourceProperties }) },
});

const ALICE = ['user:alice'] as const;
const BOB = ['user:bob'] as const;
const ADMIN = ['user:alice', { role: 'admin' }] as const;
const RECORD_1 = ['record:record-1'] as const;
const ARCHIVED = ['record:record-1', { status: 'archived' }] as const;

const EIGHT = [
  ['alice reads an active record', asked(ALICE, ['read'], RECORD_1), true],
  ['alice writes an active record', asked(ALICE, ['write'], RECORD_1), true],
  ['bob reads it', asked(BOB, ['read'], RECORD_1), true],
  ['bob does not write it, admin or not', asked(BOB, ['write'], RECORD_1), false],
  [
    'alice does not write it where it is said to be archived',
    asked(ALICE, ['write'], ARCHIVED),
    false,
  ],
  ['an admin does', asked(ADMIN, ['write'], ARCHIVED), true],
  ['alice deletes softly', asked(ALICE, ['delete', { soft: true }], RECORD_1), true],
  ['and not hard', asked(ALICE, ['delete', { soft: false }], RECORD_1), false],
] as const;

describeWithPostgres("AuthZEN's certification scenario", () => {
  let pemba: Pemba;
  let store: AccessStore;
  beforeAll(async () => {
    pemba = await startPemba({ PEMBA_PUBLIC_URL: 'https://pdp.example' });
    store = await AccessStore.with(pemba, modelNamed('certification'), TUPLES, MAPPING);
  });
  afterAll(() => pemba.stop());

  describe('basic', () => {
    it.each(EIGHT)('%s', async (_what, question, decision) => {
      for (let i = 0; i < 3; i++)
        expect(await store.told('evaluation', question)).toEqual({ decision });
    });

    it('takes what is stored where the request says nothing', async () => {
      expect(await store.decides('user:alice', 'write', 'record:record-2')).toBe(false);
      expect(await store.decides('user:bob', 'write', 'record:record-2')).toBe(true);
    });

    it('is not disturbed by a context, unknown members and other properties', async () => {
      const question = {
        ...asked(['user:alice', { department: 'x', tags: [1, { a: null }] }], ['read'], RECORD_1),
        context: { time: '2024-10-26T01:22-07:00', nested: { list: [1, 2] } },
        somethingElse: { of: 'mine' },
      };
      expect(await store.told('evaluation', question)).toEqual({ decision: true });
    });

    it('answers JSON with the id of the request', async () => {
      const headers = { 'x-request-id': 'bfe9eb29-ab87-4ca3-be83-a1d5d8305716' };
      const options = { headers: { ...headers, 'content-type': 'application/json' } };
      const answer = await store.ask('evaluation', EIGHT[0][1], options);
      expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
      expect(answer.headers.get('x-request-id')).toBe(headers['x-request-id']);
      expect(expectStatus(await store.ask('evaluation', EIGHT[0][1]), 200)).toBeDefined();
    });

    const question = evaluation('user:alice', 'read', 'record:record-1');
    const without = (name: string): object =>
      Object.fromEntries(Object.entries(question).filter(([member]) => member !== name));
    it.each([
      ['no subject', without('subject')],
      ['no action', without('action')],
      ['no resource', without('resource')],
      ['a subject without a type', { ...question, subject: { id: 'alice' } }],
      ['a subject without an id', { ...question, subject: { type: 'user' } }],
      ['an action without a name', { ...question, action: {} }],
      ['a resource without an id', { ...question, resource: { type: 'record' } }],
      ['a number for an id', { ...question, subject: { type: 'user', id: 1 } }],
      ['a string for a subject', { ...question, subject: 'user:alice' }],
      ['a list of properties', { ...question, subject: { type: 'user', id: 'a', properties: [] } }],
      ['a string for a context', { ...question, context: 'x' }],
      ['a list', [question]],
    ])('refuses %s', async (_what, body) => {
      const answer = expectStatus(await store.ask('evaluation', body), 400);
      expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
      expect(answer.json).toMatchObject({ status: 400, detail: expect.stringMatching(/\w/) });
    });

    it.each([
      ['an empty body', '', 'application/json'],
      ['malformed JSON', '{"subject":', 'application/json'],
      ['a wrong content type', JSON.stringify(question), 'text/plain'],
      ['XML', '<x/>', 'application/xml'],
    ])('refuses %s', async (_what, raw, type) => {
      const headers = { 'content-type': type, 'x-request-id': 'mine' };
      const answer = expectStatus(await store.ask('evaluation', undefined, { raw, headers }), 400);
      expect(answer.headers.get('x-request-id')).toBe('mine');
    });
  });

  describe('batch', () => {
    const [alice, , , denied] = EIGHT.map(([, body]) => body);
    const decisions = (...all: readonly boolean[]): object => ({
      evaluations: all.map((decision) => ({ decision })),
    });
    const batch = (semantic: string, ...evaluations: readonly unknown[]): Promise<unknown> =>
      store.told('evaluations', { evaluations, options: { evaluations_semantic: semantic } });

    it('answers in the order of the questions', async () => {
      const evaluations = EIGHT.map(([, body]) => body);
      expect(await store.told('evaluations', { evaluations })).toEqual(
        decisions(...EIGHT.map(([, , decision]) => decision)),
      );
    });

    it('takes defaults as wholes', async () => {
      const body = {
        ...asked(ALICE, ['write'], ARCHIVED),
        evaluations: [
          {},
          { resource: entity('record:record-1') },
          { subject: { ...entity('user:bob'), properties: { role: 'admin' } } },
          { action: { name: 'read' } },
        ],
      };
      expect(await store.told('evaluations', body)).toEqual(decisions(false, true, true, true));
    });

    it('does not hold a default to its shape that every item replaces', async () => {
      const body = {
        ...asked(ALICE, ['read'], RECORD_1),
        resource: {},
        evaluations: [{ resource: entity('record:record-1') }],
      };
      expect(await store.told('evaluations', body)).toEqual(decisions(true));
    });

    it('is an evaluation where there are no items', async () => {
      expect(await store.told('evaluations', alice)).toEqual({ decision: true });
      const empty = { ...alice, evaluations: [] };
      expect(await store.told('evaluations', empty)).toEqual({ decision: true });
      expectStatus(await store.ask('evaluations', { evaluations: [] }), 400);
    });

    it('goes through all by default, and stops where it is told to', async () => {
      expect(await batch('execute_all', denied, alice)).toEqual(decisions(false, true));
      expect(await batch('deny_on_first_deny', alice, denied, alice)).toEqual(
        decisions(true, false),
      );
      expect(await batch('permit_on_first_permit', denied, alice, denied)).toEqual(
        decisions(false, true),
      );
    });

    it('tells of an item that is none, and goes on', async () => {
      const { evaluations } = await store.told('evaluations', { evaluations: [{}, 'x', alice] });
      expect(evaluations).toEqual([
        { decision: false, context: { error: { status: 400, message: expect.any(String) } } },
        { decision: false, context: { error: { status: 400, message: expect.any(String) } } },
        { decision: true },
      ]);
      const stopped = (await batch('deny_on_first_deny', {}, alice)) as { evaluations: unknown[] };
      expect(stopped.evaluations).toHaveLength(1);
    });

    it('ignores options that it does not know, and refuses a semantic that there is not', async () => {
      const options = { another: true, evaluations_semantic: 'execute_all' };
      expect(await store.told('evaluations', { evaluations: [alice], options })).toEqual(
        decisions(true),
      );
      const wrong = { evaluations: [alice], options: { evaluations_semantic: 'any' } };
      expectStatus(await store.ask('evaluations', wrong), 400);
      expectStatus(await store.ask('evaluations', { ...alice, evaluations: {} }), 400);
    });
  });

  describe('search', () => {
    const people = (...ids: readonly string[]): object => ({
      results: ids.map((id) => ({ type: 'user', id })),
    });
    const records = (...ids: readonly string[]): object => ({
      results: ids.map((id) => ({ type: 'record', id })),
    });

    it('finds subjects, whatever id the searched one has', async () => {
      const body = { ...asked(ALICE, ['read'], RECORD_1), subject: { type: 'user' } };
      const told = await store.told('search/subject', body);
      expect(told).toEqual(people('alice', 'bob'));
      const withId = { ...body, subject: { type: 'user', id: 'nobody' } };
      expect(await store.told('search/subject', withId)).toEqual(told);
    });

    it('finds subjects by what is stored of them and of the resource', async () => {
      const body = { action: { name: 'write' }, subject: { type: 'user' } };
      const of = (resource: object): Promise<unknown> =>
        store.told('search/subject', { ...body, resource });
      expect(await of(entity('record:record-1'))).toEqual(people('alice'));
      expect(await of(entity('record:record-2'))).toEqual(people('bob'));
      const archived = { ...entity('record:record-1'), properties: { status: 'archived' } };
      expect(await of(archived)).toEqual(people('bob'));
    });

    it('finds everybody whom a wildcard lets in, one by one', async () => {
      const body = {
        action: { name: 'write' },
        resource: entity('record:record-2'),
        subject: { type: 'user', properties: { role: 'admin' } },
      };
      expect(await store.told('search/subject', body)).toEqual(people('alice', 'bob'));
    });

    it('finds resources, by what is stored of them and what is said', async () => {
      const of = (subject: string, more = {}): Promise<unknown> =>
        store.told('search/resource', {
          subject: entity(subject),
          action: { name: 'write' },
          resource: { type: 'record', ...more },
        });
      expect(await of('user:alice')).toEqual(records('record-1'));
      expect(await of('user:bob')).toEqual(records('record-2'));
      expect(await of('user:alice', { id: 'none' })).toEqual(records('record-1'));
      const active = { properties: { status: 'active' } };
      expect(await of('user:alice', active)).toEqual(records('record-1', 'record-2'));
      expect(await of('user:bob', active)).toEqual(records());
    });

    it('finds actions', async () => {
      const of = async (subject: string, resource: string): Promise<unknown> =>
        (
          await store.told('search/action', {
            subject: entity(subject),
            resource: entity(resource),
          })
        ).results;
      expect(await of('user:alice', 'record:record-1')).toEqual([
        { name: 'read' },
        { name: 'write' },
      ]);
      expect(await of('user:bob', 'record:record-1')).toEqual([{ name: 'read' }]);
      expect(await of('user:bob', 'record:record-2')).toEqual([
        { name: 'read' },
        { name: 'write' },
      ]);
    });

    it.each([
      [
        'subject',
        { resource: entity('record:none'), action: { name: 'read' }, subject: { type: 'user' } },
      ],
      [
        'subject',
        { resource: entity('none:1'), action: { name: 'read' }, subject: { type: 'user' } },
      ],
      [
        'subject',
        {
          resource: entity('record:record-1'),
          action: { name: 'none' },
          subject: { type: 'user' },
        },
      ],
      [
        'subject',
        {
          resource: entity('record:record-1'),
          action: { name: 'read' },
          subject: { type: 'none' },
        },
      ],
      [
        'resource',
        { subject: entity('user:none'), action: { name: 'read' }, resource: { type: 'record' } },
      ],
      [
        'resource',
        { subject: entity('user:bob'), action: { name: 'read' }, resource: { type: 'none' } },
      ],
      ['action', { subject: entity('user:none'), resource: entity('record:record-1') }],
      ['action', { subject: entity('user:bob'), resource: entity('none:record-1') }],
    ])('of what nobody knows finds nothing: %s %j', async (name, body) => {
      expect(await store.told(`search/${name}`, body)).toEqual({ results: [] });
    });

    it('gives pages to their end, and refuses a token with another question or limit', async () => {
      const body = { ...asked(ALICE, ['read'], RECORD_1), subject: { type: 'user' } };
      const first = await store.told('search/subject', { ...body, page: { limit: 1 } });
      expect(Object.keys(first as object)).toEqual(['page', 'results']);
      expect(first).toEqual({
        ...people('alice'),
        page: { next_token: expect.any(String), count: 1 },
      });
      const token = (first as { page: { next_token: string } }).page.next_token;
      const second = { ...people('bob'), page: { next_token: '', count: 1 } };
      expect(await store.told('search/subject', { ...body, page: { token } })).toEqual(second);
      expect(await store.told('search/subject', { ...body, page: { token, limit: 1 } })).toEqual(
        second,
      );
      for (const wrong of [
        { ...body, page: { token, limit: 2 } },
        { ...body, page: { token: `${token}x` } },
        { ...body, action: { name: 'write' }, page: { token } },
        { ...body, resource: entity('record:record-2'), page: { token } },
        { ...body, context: { other: 1 }, page: { token } },
        { ...body, page: { limit: 0 } },
      ]) {
        expectStatus(await store.ask('search/subject', wrong), 400);
      }
    });
  });

  describe('discovery', () => {
    it('tells absolute addresses of the store, and signs them', async () => {
      const { path } = store.store;
      const answer = await pemba.call('GET', `/.well-known/authzen-configuration${path}`);
      const { signed_metadata: signed, ...metadata } = expectStatus(answer, 200).json;
      const point = `https://pdp.example${path}`;
      expect(metadata).toEqual({
        policy_decision_point: point,
        access_evaluation_endpoint: `${point}/access/v1/evaluation`,
        access_evaluations_endpoint: `${point}/access/v1/evaluations`,
        search_subject_endpoint: `${point}/access/v1/search/subject`,
        search_resource_endpoint: `${point}/access/v1/search/resource`,
        search_action_endpoint: `${point}/access/v1/search/action`,
        supported_obligations: ['step-up', 'notification', 'custom'],
      });
      expect(answer.headers.get('cache-control')).toBe('public, max-age=300');
      // Without a master key nothing is signed.
      expect(signed).toBeUndefined();
    });

    it('says the same in a signature, by a published key', async () => {
      const signing = await startPemba({
        PEMBA_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
      });
      try {
        const path = `/.well-known/authzen-configuration${store.store.path}`;
        const { json } = expectStatus(await signing.call('GET', path), 200);
        const { signed_metadata: signed, ...metadata } = json;
        const { keys } = (await signing.call('GET', '/.well-known/jwks.json')).json;
        const { kid } = decodeProtectedHeader(signed as string);
        const key = (keys as JWK[]).find((one) => one.kid === kid)!;
        const options = {
          typ: 'authzen-configuration+jwt',
          issuer: metadata.policy_decision_point,
        };
        await jwtVerify(signed as string, await importJWK(key), options);
        expect(decodeJwt(signed as string)).toMatchObject(metadata as object);
      } finally {
        await signing.stop();
      }
    });

    it('is at the root for the store that the configuration names', async () => {
      const settings = {
        PEMBA_AUTHZEN_STORE: store.store.id,
        PEMBA_PUBLIC_URL: 'https://one.example',
      };
      const other = await startPemba(settings, pemba);
      try {
        const { json } = await other.call('GET', '/.well-known/authzen-configuration');
        expect(json).toMatchObject({
          policy_decision_point: 'https://one.example',
          search_action_endpoint: 'https://one.example/access/v1/search/action',
        });
        const { json: decision } = await other.call('POST', '/access/v1/evaluation', EIGHT[0][1]);
        expect(decision).toEqual({ decision: true });
        const search = { subject: entity('user:bob'), resource: entity('record:record-1') };
        const { json: found } = await other.call('POST', '/access/v1/search/action', search);
        expect(found).toEqual({ results: [{ name: 'read' }] });
      } finally {
        await other.stop();
      }
      expectStatus(await pemba.call('POST', '/access/v1/evaluation', EIGHT[0][1]), 404);
    });
  });
});
