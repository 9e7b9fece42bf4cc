/** Why may this user do this, or why not? With the check's own verdict. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba, TestStore } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';

const MODEL = `model
  schema 1.1
type user
type group
  relations
    define member: [user]
type doc
  relations
    define owner: [user]
    define blocked: [user]
    define reader: [group#member, user with until] or owner
    define can_read: reader but not blocked
condition until(hour: int, end: int) {
  hour < end
}
`;

interface Key {
  readonly user: string;
  readonly relation: string;
  readonly object: string;
}

const key = (text: string): Key => {
  const [, object = '', relation = '', user = ''] = /^(.+?)#(.+?)@(.+)$/.exec(text) ?? [];
  return { object, relation, user };
};

let pemba: Pemba;
let store: TestStore;
let admin: Record<string, string>;

const explain = (question: string, more: object = {}): Promise<Answer> =>
  pemba.call('POST', `${store.path}/explain`, { tuple_key: key(question), ...more });

describeWithPostgres('an explained check', () => {
  beforeAll(async () => {
    pemba = await startPemba({ PEMBA_AUTHENTICATION: 'keys' });
    admin = { authorization: `Bearer ${pemba.adminKey ?? ''}` };
    store = await pemba.storeWith(MODEL);
    const { status, text } = await pemba.call('POST', `${store.path}/write`, {
      writes: {
        tuple_keys: [
          key('doc:1#reader@group:eng#member'),
          key('group:eng#member@user:anne'),
          key('doc:1#blocked@user:bob'),
          key('doc:1#owner@user:bob'),
          {
            ...key('doc:1#reader@user:carl'),
            condition: { name: 'until', context: { end: 17 } },
            expires_at: '2999-01-01T00:00:00Z',
          },
        ],
      },
    });
    if (status !== 200) throw new Error(text);
  });
  afterAll(() => pemba.stop());

  it('names the tuples of the way, and the sets to stay out of', async () => {
    const { status, json, headers } = await explain('doc:1#can_read@user:anne');
    expect(status).toBe(200);
    expect(json).toEqual({
      allowed: true,
      revision: 1,
      proof: {
        tuples: ['doc:1#reader@group:eng#member', 'group:eng#member@user:anne'],
        outside_of: ['doc:1#blocked'],
      },
    });
    expect(headers.get('pemba-consistency-token')).toEqual(expect.any(String));
  });

  it('tells what came with the question from what is stored, and when it ends', async () => {
    const contextual_tuples = { tuple_keys: [key('group:eng#member@user:zoe')] };
    expect((await explain('doc:1#can_read@user:zoe', { contextual_tuples })).json.proof).toEqual({
      tuples: ['doc:1#reader@group:eng#member'],
      contextual_tuples: ['group:eng#member@user:zoe'],
      outside_of: ['doc:1#blocked'],
    });
    const carl = await explain('doc:1#can_read@user:carl', { context: { hour: 9 } });
    expect(carl.json.proof).toMatchObject({ expires_at: '2999-01-01T00:00:00.000Z' });
  });

  it('names what is missing, or in the way', async () => {
    expect((await explain('doc:1#can_read@user:bob')).json).toMatchObject({
      allowed: false,
      reason: 'no_path',
      denial: { because: 'excluded', from: 'doc:1#blocked' },
    });
    expect((await explain('doc:1#can_read@user:carl')).json).toMatchObject({
      allowed: false,
      reason: 'missing_parameters',
      parameters: ['hour'],
    });
    expect(
      (await explain('doc:1#can_read@user:carl', { context: { hour: 18 } })).json,
    ).toMatchObject({ allowed: false, reason: 'condition_false' });
  });

  it('is for who may read the tuples', async () => {
    const made = await pemba.call(
      'POST',
      '/admin/keys',
      { name: 'k', roles: [{ role: 'acts_as', store_id: store.id, service: 'x' }] },
      { headers: admin },
    );
    const headers = { authorization: `Bearer ${String(made.json.key)}` };
    const body = { tuple_key: key('doc:1#can_read@user:anne') };
    const refused = await pemba.call('POST', `${store.path}/explain`, body, { headers });
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(refused.text).not.toContain('group:eng');
  });

  it.each([
    [{ tuple_key: key('doc:1#none@user:anne') }, /none/],
    [{ tuple_key: { object: 'doc:1', relation: 'owner' } }, /tuple_key\.user/],
    [{}, /tuple_key/],
  ])('refuses %j as a check does', async (body, problem) => {
    const { status, json } = await pemba.call('POST', `${store.path}/explain`, body);
    expect(status).toBe(400);
    expect(json.message).toMatch(problem);
  });
});
