/** Forms → requests: what is asked of the exchange, and what never gets there. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { exchangeRequestOf } from '../../../src/api/oauth/exchange-request.js';
import { readForm } from '../../../src/api/oauth/form.js';
import type { ExchangeRequest } from '../../../src/delegation/exchange.js';
import { PembaError } from '../../../src/errors.js';
import { ANYONE } from '../../../src/identity/caller.js';
import type { StoreId } from '../../../src/ids.js';

const seed = Date.now() % 2 ** 31;
const TYPE = 'urn:ietf:params:oauth:token-type:';
const DETAIL = {
  type: 'urn:pemba:permission',
  actions: ['can_reserve'],
  resource: { type: 'item', id: '9' },
};
const PERMIT = {
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  subject_token: 'a.b.c',
  subject_token_type: `${TYPE}access_token`,
  audience: 'inventory',
  authorization_details: JSON.stringify([DETAIL]),
};
const without = (name: keyof typeof PERMIT): object =>
  Object.fromEntries(Object.entries(PERMIT).filter(([key]) => key !== name));
const WITHOUT_DETAILS = without('authorization_details');
const TXN = {
  ...WITHOUT_DETAILS,
  audience: 'shop.example',
  requested_token_type: `${TYPE}txn_token`,
  scope: 'checkout pay',
};

const read = (text: string): ExchangeRequest =>
  exchangeRequestOf(readForm(text), {
    storeId: 'S' as StoreId,
    client: { caller: ANYONE },
    maxTokenBytes: 100,
  });
const encoded = (form: object): string => new URLSearchParams({ ...form }).toString();
const requestOf = (form: object): ExchangeRequest => read(encoded(form));

function refusalOf(text: string): string {
  try {
    read(text);
  } catch (error) {
    if (error instanceof PembaError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'accepted';
}

describe('a form', () => {
  it('asks for a permit', () => {
    expect(requestOf({ ...PERMIT, unknown: 'x', resource: 'service:inventory' })).toEqual({
      storeId: 'S',
      client: { caller: ANYONE },
      subjectToken: 'a.b.c',
      subjectTokenType: `${TYPE}access_token`,
      audience: 'service:inventory',
      details: [{ actions: ['can_reserve'], resource: { type: 'item', id: '9' } }],
      requested: 'permit',
    });
  });

  it('asks for a transaction token', () => {
    const form = {
      ...TXN,
      request_context: '{"req_ip":"192.0.2.1"}',
      request_details: '{"cart":{"id":7}}',
      actor_token: 'd.e.f',
      actor_token_type: `${TYPE}jwt`,
      consistency_token: 'token',
    };
    expect(requestOf(form)).toMatchObject({
      requested: 'txn_token',
      audience: 'shop.example',
      details: [],
      scope: 'checkout pay',
      requestContext: { req_ip: '192.0.2.1' },
      requestDetails: { cart: { id: 7 } },
      actorToken: 'd.e.f',
      consistencyToken: 'token',
    });
  });

  it.each<[string, object]>([
    ['invalid_request grant_type', without('grant_type')],
    ['unsupported_grant_type', { ...PERMIT, grant_type: 'client_credentials' }],
    ['invalid_request subject_token:', without('subject_token')],
    ['invalid_request subject_token:', { ...PERMIT, subject_token: 'a b' }],
    ['invalid_request subject_token:', { ...PERMIT, subject_token: 'a'.repeat(101) }],
    ['invalid_request subject_token_type', without('subject_token_type')],
    ['invalid_request subject_token_type', { ...PERMIT, subject_token_type: `${TYPE}saml2` }],
    ['invalid_request subject_token_type', { ...PERMIT, subject_token_type: 'toString' }],
    ['invalid_request actor_token_type', { ...PERMIT, actor_token: 'a' }],
    ['invalid_request actor_token:', { ...PERMIT, actor_token_type: `${TYPE}jwt` }],
    ['invalid_request requested_token_type', { ...PERMIT, requested_token_type: 'id_token' }],
    ['invalid_request audience', without('audience')],
    ['invalid_target', { ...PERMIT, audience: 'service:*' }],
    ['invalid_target', { ...PERMIT, audience: 'service:a#b' }],
    ['invalid_target', { ...PERMIT, audience: 'user:anne' }],
    ['invalid_target', { ...PERMIT, audience: 'a b' }],
    ['invalid_target', { ...PERMIT, audience: 'a'.repeat(300) }],
    ['invalid_target', { ...PERMIT, resource: 'https://inventory.shop' }],
    ['invalid_target', { ...TXN, audience: 'a b' }],
    ['invalid_target', { ...TXN, resource: 'service:inventory' }],
    ['invalid_request authorization_details', WITHOUT_DETAILS],
    ['invalid_request authorization_details', { ...TXN, authorization_details: '[]' }],
    ['invalid_scope', { ...PERMIT, scope: 'all' }],
    ['invalid_scope', { ...TXN, scope: '' }],
    ['invalid_scope', { ...TXN, scope: 'a  b' }],
    ['invalid_scope', { ...TXN, scope: 'a"b' }],
    ['invalid_scope', { ...TXN, scope: 'a'.repeat(1001) }],
    ['invalid_request request_context', { ...PERMIT, request_context: '{}' }],
    ['invalid_request request_context', { ...TXN, request_context: '[]' }],
    ['invalid_request request_details', { ...TXN, request_details: '{"a":1,"a":2}' }],
    ['invalid_request consistency_token', { ...PERMIT, consistency_token: 'a'.repeat(513) }],
  ])('is refused as %s: %j', (refusal, form) => {
    expect(refusalOf(encoded(form)).slice(0, refusal.length)).toBe(refusal);
  });

  it.each([
    ['a parameter twice', `${encoded(PERMIT)}&grant_type=x`],
    ['a parameter twice, written otherwise', `${encoded(PERMIT)}&grant%5Ftype=x`],
    ['an unknown parameter twice', `${encoded(PERMIT)}&x=1&x=1`],
    ['a parameter twice, once empty', `${encoded(PERMIT)}&subject_token=`],
    ['half an escape', `${encoded(PERMIT)}&x=%2`],
    ['a wrong escape', `${encoded(PERMIT)}&x=%zz`],
    ['what is not UTF-8', `${encoded(PERMIT)}&x=%ff`],
    ['an overlong encoding', `${encoded(PERMIT)}&x=%c0%af`],
    ['a NUL', `${encoded(PERMIT)}&x=%00`],
    ['an escape character', `${encoded(PERMIT)}&%1bx=1`],
    ['a raw octet', `${encoded(PERMIT)}&x=ä`],
    ['too many parameters', `${encoded(PERMIT)}${'&'.repeat(40)}`],
    ['JSON', JSON.stringify(PERMIT)],
    ['nothing', ''],
  ])('with %s is refused', (_what, text) => {
    expect(refusalOf(text)).toMatch(/^invalid_request /);
  });

  it('is for one audience', () => {
    expect(refusalOf(`${encoded(PERMIT)}&audience=billing`)).toMatch(/^invalid_target /);
    expect(refusalOf(`${encoded(PERMIT)}&resource=a&resource=b`)).toMatch(/^invalid_target /);
  });
});

describe('authorization details', () => {
  const refusal = (details: unknown): string => {
    const text = typeof details === 'string' ? details : JSON.stringify(details);
    return refusalOf(encoded({ ...PERMIT, authorization_details: text })).split(' ')[0] ?? '';
  };
  const detail = (more: object): readonly object[] => [{ ...DETAIL, ...more }];
  const resource = (more: object): readonly object[] =>
    detail({ resource: { ...DETAIL.resource, ...more } });
  const many = (count: number): readonly string[] =>
    Array.from({ length: count }, (__, index) => `can_${index}`);

  it('are as many questions as they have pairs', () => {
    expect(refusal(detail({ actions: many(16) }))).toBe('accepted');
    expect(refusal(detail({ actions: many(17) }))).toBe('invalid_authorization_details');
    const split = [{ ...DETAIL, actions: many(15) }, ...resource({ id: '8' })];
    expect(refusal(split)).toBe('accepted');
    expect(refusal([...split, ...resource({ id: '7' })])).toBe('invalid_authorization_details');
  });

  it.each<[string, unknown]>([
    ['an object', DETAIL],
    ['nothing', []],
    ['null', [null]],
    ['a text', ['x']],
    ['a list', [[DETAIL]]],
    ['no type', detail({ type: undefined })],
    ['another type', detail({ type: 'urn:pemba:everything' })],
    ['a list of types', detail({ type: ['urn:pemba:permission'] })],
    ['an unknown member', detail({ constraints: {} })],
    ['a prototype', JSON.stringify([DETAIL]).replace('"type"', '"__proto__":{},"type"')],
    ['no action', detail({ actions: [] })],
    ['no actions', detail({ actions: undefined })],
    ['a text of actions', detail({ actions: 'can_reserve' })],
    ['any action', detail({ actions: ['can reserve'] })],
    ['an action with a place', detail({ actions: ['a#b'] })],
    ['a long action', detail({ actions: ['a'.repeat(51)] })],
    ['a number of an action', detail({ actions: [1] })],
    ['an action twice', detail({ actions: ['a', 'a'] })],
    ['a question twice', [DETAIL, { ...DETAIL, context: { a: 1 } }]],
    ['no resource', detail({ resource: undefined })],
    ['a text of a resource', detail({ resource: 'item:9' })],
    ['every resource', resource({ id: '*' })],
    ['a userset', resource({ id: '9#viewer' })],
    ['a type inside of an id', resource({ id: 'a:b' })],
    ['an id inside of a type', resource({ type: 'item:9', id: '8' })],
    ['no id', resource({ id: '' })],
    ['a number of an id', resource({ id: 9 })],
    ['an id with a space', resource({ id: 'a b' })],
    ['an id with a NUL', resource({ id: 'a\u0000' })],
    ['half a character', resource({ id: '\ud800' })],
    ['a long id', resource({ id: 'a'.repeat(256) })],
    ['a resource with a relation', resource({ relation: 'viewer' })],
    ['a context that is a list', detail({ context: [] })],
    ['a context that is null', detail({ context: null })],
  ])('are not %s', (_what, details) => {
    expect(refusal(details)).toBe('invalid_authorization_details');
  });

  it.each([
    ['no JSON', '[{'],
    ['a member twice', JSON.stringify([DETAIL]).replace('{', '{"type":"x",')],
    ['a number too large', JSON.stringify(detail({ context: { a: 1 } })).replace(':1', ':1e999')],
    ['brackets without end', '['.repeat(16_000)],
    ['depth without end', `${'[{"a":'.repeat(2000)}1${'}]'.repeat(2000)}`],
    ['too much of it', JSON.stringify(detail({ context: { a: 'a'.repeat(16_384) } }))],
  ])('are not JSON: %s', (_what, text) => {
    expect(refusal(text)).toBe('invalid_request');
  });

  it(`are refused or whole, whatever they are (seed ${seed})`, () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        expect(['invalid_request', 'invalid_authorization_details']).toContain(refusal(text));
      }),
      { seed },
    );
  });
});
