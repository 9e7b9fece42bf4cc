/**
 * Questions about the bearer of a token: the example of `schema/token-claims`, with real signatures,
 * over HTTP. Then what such questions may not hold, and what hostile claims come to.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { Store, expectError, expectStatus, keyOf } from './stores.js';
import type { Tuple } from './stores.js';
import { createIssuer } from './subject-token/issuer.js';
import type { Issuer } from './subject-token/issuer.js';

const FOLDER = join(import.meta.dirname, '..', '..', 'schema', 'token-claims');
const read = (file: string): string => readFileSync(join(FOLDER, file), 'utf8');
const TUPLES = JSON.parse(read('tuples.json')) as readonly Tuple[];
/** With the issuer and the audience that the tests' tokens have anyway. */
const CLAIMS = JSON.parse(read('token.json')) as object;
const NOBODY = { dept: 'hr', acr: '2', amr: ['mfa'] };

describeWithPostgres('the token of a user', () => {
  let issuer: Issuer;
  let pemba: Pemba;
  let store: Store;

  beforeAll(async () => {
    issuer = await createIssuer();
    pemba = await startPemba({}, undefined, { subjectTokens: issuer.tokens });
    store = await Store.with(pemba, read('model.fga'), TUPLES);
    expectStatus(await putYaml(store, read('claims-mapping.yaml')), 201);
  });
  afterAll(() => pemba.stop());

  const putYaml = (of: Store, raw: string): Promise<Answer> =>
    pemba.call('PUT', `${of.path}/claims-mapping`, undefined, {
      raw,
      headers: { 'content-type': 'application/yaml' },
    });

  const ask = async (claims: object, name: string, more: object = {}): Promise<Answer> => {
    const [object = '', relation = ''] = name.split('#');
    const subject_token = await issuer.sign(claims);
    return store.post('check', { tuple_key: { object, relation }, subject_token, ...more });
  };
  const allows = async (claims: object, name: string): Promise<boolean> =>
    expectStatus(await ask(claims, name), 200).json.allowed === true;

  describe('of the example', () => {
    it('allows by role, by scope and by client', async () => {
      expect(await allows(CLAIMS, 'report:q1#can_read')).toBe(true);
      expect(await allows({ realm_access: { roles: ['analyst'] } }, 'report:q1#can_read')).toBe(
        true,
      );
      expect(await allows({ scope: 'openid reports:read' }, 'report:q2#can_read')).toBe(true);
      expect(await allows(CLAIMS, 'report:q1#can_export')).toBe(true);
    });

    it('denies without', async () => {
      expect(await allows({}, 'report:q1#can_read')).toBe(false);
      expect(await allows({ realm_access: { roles: ['Analyst'] } }, 'report:q1#can_read')).toBe(
        false,
      );
      expect(await allows({ scope: 'reports' }, 'report:q2#can_read')).toBe(false);
      expect(await allows({ ...CLAIMS, client_id: 'other' }, 'report:q1#can_export')).toBe(false);
    });

    it('decides by attributes', async () => {
      expect(await allows({ dept: 'sales' }, 'report:q3#can_read')).toBe(true);
      expect(await allows(NOBODY, 'report:q3#can_read')).toBe(false);
      expect(await allows({}, 'report:q3#can_read')).toBe(false);
    });

    it('asks for more than a password where that is wanted', async () => {
      const approve = 'report:q1#can_approve';
      expect(await allows(CLAIMS, approve)).toBe(true);
      expect(await allows({ ...CLAIMS, acr: '1' }, approve)).toBe(false);
      expect(await allows({ ...CLAIMS, amr: ['pwd'] }, approve)).toBe(false);
      expect(await allows({ realm_access: { roles: ['approver'] } }, approve)).toBe(false);
      expect(await allows(NOBODY, approve)).toBe(false);
    });

    it('answers a batch, for the items that name nobody', async () => {
      const item = (correlation_id: string, object: string, user?: string): object => ({
        correlation_id,
        tuple_key: { object, relation: 'can_read', ...(user !== undefined && { user }) },
      });
      const { json } = expectStatus(
        await store.post('batch-check', {
          subject_token: await issuer.sign(CLAIMS),
          checks: [
            item('q1', 'report:q1'),
            item('q9', 'report:q9'),
            item('anne', 'report:q1', 'user:anne'),
            item('none', 'nothing:1'),
          ],
        }),
        200,
      );
      expect(json.result).toEqual({
        q1: { allowed: true },
        q9: { allowed: false },
        // By her name alone she has none of the roles of her token.
        anne: { allowed: false },
        none: { error: expect.objectContaining({ input_error: 'validation_error' }) },
      });
    });

    it('lists what its bearer can reach, by pages too', async () => {
      const list = { type: 'report', relation: 'can_read' };
      const subject_token = await issuer.sign(CLAIMS);
      const whole = await store.post('list-objects', { ...list, subject_token });
      expect(expectStatus(whole, 200).json.objects).toEqual([
        'report:q1',
        'report:q2',
        'report:q3',
      ]);
      const streamed = await store.post('streamed-list-objects', { ...list, subject_token });
      expect(expectStatus(streamed, 200).text.trim().split('\n')).toHaveLength(3);
      const first = await store.post('list-objects', { ...list, subject_token, page_size: 2 });
      // A token that was renewed in between goes on where the old one stopped.
      const rest = await store.post('list-objects', {
        ...list,
        subject_token: await issuer.sign({ ...CLAIMS, jti: 'renewed' }),
        page_size: 2,
        continuation_token: first.json.continuation_token,
      });
      expect([...first.json.objects, ...expectStatus(rest, 200).json.objects]).toEqual(
        whole.json.objects,
      );
      const none = await store.post('list-objects', {
        ...list,
        subject_token: await issuer.sign(NOBODY),
      });
      expect(none.json.objects).toEqual([]);
    });

    it('is verified once', async () => {
      const subject_token = await issuer.sign(CLAIMS);
      const before = issuer.verifications();
      const tuple_key = { object: 'report:q1', relation: 'can_read' };
      for (let i = 0; i < 3; i += 1) {
        expectStatus(await store.post('check', { tuple_key, subject_token }), 200);
      }
      expect(issuer.verifications() - before).toBe(1);
    });

    it('sees what is written and deleted between its questions', async () => {
      const subject_token = await issuer.sign({ realm_access: { roles: ['late'] } });
      const question = {
        tuple_key: { object: 'report:late', relation: 'can_read' },
        subject_token,
      };
      const allowed = async (more: object = {}): Promise<unknown> =>
        expectStatus(await store.post('check', { ...question, ...more }), 200).json.allowed;
      const tuple = keyOf('report:late#reader@role:late#assignee');
      for (let i = 0; i < 3; i += 1) {
        expect([await allowed(), await allowed()]).toEqual([false, false]);
        const contextual_tuples = { tuple_keys: [tuple] };
        expect([await allowed({ contextual_tuples }), await allowed()]).toEqual([true, false]);
        await store.written([tuple]);
        expect([await allowed(), await allowed()]).toEqual([true, true]);
        expectStatus(await store.post('write', { deletes: { tuple_keys: [tuple] } }), 200);
      }
    });

    it('stands beside contextual tuples and context of the request', async () => {
      const writer = {
        contextual_tuples: { tuple_keys: [keyOf('report:q9#reader@role:x#assignee')] },
      };
      const claims = { realm_access: { roles: ['x'] } };
      const answer = await ask(claims, 'report:q9#can_read', { ...writer, context: { other: 1 } });
      expect(expectStatus(answer, 200).json.allowed).toBe(true);
    });

    it('means what the model that is asked for has', async () => {
      expect(expectStatus(await putYaml(store, 'context: [dept]'), 201).status).toBe(201);
      const { json: models } = await store.get('authorization-models');
      const [newest, previous] = models.authorization_models;
      expect(newest.claims_mapping).toEqual({ context: ['dept'] });
      expect(await allows(CLAIMS, 'report:q1#can_read')).toBe(false);
      const answer = await ask(CLAIMS, 'report:q1#can_read', {
        authorization_model_id: previous.id,
      });
      expect(answer.json.allowed).toBe(true);
      expectStatus(await putYaml(store, read('claims-mapping.yaml')), 201);
    });
  });

  it('is a map in the conditions of a model that is written as JSON', async () => {
    const written = await Store.with(pemba, 'model\n  schema 1.1\ntype user\n');
    const restriction = { type: 'user', wildcard: {}, condition: 'stepped_up' };
    const model = {
      schema_version: '1.1',
      type_definitions: [
        { type: 'user' },
        {
          type: 'door',
          relations: { opener: { this: {} } },
          metadata: { relations: { opener: { directly_related_user_types: [restriction] } } },
        },
      ],
      conditions: {
        stepped_up: {
          name: 'stepped_up',
          expression: "has(token.acr) && token.acr == '2' && token.auth_time >= 1767225600",
          parameters: {
            token: { type_name: 'TYPE_NAME_MAP', generic_types: [{ type_name: 'TYPE_NAME_ANY' }] },
          },
        },
      },
      claims_mapping: { context: ['acr', 'auth_time'] },
    };
    expectStatus(await written.post('authorization-models', model), 201);
    const tuple = keyOf('door:1#opener@user:*');
    await written.written([{ ...tuple, condition: { name: 'stepped_up', context: {} } }]);
    const opens = async (claims: object): Promise<boolean> => {
      const subject_token = await issuer.sign(claims);
      const tuple_key = { object: 'door:1', relation: 'opener' };
      const answer = await written.post('check', { tuple_key, subject_token });
      return expectStatus(answer, 200).json.allowed === true;
    };
    expect(await opens({ acr: '2', auth_time: 1767225600 })).toBe(true);
    expect(await opens({ acr: '2', auth_time: 1767225599 })).toBe(false);
    expect(await opens({ auth_time: 1767225600 })).toBe(false);
  });

  describe('that may not be', () => {
    const tuple_key = keyOf('report:q1#can_read@user:anne');
    const nobody = { object: tuple_key.object, relation: tuple_key.relation };

    it('comes with a user, or is missing without one', async () => {
      const subject_token = await issuer.sign({});
      for (const [endpoint, question, field] of [
        ['check', (key: object) => ({ tuple_key: key }), 'tuple_key.user'],
        ['list-objects', (key: object) => LIST({ user: Reflect.get(key, 'user') }), 'user'],
      ] as const) {
        const both = await store.post(endpoint, { ...question(tuple_key), subject_token });
        expectError(both, 400, 'validation_error', new RegExp(`^${field}: .*subject_token`));
        const neither = await store.post(endpoint, question(nobody));
        expectError(neither, 400, 'validation_error', new RegExp(`^${field}: .*subject_token`));
      }
      const checks = [{ tuple_key: nobody, correlation_id: 'one' }];
      const neither = await store.post('batch-check', { checks });
      expectError(
        neither,
        400,
        'validation_error',
        /^checks\[0\]\.tuple_key\.user: .*subject_token/,
      );
    });

    const LIST = (more: object): object => ({ type: 'report', relation: 'can_read', ...more });

    it('is none, is altered, or is none of the issuer', async () => {
      const stranger = await createIssuer();
      const [head, body] = (await issuer.sign(CLAIMS)).split('.') as [string, string];
      const foreign = await stranger.sign(CLAIMS);
      const foreignSignature = foreign.split('.')[2] ?? '';
      for (const subject_token of ['x', 'a.b.c', foreign, `${head}.${body}.${foreignSignature}`]) {
        const question = { tuple_key: nobody, subject_token };
        expectError(
          await store.post('check', question),
          400,
          'validation_error',
          /^subject_token: /,
        );
        const batch = { checks: [{ tuple_key: nobody, correlation_id: 'a' }], subject_token };
        expectError(await store.post('batch-check', batch), 400, 'validation_error');
        const list = LIST({ subject_token });
        expectError(await store.post('list-objects', list), 400, 'validation_error');
        expectStatus(await store.post('streamed-list-objects', list), 400);
      }
      for (const subject_token of [1, '', {}, 'x'.repeat(20_000)]) {
        const answer = await store.post('check', { tuple_key: nobody, subject_token });
        expectError(answer, 400, 'validation_error', /subject_token/);
      }
    });

    it('is of an issuer where none is configured', async () => {
      const without = await startPemba({}, pemba);
      const subject_token = await issuer.sign({});
      const answer = await without.call('POST', `${store.path}/check`, {
        tuple_key: nobody,
        subject_token,
      });
      expectError(answer, 400, 'validation_error', /no issuer is configured for subject tokens/);
      await without.stop();
    });

    it('leaves the request no context of that name', async () => {
      for (const name of ['token', 'token_acr']) {
        const context = { [name]: 'x' };
        const answer = await ask(CLAIMS, 'report:q1#can_read', { context });
        expectError(answer, 400, 'validation_error', new RegExp(`^context\\.${name}: `));
      }
      const plain = await store.post('check', {
        tuple_key,
        context: { token: {}, token_acr: '2' },
      });
      expectStatus(plain, 200);
    });

    it('is of somebody whose type the mapping or the model does not know', async () => {
      const app = await ask({ ...CLAIMS, typ: 'client' }, 'report:q1#can_read');
      expectError(app, 400, 'validation_error', /^subject_token: by claims_mapping\.tuples\[0\]/);
      const unknown = await ask({ ...CLAIMS, typ: 'robot' }, 'report:q1#can_read');
      expectError(unknown, 400, 'validation_error', /'robot' not found/);
    });
  });

  describe('with hostile claims', () => {
    const roles = (...values: unknown[]): object => ({ realm_access: { roles: values } });
    const MAX = 500;

    it('makes nobody more than the claims say', async () => {
      const hostile = [
        '*',
        'x#assignee',
        'analyst:x',
        'ana\nlyst',
        'analyst ',
        'ａnalyst',
        '__proto__',
      ];
      for (const value of [...hostile, ['analyst'], { analyst: true }, 1, null, '', '\ud800']) {
        expect([value, await allows(roles(value), 'report:q1#can_read')]).toEqual([value, false]);
      }
      const claims = { constructor: roles('analyst'), toString: 1, sub: '*', scope: '* %2A' };
      expect(await allows(claims, 'report:q1#can_read')).toBe(false);
      expect(await allows({ 'realm_access.roles': ['analyst'] }, 'report:q1#can_read')).toBe(false);
      expect(await allows({ realm_access: [{ roles: ['analyst'] }] }, 'report:q1#can_read')).toBe(
        false,
      );
    });

    it('is one with those who are named by the same id, and with no others', async () => {
      await store.written(['role:analyst#assignee@user:a%3Ab', 'role:analyst#assignee@user:%2A']);
      expect(await allows({ sub: 'a:b' }, 'report:q1#can_read')).toBe(true);
      expect(await allows({ sub: '*' }, 'report:q1#can_read')).toBe(true);
      expect(await allows({ sub: 'a%3Ab' }, 'report:q1#can_read')).toBe(false);
    });

    it('is refused with too many roles, not cut', async () => {
      const many = Array.from({ length: MAX }, (_, i) => `r${i}`);
      expect(await allows(roles(...many.slice(1), 'analyst'), 'report:q1#can_read')).toBe(true);
      const answer = await ask(roles(...many, 'analyst'), 'report:q1#can_read');
      expectError(answer, 400, 'exceeded_entity_limit', /^subject_token: .*more than 500 tuples/);
      const more = Array.from({ length: 10_000 }, () => '');
      const large = await ask(roles(...more, 'analyst'), 'report:q1#can_read');
      expectError(large, 400, 'validation_error', /^subject_token: .*16384 characters/);
    });

    it('fails a condition that cannot be decided, and nothing else', async () => {
      const deep = JSON.parse('['.repeat(50) + ']'.repeat(50)) as unknown;
      for (const claims of [{ dept: 7 }, { dept: deep }, { dept: ['sales'] }]) {
        const answer = await ask(claims, 'report:q3#can_read');
        expectError(answer, 400, 'validation_error', /same_department.*token_department/);
        expect(await allows({ ...claims, ...roles('analyst') }, 'report:q1#can_read')).toBe(true);
      }
      expect(pemba.failures()).toEqual([]);
    });
  });
});
