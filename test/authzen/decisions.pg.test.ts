/** What goes with a decision: vetoes, obligations, reasons, properties, and services that act for users. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Store, expectStatus } from '../api/stores.js';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { AccessStore, entity, evaluation } from './worlds.js';

const MODEL = `model
  schema 1.1
type user
type service
  relations
    define acting_for: [user]
type scope
  relations
    define actor: [service]
type document
  relations
    define barred: [user, user with is_away]
    define viewer: [user, user:*]
    define editor: [user, user with is_near]
    define approver: [user]
    define press: [service]
    define can_print: viewer and acting_for from press
condition is_near(subject_distance: int) {
  subject_distance < 10
}
condition is_away(subject_away: bool) {
  subject_away
}
`;

const STEP_UP = { on: 'permit', type: 'step-up', properties: { acr_value: '2' } };
const TELL = {
  on: 'deny',
  type: 'notification',
  id: 'tell',
  properties: { to: 'a@b.c', body: 'no' },
};
const MAPPING = {
  types: { document: { forbidden: 'barred', obligations: { approver: [STEP_UP, TELL] } } },
  properties: { subject: ['distance', 'away'] },
};
const near = { ...{ user: 'user:cleo', relation: 'editor', object: 'document:1' } };
const away = { user: 'user:dora', relation: 'barred', object: 'document:1' };

const TUPLES = [
  'document:1#viewer@user:anne',
  'document:1#editor@user:anne',
  'document:1#viewer@user:ben',
  'document:1#barred@user:ben',
  'document:1#viewer@user:dora',
  { ...away, condition: { name: 'is_away', context: {} } },
  'document:1#approver@user:anne',
  { ...near, condition: { name: 'is_near', context: {} } },
  'document:1#press@service:press',
  'scope:document.can_print#actor@service:press',
  'document:2#viewer@user:*',
];

describeWithPostgres('a decision', () => {
  let pemba: Pemba;
  let store: AccessStore;
  beforeAll(async () => {
    pemba = await startPemba({ PEMBA_AUTHENTICATION: 'keys' });
    store = await AccessStore.with(pemba, MODEL, TUPLES, MAPPING);
  });
  afterAll(() => pemba.stop());

  const explained = async (
    subject: string,
    action: string,
    more: object = {},
  ): Promise<unknown> => {
    const question = { ...evaluation(subject, action, 'document:1'), ...more };
    return (await store.told('evaluation', { ...question, context: { explain: true } })).context;
  };

  it('tells its reason and revision where that is asked for', async () => {
    const revision = expect.any(Number);
    const reason = expect.stringMatching(/\w/);
    const told = (reason_code: string): object => ({ reason_code, reason, revision });
    expect(await explained('user:anne', 'viewer')).toEqual(told('granted'));
    expect(await explained('user:none', 'approver')).toEqual({
      ...told('no_path'),
      obligations: [{ id: 'tell', type: 'notification', properties: TELL.properties }],
    });
    expect(await explained('user:cleo', 'editor')).toEqual({
      ...told('missing_parameters'),
      missing_parameters: ['subject_distance'],
    });
    const far = { subject: { ...entity('user:cleo'), properties: { distance: 20 } } };
    expect(await explained('user:cleo', 'editor', far)).toEqual(told('condition_false'));
    const odd = { subject: { ...entity('user:cleo'), properties: { distance: 'far' } } };
    expect(await explained('user:cleo', 'editor', odd)).toEqual(told('condition_failed'));
    expect(await explained('user:ben', 'viewer')).toEqual(told('forbidden'));
  });

  it('of types and actions that there are not is no, and says why', async () => {
    for (const [subject, action, resource] of [
      ['none:1', 'viewer', 'document:1'],
      ['user:anne', 'none', 'document:1'],
      ['user:anne', 'viewer', 'none:1'],
      ['user:anne', 'toString', 'document:1'],
      ['user:anne', '__proto__', 'document:1'],
    ] as const) {
      expect(await store.told('evaluation', evaluation(subject, action, resource))).toEqual({
        decision: false,
        context: { error: { status: 400, message: expect.stringMatching(/no (type|action)/) } },
      });
    }
  });

  describe('with a veto', () => {
    it('is no whatever else holds, and while the veto cannot be told', async () => {
      expect(await store.decides('user:anne', 'viewer', 'document:1')).toBe(true);
      expect(await store.decides('user:ben', 'viewer', 'document:1')).toBe(false);
      expect(await store.decides('user:dora', 'viewer', 'document:1')).toBe(false);
      const here = { subject: { ...entity('user:dora'), properties: { away: false } } };
      expect(await store.decides('user:dora', 'viewer', 'document:1', here)).toBe(true);
      expect(await store.decides('user:ben', 'barred', 'document:1')).toBe(true);
    });

    it('is told alike by searches', async () => {
      const subjects = await store.found('subject', {
        ...evaluation('user:x', 'viewer', 'document:1'),
        subject: { type: 'user' },
      });
      expect(subjects).toEqual([entity('user:anne')]);
      const resource = { type: 'document' };
      const of = (subject: string): Promise<readonly object[]> =>
        store.found('resource', { subject: entity(subject), action: { name: 'viewer' }, resource });
      expect(await of('user:ben')).toEqual([entity('document:2')]);
      expect(await of('user:anne')).toEqual([entity('document:1'), entity('document:2')]);
    });
  });

  describe('with obligations', () => {
    const approve = (context: object): Promise<unknown> =>
      store.told('evaluation', { ...evaluation('user:anne', 'approver', 'document:1'), context });
    const obligation = {
      id: 'document.approver.0',
      type: 'step-up',
      properties: { acr_value: '2' },
    };

    it('is yes only to who can meet them', async () => {
      expect(await approve({ supported_obligations: ['step-up', 'custom'] })).toEqual({
        decision: true,
        context: { obligations: [obligation] },
      });
      expect(await approve({})).toEqual({ decision: false });
      expect(await approve({ supported_obligations: ['custom'] })).toMatchObject({
        decision: false,
      });
      expect(await approve({ explain: true })).toMatchObject({
        decision: false,
        context: { reason_code: 'unmet_obligations', obligations: [obligation] },
      });
      const wrong = { ...evaluation('user:anne', 'approver', 'document:1') };
      const answer = await store.ask('evaluation', {
        ...wrong,
        context: { supported_obligations: 'x' },
      });
      expectStatus(answer, 400);
    });

    it('is told alike by searches', async () => {
      const body = { ...evaluation('user:x', 'approver', 'document:1'), subject: { type: 'user' } };
      expect(await store.told('search/subject', body)).toEqual({ results: [] });
      const context = { supported_obligations: ['step-up'] };
      const obligations = [obligation];
      expect(await store.told('search/subject', { ...body, context })).toEqual({
        results: [{ ...entity('user:anne'), obligations }],
      });
      const resources = { ...body, subject: entity('user:anne'), resource: { type: 'document' } };
      expect(await store.told('search/resource', resources)).toEqual({ results: [] });
      expect(await store.told('search/resource', { ...resources, context })).toEqual({
        results: [{ ...entity('document:1'), obligations }],
      });
      const actions = { subject: entity('user:anne'), resource: entity('document:1') };
      const { results } = await store.told('search/action', actions);
      expect(results).toEqual([{ name: 'editor' }, { name: 'viewer' }]);
      const { results: more } = await store.told('search/action', { ...actions, context });
      expect(more).toEqual([
        { name: 'approver', obligations },
        { name: 'editor' },
        { name: 'viewer' },
      ]);
      for (const { name, ...carried } of more as readonly { readonly name: string }[]) {
        const asked = { ...evaluation('user:anne', name, 'document:1'), context };
        const { decision, context: told = {} } = await store.told('evaluation', asked);
        expect([name, decision, told]).toEqual([name, true, carried]);
      }
    });
  });

  describe('about properties', () => {
    const cleo = (properties: object, more: object = {}): Promise<boolean> =>
      store.decides('user:cleo', 'editor', 'document:1', {
        subject: { ...entity('user:cleo'), properties },
        ...more,
      });

    it('does not take from the context what only properties may say', async () => {
      expect(await cleo({ distance: 1 })).toBe(true);
      expect(await cleo({ distance: 50 }, { context: { subject_distance: 1 } })).toBe(false);
      expect(await cleo({}, { context: { subject_distance: 1, subject: { distance: 1 } } })).toBe(
        false,
      );
    });

    it('takes only those that the mapping lists, of callers that it lists', async () => {
      const { json } = await pemba.call('POST', '/admin/keys', {
        name: 'gateway',
        roles: [{ role: 'reader', store_id: store.store.id }],
      });
      const other = { authorization: `Bearer ${String(json.key)}` };
      const question = {
        ...evaluation('user:cleo', 'editor', 'document:1'),
        subject: { ...entity('user:cleo'), properties: { distance: 1 } },
      };
      const asOther = async (): Promise<unknown> =>
        (await store.ask('evaluation', question, { headers: other })).json.decision;
      const put = (properties: object): Promise<Answer> =>
        pemba.call('PUT', `${store.store.path}/authzen-mapping`, { ...MAPPING, properties });
      try {
        expectStatus(await put({ subject: ['away'] }), 201);
        expect(await cleo({ distance: 1 })).toBe(false);
        expectStatus(await put({ subject: ['*'] }), 201);
        expect(await cleo({ distance: 1 })).toBe(true);
        expectStatus(
          await put({ subject: ['distance'], callers: [`key:${String(json.id)}`] }),
          201,
        );
        expect([await cleo({ distance: 1 }), await asOther()]).toEqual([false, true]);
      } finally {
        expectStatus(await put(MAPPING.properties), 201);
      }
    });
  });

  describe('on a service that acts for the user', () => {
    const keyWith = async (...roles: readonly object[]): Promise<Record<string, string>> => {
      const { json } = await pemba.call('POST', '/admin/keys', {
        name: 'k',
        roles: roles.map((role) => ({ store_id: store.store.id, ...role })),
      });
      return { authorization: `Bearer ${String(json.key)}` };
    };
    const print = evaluation('user:anne', 'can_print', 'document:1');
    const asking = async (
      headers: Record<string, string>,
      more: object,
    ): Promise<readonly [number, unknown]> => {
      const answer = await store.ask('evaluation', { ...print, ...more }, { headers });
      return [answer.status, answer.json.decision ?? answer.json.code];
    };
    const READER = { role: 'reader' };
    const PRESS = { role: 'acts_as', service: 'press' };
    const delegated = { options: { delegated: true } };

    it('is about the service that calls', async () => {
      const press = await keyWith(READER, PRESS);
      expect(await asking(press, {})).toEqual([200, false]);
      expect(await asking(press, delegated)).toEqual([200, true]);
      expect(await asking(press, { context: { actor: 'service:press' } })).toEqual([200, true]);
      const act = { ...entity('user:anne'), properties: { act: { sub: 'service:press' } } };
      expect(await asking(press, { subject: act })).toEqual([200, true]);
      const other = { subject: entity('user:none'), ...delegated };
      expect(await asking(press, other)).toEqual([200, false]);
    });

    it('refuses an actor that the caller is not, and says which right that takes', async () => {
      const reader = await keyWith(READER);
      expect(await asking(reader, delegated)).toEqual([403, 'forbidden']);
      const named = { context: { actor: 'service:press' } };
      expect(await asking(reader, named)).toEqual([403, 'forbidden']);
      const asserting = await keyWith(READER, { role: 'asserter' });
      expect(await asking(asserting, named)).toEqual([200, true]);
      expect(await asking(asserting, { context: { actor: 'service:mill' } })).toEqual([200, false]);
    });

    it('refuses what is no actor, an actor in a search, and a model without delegation', async () => {
      const press = await keyWith(READER, PRESS);
      for (const actor of [1, 'user:anne', 'service:*', {}, 'service:a#b']) {
        expect(await asking(press, { context: { actor } })).toEqual([400, 'invalid_request']);
      }
      let act: object = { sub: 'service:press' };
      for (let i = 0; i < 20; i++) act = { sub: 'service:press', act };
      const deep = { subject: { ...entity('user:anne'), properties: { act } } };
      expect((await asking(press, deep))[0]).toBe(400);
      const search = { ...print, subject: { type: 'user' }, ...delegated };
      expectStatus(await store.ask('search/subject', search, { headers: press }), 400);
      const plain = await Store.with(
        pemba,
        'model\n  schema 1.1\ntype user\n  relations\n    define boss: [user]\n',
      );
      const question = {
        ...evaluation('user:a', 'boss', 'user:b'),
        context: { actor: 'service:x' },
      };
      const answer = expectStatus(await plain.post('access/v1/evaluation', question), 400);
      expect(answer.json.code).toBe('no_delegation');
    });

    it('judges each item of a batch on its own', async () => {
      const press = await keyWith(READER, PRESS);
      const body = {
        ...print,
        options: { delegated: true },
        evaluations: [{}, { context: { actor: 'service:mill' } }],
      };
      const answer = expectStatus(await store.ask('evaluations', body, { headers: press }), 200);
      expect(answer.json.evaluations).toEqual([
        { decision: true },
        { decision: false, context: { error: { status: 403, message: expect.any(String) } } },
      ]);
    });
  });

  it('is the same by the short way and by that of all requests', async () => {
    const long = {
      headers: { 'content-type': 'application/json; version=1', 'x-request-id': 'r' },
    };
    const short = { headers: { 'content-type': 'application/json', 'x-request-id': 'r' } };
    const properties = { distance: 1, away: false };
    for (const [subject, action, more] of [
      ['user:anne', 'viewer', {}],
      ['user:ben', 'viewer', { context: { explain: true } }],
      ['user:anne', 'approver', { context: { supported_obligations: ['step-up'] } }],
      ['user:anne', 'none', {}],
      ['user:cleo', 'editor', { subject: { ...entity('user:cleo'), properties } }],
      ['user:cleo', 'editor', { context: { supported_obligations: 1 } }],
      ['user:anne', 'can_print', { options: { delegated: true } }],
      ['', 'viewer', {}],
    ] as const) {
      const question = { ...evaluation(subject, action, 'document:1'), ...more };
      const answers = [];
      for (const way of [long, short, short]) {
        const { status, headers, text } = await store.ask('evaluation', question, way);
        const own = [...headers].filter(([name]) => !['date', 'keep-alive'].includes(name));
        answers.push({ status, headers: own.sort(), text });
      }
      expect(answers[1]).toEqual(answers[0]);
      expect(answers[2]).toEqual(answers[0]);
    }
  });

  it('is not for who may not ask: 401 with a challenge, 403, and a store that is hidden', async () => {
    const question = evaluation('user:anne', 'viewer', 'document:1');
    const as = (authorization: string): Promise<Answer> =>
      store.ask('evaluation', question, { headers: { authorization, 'x-request-id': 'r 1' } });
    const unknown = expectStatus(await as('Bearer none'), 401);
    expect(unknown.headers.get('www-authenticate')).toMatch(/^Bearer/);
    expect(unknown.headers.get('x-request-id')).toBe('r 1');
    expect(unknown.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    const { json } = await pemba.call('POST', '/admin/keys', { name: 'k', roles: [] });
    expectStatus(await as(`Bearer ${String(json.key)}`), 404);
  });
});
