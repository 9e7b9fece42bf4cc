/** Evaluations and searches about the bearer of a token, by the example of `schema/token-claims`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { expectStatus } from '../api/stores.js';
import type { Tuple } from '../api/stores.js';
import { createIssuer } from '../api/subject-token/issuer.js';
import type { Issuer } from '../api/subject-token/issuer.js';
import { startPemba } from '../support/pemba.js';
import type { Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { AccessStore, entity, evaluation } from './worlds.js';

const FOLDER = join(import.meta.dirname, '..', '..', 'schema', 'token-claims');
const read = (file: string): string => readFileSync(join(FOLDER, file), 'utf8');
const CLAIMS = JSON.parse(read('token.json')) as object;

describeWithPostgres('the bearer of a token', () => {
  let issuer: Issuer;
  let pemba: Pemba;
  let store: AccessStore;
  let token: string;

  beforeAll(async () => {
    issuer = await createIssuer();
    pemba = await startPemba({}, undefined, { subjectTokens: issuer.tokens });
    const tuples = JSON.parse(read('tuples.json')) as readonly Tuple[];
    // In AuthZEN's words a user is a person: a token's subject is of the model all the same.
    const mapping = { subjects: { person: 'user' } };
    store = await AccessStore.with(pemba, read('model.fga'), tuples, mapping);
    const put = await pemba.call('PUT', `${store.store.path}/claims-mapping`, undefined, {
      raw: read('claims-mapping.yaml'),
      headers: { 'content-type': 'application/yaml' },
    });
    expectStatus(put, 201);
    token = await issuer.sign(CLAIMS);
  });
  afterAll(() => pemba.stop());

  const about = (name: string, subject_token = token): object => {
    const [resource = '', action = ''] = name.split('#');
    return { subject_token, action: { name: action }, resource: entity(resource) };
  };
  const decides = async (claims: object, name: string): Promise<boolean> => {
    const asked = about(name, await issuer.sign(claims));
    return (await store.told('evaluation', asked)).decision as boolean;
  };
  const expectRefusal = async (endpoint: string, body: unknown, detail: string): Promise<void> => {
    const { status, json } = await store.ask(endpoint, body);
    expect([status, json.detail]).toEqual([400, expect.stringContaining(detail)]);
  };

  it('is evaluated with the roles, scopes, clients and attributes of the token', async () => {
    for (const name of ['q1#can_read', 'q2#can_read', 'q3#can_read', 'q1#can_approve']) {
      expect([name, await decides(CLAIMS, `report:${name}`)]).toEqual([name, true]);
    }
    expect(await decides(CLAIMS, 'report:q2#can_export')).toBe(false);
    expect(await decides({ dept: 'hr' }, 'report:q1#can_read')).toBe(false);
    expect(await decides({ ...CLAIMS, acr: '1' }, 'report:q1#can_approve')).toBe(false);
    // The same user without the token has none of it.
    expect(await store.decides('person:anne', 'can_read', 'report:q1')).toBe(false);
  });

  it('is whom the items of a request are about that name nobody', async () => {
    const { evaluations } = await store.told('evaluations', {
      subject_token: token,
      action: { name: 'can_read' },
      evaluations: [
        { resource: entity('report:q1') },
        { resource: entity('report:q1'), subject: entity('person:anne') },
        { resource: entity('report:q1'), subject: null },
        { resource: entity('report:q1'), subject_token: token },
      ],
    });
    expect(evaluations).toMatchObject([
      { decision: true },
      { decision: false },
      { decision: true },
      { decision: false, context: { error: { status: 400 } } },
    ]);
    const alone = { ...about('report:q1#can_read'), evaluations: [] };
    expect(await store.told('evaluations', alone)).toEqual({ decision: true });
  });

  it('finds what it may do, and to what, page by page', async () => {
    const search = { subject_token: token, action: { name: 'can_read' } };
    const resource = { type: 'report' };
    const reports = ['q1', 'q2', 'q3'].map((id) => ({ type: 'report', id }));
    expect(await store.found('resource', { ...search, resource }, 2)).toEqual(reports);
    const actions = await store.found('action', {
      subject_token: token,
      resource: entity('report:q1'),
    });
    expect(actions).toEqual(
      expect.arrayContaining([{ name: 'can_approve' }, { name: 'can_read' }]),
    );
    const named = { ...search, subject_token: null, subject: entity('person:anne'), resource };
    expect(await store.found('resource', named)).toEqual([]);
  });

  it('is never overlooked beside a subject, nor missing without one', async () => {
    const both = { ...evaluation('person:ben', 'can_read', 'report:q1'), subject_token: token };
    await expectRefusal('evaluation', both, 'leave out either it or subject_token');
    const all = { ...both, evaluations: [{ resource: entity('report:q1') }] };
    await expectRefusal('evaluations', all, 'leave out either it or subject_token');
    for (const endpoint of ['search/resource', 'search/action']) {
      await expectRefusal(endpoint, both, 'leave out either it or subject_token');
      const nobody = { ...both, subject: undefined, subject_token: undefined };
      await expectRefusal(endpoint, nobody, 'subject: value is required');
      await expectRefusal('evaluation', nobody, 'subject: value is required');
    }
    const none = { ...both, subject: undefined, subject_token: null };
    await expectRefusal('evaluation', none, 'subject: value is required');
    const named = { ...evaluation('person:ben', 'can_read', 'report:q1'), subject_token: null };
    expect(await store.told('evaluation', named)).toEqual({ decision: false });
  });

  it('is nobody if the token is bad', async () => {
    const bad = `${token.slice(0, -8)}AAAAAAAA`;
    for (const endpoint of ['evaluation', 'evaluations', 'search/resource', 'search/action']) {
      await expectRefusal(endpoint, about('report:q1#can_read', bad), 'subject_token: ');
      await expectRefusal(endpoint, about('report:q1#can_read', ''), 'subject_token: ');
      const number = { ...about('report:q1#can_read'), subject_token: 7 };
      await expectRefusal(endpoint, number, 'subject_token: ');
    }
  });

  it('cannot be made up beside the token', async () => {
    const said = { context: { token_acr: '2', token_amr: ['mfa'] } };
    const asked = { ...about('report:q1#can_approve', await issuer.sign({ dept: 'hr' })), ...said };
    await expectRefusal('evaluation', asked, 'comes from subject_token');
    const forged = { subject: { type: 'user', id: 'anne' }, claims: CLAIMS };
    const beside = { ...evaluation('person:anne', 'can_read', 'report:q1'), bearer: forged };
    expect(await store.told('evaluation', beside)).toEqual({ decision: false });
  });
});
