/**
 * Questions about the bearer of a token, of the issuers that a file names, asked by callers that are
 * known: who the bearer is taken for, which tokens are none, and where nothing of a token is left.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { subjectTokenError, tokenRefusal } from '../../src/identity/token-refusal.js';
import { LAX_CALLERS, attackTokens } from '../identity/attacks.js';
import type { Attack } from '../identity/attacks.js';
import { TestIssuer } from '../support/issuer.js';
import type { Claims } from '../support/issuer.js';
import { writeIssuersFile } from '../support/issuers-file.js';
import type { IssuersFile } from '../support/issuers-file.js';
import { startPemba } from '../support/pemba.js';
import type { Answer, Pemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';
import { Store, expectError, expectStatus, keyOf } from './stores.js';

const MODEL = `model
  schema 1.1
type user
type customer
type role
  relations
    define assignee: [user]
type document
  relations
    define viewer: [user, customer, role#assignee]
`;
const TUPLES = [
  'document:1#viewer@user:corp/anne',
  'document:2#viewer@customer:anne',
  'document:3#viewer@role:editor#assignee',
];
const MAPPING = { tuples: [{ each: 'roles', tuple: 'role:{value}#assignee@{subject}' }] };
const USER_AUDIENCE = { aud: 'shop-api' };
const LOGGED_WITHIN_MS = 5000;

describeWithPostgres('the token of a user of an issuer', () => {
  let corp: TestIssuer;
  let shop: TestIssuer;
  let strict: TestIssuer;
  let lax: TestIssuer;
  let attacks: readonly Attack[];
  let file: IssuersFile;
  let pemba: Pemba;
  let store: Store;
  let caller: string;
  /** Everything that must be found nowhere. */
  const secrets: string[] = [];
  /** Bodies of all answers. */
  const told: string[] = [];

  beforeAll(async () => {
    const clock = { now: Date.now };
    const start = (): Promise<TestIssuer> => TestIssuer.start(() => clock.now());
    [corp, shop, strict, lax] = await Promise.all([start(), start(), start(), start()]);
    attacks = await attackTokens({ strict, lax, now: clock.now });
    const users = { audience: ['pemba'], type: 'user' };
    file = writeIssuersFile([
      corp.settings('corp'),
      shop.settings('shop', {
        callers: undefined,
        subjects: { audience: ['shop-api'], type: 'customer', types: ['at+jwt', 'JWT'] },
      }),
      strict.settings('strict', { callers: undefined, subjects: { ...users, prefix: 'strict/' } }),
      lax.settings('lax', {
        callers: undefined,
        subjects: { ...users, ...LAX_CALLERS, prefix: 'lax/' },
      }),
    ]);
    pemba = await startPemba({
      PEMBA_AUTHENTICATION: 'keys,jwt',
      PEMBA_ISSUERS_FILE: file.path,
      PEMBA_ADMINISTRATORS: 'service:corp/orders',
      PEMBA_DECISION_LOG: `file:${decisionsFile()}`,
      PEMBA_RATE_FAILED_AUTHENTICATIONS: '0',
    });
    clock.now = () => pemba.clock.now();
    secrets.push(pemba.adminKey?.slice(33) ?? '');
    store = await Store.with(pemba, MODEL, TUPLES);
    expectStatus(await pemba.call('PUT', `${store.path}/claims-mapping`, MAPPING), 201);
    caller = await corp.accessToken({ sub: 'orders', client_id: 'orders' });
    secrets.push(caller);
  });
  afterAll(async () => {
    await pemba.stop();
    file.remove();
    await Promise.all([corp, shop, strict, lax].map((issuer) => issuer.stop()));
  });

  const decisionsFile = (): string => join(dirname(file.path), 'decisions.jsonl');
  const decided = (): readonly string[] =>
    readFileSync(decisionsFile(), 'utf8')
      .split('\n')
      .filter((line) => line !== '');

  async function userToken(issuer: TestIssuer, claims: Claims = {}): Promise<string> {
    const token = await issuer.accessToken({ ...USER_AUDIENCE, ...claims });
    secrets.push(token);
    return token;
  }

  const VIEWER = 'viewer';
  const nobody = (object: string): object => ({ object, relation: VIEWER });

  async function ask(endpoint: string, body: object, token = caller): Promise<Answer> {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await store.post(endpoint, body, { headers });
    told.push(answer.text);
    return answer;
  }

  const allowed = async (subject_token: string, object: string): Promise<boolean> =>
    expectStatus(await ask('check', { tuple_key: nobody(object), subject_token }), 200).json
      .allowed === true;

  it('is about whom its issuer says, by the type and prefix of that issuer', async () => {
    const [here, there] = [await userToken(corp), await userToken(shop)];
    const objects = ['document:1', 'document:2', 'document:3'];
    const answers = (token: string): Promise<readonly boolean[]> =>
      Promise.all(objects.map((object) => allowed(token, object)));
    expect(await answers(here)).toEqual([true, false, false]);
    expect(await answers(there)).toEqual([false, true, false]);
    expect(await answers(await userToken(corp, { sub: 'ben' }))).toEqual([false, false, false]);
    const editor = { sub: 'ben', roles: ['editor'] };
    expect(await answers(await userToken(corp, editor))).toEqual([false, false, true]);
    // No name that a claim holds reaches another issuer's users.
    for (const sub of ['../anne', 'corp/anne', 'user:corp/anne', '*', 'customer:anne']) {
      expect([sub, await answers(await userToken(corp, { sub }))]).toEqual([
        sub,
        [false, false, false],
      ]);
    }
    expect(await answers(await userToken(shop, { sub: 'corp/anne' }))).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('answers batches and lists', async () => {
    const subject_token = await userToken(corp, { roles: ['editor'] });
    const checks = ['1', '2', '3'].map((id) => ({
      tuple_key: nobody(`document:${id}`),
      correlation_id: id,
    }));
    const batch = expectStatus(await ask('batch-check', { checks, subject_token }), 200);
    expect(batch.json.result).toEqual({
      1: { allowed: true },
      2: { allowed: false },
      3: { allowed: true },
    });
    const list = { type: 'document', relation: VIEWER, subject_token };
    const listed = expectStatus(await ask('list-objects', list), 200);
    expect([...listed.json.objects].sort()).toEqual(['document:1', 'document:3']);
    const streamed = expectStatus(await ask('streamed-list-objects', list), 200);
    expect(streamed.text.trim().split('\n')).toHaveLength(2);
  });

  it('is refused beside a user', async () => {
    const subject_token = await userToken(corp);
    const tuple_key = keyOf('document:1#viewer@user:corp/anne');
    const both = await ask('check', { tuple_key, subject_token });
    expectError(both, 400, 'validation_error', /subject_token/);
    const list = { type: 'document', relation: VIEWER, user: 'user:corp/anne', subject_token };
    expectError(await ask('list-objects', list), 400, 'validation_error', /subject_token/);
  });

  describe('and that of a caller', () => {
    it('are never taken for each other', async () => {
      const user = await userToken(corp);
      const refused = await ask('check', { tuple_key: nobody('document:1') }, user);
      expect([refused.status, refused.json.message]).toEqual([
        401,
        'the credentials are not valid',
      ]);
      const swapped = await ask('check', {
        tuple_key: nobody('document:1'),
        subject_token: caller,
      });
      expectError(swapped, 400, 'validation_error', /^subject_token: its `aud`/);
      // Nor is the user of an issuer that has no callers one, or whoever holds a key a user.
      const customer = await userToken(shop, { aud: 'pemba' });
      expect((await ask('check', { tuple_key: nobody('document:1') }, customer)).status).toBe(401);
      const keyed = { tuple_key: nobody('document:1'), subject_token: pemba.adminKey };
      expectError(await ask('check', keyed), 400, 'validation_error', /^subject_token: /);
    });

    it('are one token only if it names both audiences, which is then both', async () => {
      const both = await corp.accessToken({ aud: ['pemba', 'shop-api'], sub: 'anne' });
      secrets.push(both);
      expect(await allowed(both, 'document:1')).toBe(true);
      const { status } = await ask('check', { tuple_key: nobody('document:1') }, both);
      // It is let in as itself, which has no rights here.
      expect(status).toBe(400);
    });

    it('does not hand the rights of the user to the caller, or of the caller to the user', async () => {
      const stranger = await corp.accessToken({ sub: 'stranger' });
      secrets.push(stranger);
      const body = { tuple_key: nobody('document:1'), subject_token: await userToken(corp) };
      const answer = await ask('check', body, stranger);
      expectError(answer, 400, 'latest_authorization_model_not_found');
      const orders = await userToken(corp, { sub: 'orders', client_id: 'orders' });
      expect(await allowed(orders, 'document:1')).toBe(false);
    });
  });

  function expectedFor(name: string, token: string, rule: Attack['rule']): readonly unknown[] {
    // Who its client is does not matter for a subject.
    if (rule === 'client') return [200, { allowed: false, resolution: '' }];
    if (name === 'a megabyte of letters') {
      return [413, { code: 'exceeded_entity_limit', message: 'the body is too large' }];
    }
    // The request's own rules come first.
    const isText = token !== '' && rule !== 'size';
    const { message } = subjectTokenError(tokenRefusal(rule)) as Error;
    const said = isText ? message : expect.stringMatching(/^subject_token: /);
    return [400, { code: 'validation_error', message: said }];
  }

  it('that is bad is refused by its rule, at every endpoint, in the words for the caller', async () => {
    expect(attacks.length).toBeGreaterThanOrEqual(150);
    for (const { name, token, rule } of attacks) {
      if (token.length > 40) secrets.push(token);
      const body = { tuple_key: nobody('document:1'), subject_token: token };
      const { status, json } = await ask('check', body);
      expect([name, status, json]).toEqual([name, ...expectedFor(name, token, rule)]);
    }
    expect([strict.fetches, lax.fetches]).toEqual([1, 1]);
    const exp = Math.floor(pemba.clock.now() / 1000) - 60;
    for (const [message, claims] of [
      [/^subject_token: it has expired/, { exp }],
      [/^subject_token: its `aud`/, { aud: 'elsewhere' }],
      [/^subject_token: the claim that identifies its subject/, { sub: 's'.repeat(201) }],
    ] as const) {
      const subject_token = await userToken(corp, claims);
      for (const [endpoint, body] of [
        ['check', { tuple_key: nobody('document:1') }],
        ['batch-check', { checks: [{ tuple_key: nobody('document:1'), correlation_id: 'a' }] }],
        ['list-objects', { type: 'document', relation: VIEWER }],
      ] as const) {
        const answer = await ask(endpoint, { ...body, subject_token });
        expectError(answer, 400, 'validation_error', message);
      }
    }
  });

  it('stops counting when it expires, also where it was known', async () => {
    const exp = Math.floor(pemba.clock.now() / 1000) + 60;
    const subject_token = await userToken(corp, { exp });
    expect(await allowed(subject_token, 'document:1')).toBe(true);
    pemba.clock.putForward(66_000);
    caller = await corp.accessToken({ sub: 'orders', client_id: 'orders' });
    secrets.push(caller);
    const answer = await ask('check', { tuple_key: nobody('document:1'), subject_token });
    expectError(answer, 400, 'validation_error', /^subject_token: /);
  });

  it('stands in the decision log as the subject that it is about, and nowhere itself', async () => {
    const end = performance.now() + LOGGED_WITHIN_MS;
    const hasAll = (): boolean =>
      ['corp/anne', 'customer', 'corp/ben'].every((name) =>
        decided().some((line) => line.includes(name)),
      );
    while (!hasAll() && performance.now() < end) await sleep(10);
    const events = decided().map((line) => JSON.parse(line) as object);
    expect(events).toContainEqual(
      expect.objectContaining({
        path: `stores/${store.id}/check`,
        requested_by: 'service:corp/orders',
        input: expect.objectContaining({
          subject: { type: 'user', id: 'corp/anne' },
          resource: { type: 'document', id: '1' },
        }),
        result: { allowed: true },
      }),
    );
    expect(events).toContainEqual(
      expect.objectContaining({
        input: expect.objectContaining({ subject: { type: 'customer', id: 'anne' } }),
      }),
    );
    const audit = await pemba.call('GET', `${store.path}/audit?page_size=100`);
    const tables = await Promise.all(
      ['audit_entry', 'relation_tuple', 'tuple_change', 'setting'].map((table) =>
        pemba.assembly.database.query(`SELECT t::text FROM ${table} t`),
      ),
    );
    const all = [...pemba.logged, ...decided(), ...told, audit.text, JSON.stringify(tables)].join(
      '\n',
    );
    expect(secrets.length).toBeGreaterThan(150);
    for (const secret of secrets) {
      // The signature alone would do for whoever has seen the claims.
      const signature = secret.slice(secret.lastIndexOf('.') + 1);
      expect([secret, all.includes(secret)]).toEqual([secret, false]);
      if (signature.length > 40) expect([secret, all.includes(signature)]).toEqual([secret, false]);
    }
    expect(pemba.failures()).toEqual([]);
  });
});
