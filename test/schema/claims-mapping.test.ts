/** Claims mappings: what may be written, and what tuples and context come of a token's claims. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PembaError } from '../../src/errors.js';
import { compileClaimsMapping } from '../../src/schema/claims-mapping.js';
import type { MappedClaims } from '../../src/schema/claims-mapping.js';
import { claimsMappingFromWire } from '../../src/schema/claims-mapping-wire.js';
import { modelFromDsl } from '../../src/schema/dsl.js';
import { compilePlan } from '../../src/schema/plan.js';
import { formatTupleKey, parseTupleKey } from '../../src/tuple/tuple.js';
import type { JsonObject } from '../../src/tuple/tuple.js';
import { parseYaml } from '../../src/api/yaml-body.js';

const PLAN = compilePlan(
  modelFromDsl(`model
  schema 1.1
type user
type app
type service
  relations
    define acting_for: [user]
type group
  relations
    define member: [user, user:*, group#member]
type role
  relations
    define assignee: [user]
    define conditional: [user with limited]
    define anyone: [user:*]
    define parent: [role]
    define holder: assignee
condition limited(limit: int) {
  limit > 1
}
`).model,
);

const ANNE = { kind: 'object', type: 'user', id: 'anne' } as const;
const MAX_TUPLES = 500;

function mapped(mapping: object, claims: JsonObject, subject = ANNE as object): MappedClaims {
  const wire = claimsMappingFromWire(mapping);
  if (wire === null) throw new Error('an empty mapping maps nothing');
  const token = { subject: subject as typeof ANNE, claims };
  return compileClaimsMapping(PLAN, wire).map(token, MAX_TUPLES);
}

const tuplesOf = (mapping: object, claims: JsonObject): readonly string[] =>
  mapped(mapping, claims).tuples.map(formatTupleKey);

/** By one entry, of a claim `c`. */
const tuplesBy = (tuple: string, claims: JsonObject, more: object = {}): readonly string[] =>
  tuplesOf({ tuples: [{ each: 'c', tuple, ...more }] }, claims);

const ASSIGNEE = 'role:{value}#assignee@{subject}';
const idsOf = (c: JsonObject[string], more: object = {}): readonly string[] =>
  tuplesBy(ASSIGNEE, { c }, more).map((tuple) => /^role:(.*)#assignee@user:anne$/.exec(tuple)![1]!);

function refusalOf(mapping: unknown): string {
  try {
    const wire = claimsMappingFromWire(mapping);
    if (wire !== null) compileClaimsMapping(PLAN, wire);
  } catch (error) {
    expect(error).toBeInstanceOf(PembaError);
    const { code, message, facts } = error as PembaError;
    expect(code).toBe('invalid_claims_mapping');
    expect(message.startsWith(`${String(facts['field'])}: `)).toBe(true);
    return message;
  }
  throw new Error(`accepted: ${JSON.stringify(mapping)}`);
}

describe('the tuples of a mapping', () => {
  it('are one of every value of a claim', () => {
    expect(idsOf(['admin', 'clerk'])).toEqual(['admin', 'clerk']);
    expect(idsOf('admin')).toEqual(['admin']);
    expect(idsOf([1, 2.5, -3, true, false])).toEqual(['1', '2.5', '-3', 'true', 'false']);
    expect(idsOf(['a', 'b', 'a'])).toEqual(['a', 'b']);
  });

  it('are none where the claim is absent, or no value of it can be an id', () => {
    expect(tuplesBy(ASSIGNEE, {})).toEqual([]);
    expect(idsOf([])).toEqual([]);
    expect(idsOf(null)).toEqual([]);
    expect(idsOf({ admin: true })).toEqual([]);
    expect(idsOf(['', 'x'.repeat(300), '\ud800', null, { a: 1 }, ['admin'], 'ok'])).toEqual(['ok']);
  });

  it('are none of numbers that were not read exactly', () => {
    expect(idsOf([2 ** 53 - 1, 2 ** 53, Infinity, -Infinity, 1e300])).toEqual(['9007199254740991']);
  });

  it('keep hostile values inside their ids', () => {
    expect(idsOf(['*', 'a:b', 'a#member', 'a\nb', 'a@b', '\u0000', '%2A', 'é'])).toEqual([
      ...['%2A', 'a%3Ab', 'a%23member', 'a%0Ab', 'a@b', '%00', '%252A', 'é'],
    ]);
    expect(idsOf('{subject}')).toEqual(['{subject}']);
  });

  it('come of strings that are cut', () => {
    expect(idsOf('read  write read', { split: ' ' })).toEqual(['read', 'write']);
    expect(idsOf(['a,b', 'c'], { split: ',' })).toEqual(['a', 'b', 'c']);
    expect(idsOf(7, { split: ' ' })).toEqual(['7']);
  });

  it('come of claims within claims, by own names only', () => {
    const claims = JSON.parse(
      '{"a":{"b.c":{"d":["x"]}},"list":[{"r":"y"}],"__proto__":{"r":"z"}}',
    ) as JsonObject;
    const of = (each: unknown): readonly string[] =>
      tuplesOf({ tuples: [{ each, tuple: ASSIGNEE }] }, claims);
    expect(of(['a', 'b.c', 'd'])).toEqual(['role:x#assignee@user:anne']);
    expect(of('a.b.c.d')).toEqual([]);
    expect(of('list.0.r')).toEqual([]);
    expect(of('list.length')).toEqual([]);
    expect(of('__proto__.r')).toEqual(['role:z#assignee@user:anne']);
    for (const name of ['constructor.name', 'toString', 'a.__proto__.r', 'a.constructor.name']) {
      expect([name, of(name)]).toEqual([name, []]);
    }
  });

  it('have the subject, its id, other claims, and literal subjects', () => {
    const claims = { c: 'x', tenant: 't:1', list: ['l'], n: 7, deep: { id: 'd' } };
    expect(tuplesBy('group:{value}#member@user:{subject.id}', claims)).toEqual([
      'group:x#member@user:anne',
    ]);
    expect(tuplesBy('role:{value}-{claims.tenant}#assignee@{subject}', claims)).toEqual([
      'role:x-t%3A1#assignee@user:anne',
    ]);
    expect(tuplesBy('role:{value}/{claims.deep.id}/{claims.n}#assignee@{subject}', claims)).toEqual(
      ['role:x/d/7#assignee@user:anne'],
    );
    expect(tuplesBy('role:{value}/{claims.none}#assignee@{subject}', claims)).toEqual([]);
    expect(tuplesBy('role:{value}/{claims.list}#assignee@{subject}', claims)).toEqual([]);
    expect(tuplesBy('group:{value}#member@group:all-{value}#member', claims)).toEqual([
      'group:x#member@group:all-x#member',
    ]);
    expect(tuplesBy('role:{value}#anyone@user:*', claims)).toEqual(['role:x#anyone@user:*']);
  });

  it('tell ids of several values apart', () => {
    const tuple = 'role:{claims.tenant}/{value}#assignee@{subject}';
    const one = tuplesBy(tuple, { tenant: 'a/b', c: 'c' });
    expect(one).toEqual(['role:a%2Fb/c#assignee@user:anne']);
    expect(tuplesBy(tuple, { tenant: 'a', c: 'b/c' })).toEqual(['role:a/b%2Fc#assignee@user:anne']);
    const part = fc.string({
      unit: fc.constantFrom('a', '/', '-', '%', '2', 'F', ':'),
      minLength: 1,
    });
    fc.assert(
      fc.property(fc.tuple(part, part), fc.tuple(part, part), (left, right) => {
        const idOf = ([tenant, c]: [string, string]): readonly string[] =>
          tuplesBy(tuple, { tenant, c });
        const same = left[0] === right[0] && left[1] === right[1];
        expect(idOf(left)[0] === idOf(right)[0]).toBe(same);
      }),
    );
  });

  it('are tuples, whatever the claims hold', () => {
    const tuples = ['group:{value}#member@{subject}', 'role:r/{value}#assignee@user:{value}'];
    const mapping = { tuples: tuples.map((tuple) => ({ each: 'c', split: ',', tuple })) };
    fc.assert(
      fc.property(fc.jsonValue(), (c) => {
        for (const tuple of mapped(mapping, { c: c as JsonObject[string] }).tuples) {
          expect(parseTupleKey(formatTupleKey(tuple))).toEqual(tuple);
        }
      }),
    );
  });

  it('are refused when there are too many, not cut', () => {
    const roles = Array.from({ length: MAX_TUPLES }, (_, i) => `r${i}`);
    expect(idsOf(roles)).toHaveLength(MAX_TUPLES);
    expect(idsOf([...roles, ...roles, 'r0'])).toHaveLength(MAX_TUPLES);
    expect(() => idsOf([...roles, 'one-more'])).toThrow(
      /^subject_token: .* more than 500 tuples.*claims_mapping\.tuples\[0\]/,
    );
    const endless = Array.from({ length: 10_000 }, (_, i) => `r${i}`);
    expect(() => idsOf(endless)).toThrow(/more than 500/);
    expect(idsOf(endless.map(() => ''))).toEqual([]);
    const many = Array.from({ length: 50 }, (_, i) => ({
      each: 'c',
      tuple: `role:${i}/{value}#assignee@{subject}`,
    }));
    expect(() => tuplesOf({ tuples: many }, { c: roles })).toThrow(/more than 500/);
  });

  it('are refused for a subject of a type that the relation does not admit', () => {
    const app = { ...ANNE, type: 'app' };
    const mapping = { tuples: [{ each: 'c', tuple: ASSIGNEE }] };
    expect(() => mapped(mapping, { c: 'x' }, app)).toThrow(
      /^subject_token: by claims_mapping\.tuples\[0\]\.tuple, subject 'app:anne' is not among/,
    );
    expect(mapped(mapping, {}, app).tuples).toEqual([]);
    expect(() => mapped(mapping, { c: 'x' }, { ...ANNE, type: 'none' })).toThrow(
      /'none' not found/,
    );
  });
});

describe('the context of a mapping', () => {
  const claims = JSON.parse(
    '{"dept":"eng","amr":["pwd"],"deep":{"a":1},"__proto__":{"x":1},"ur:n":true,"nul":null}',
  ) as JsonObject;

  const contextOf = (context: object, of = claims): JsonObject => mapped({ context }, of).context;

  it('has the claims that are chosen, as they are, each as a parameter and all in a map', () => {
    expect(contextOf(['dept', 'amr', 'nul', 'none'])).toEqual({
      token: { dept: 'eng', amr: ['pwd'] },
      ...{ token_dept: 'eng', token_amr: ['pwd'] },
    });
    const names = { department: 'dept', a: 'deep.a', b: ['ur:n'], none: 'deep.none' };
    expect(contextOf(names)).toEqual({
      token: { department: 'eng', a: 1, b: true },
      ...{ token_department: 'eng', token_a: 1, token_b: true },
    });
  });

  it('has the default where the token has nothing', () => {
    const context = {
      dept: { claim: 'dept', default: 'none' },
      acr: { claim: 'acr', default: '' },
      amr: { claim: 'none.amr', default: [] },
      level: { claim: ['none'], default: 0 },
    };
    const token = { dept: 'eng', acr: '', amr: [], level: 0 };
    expect(contextOf(context)['token']).toEqual(token);
    expect(contextOf({ a: { claim: 'nul', default: 'x' } })['token']).toEqual({ a: 'x' });
  });

  it('has a token even when that says nothing, and none when nothing is chosen', () => {
    expect(contextOf(['none', 'constructor'])).toEqual({ token: {} });
    expect(mapped({ tuples: [] }, claims).context).toEqual({});
  });

  it('takes names that objects inherit for names', () => {
    const mapping = JSON.parse('{"__proto__":"dept","constructor":["__proto__","x"]}') as object;
    const { token } = contextOf(mapping) as { token: object };
    expect(Object.getPrototypeOf(token)).toBe(Object.prototype);
    expect(JSON.stringify(token)).toBe('{"__proto__":"eng","constructor":1}');
  });
});

describe('a mapping', () => {
  it('is none when nothing is in it', () => {
    expect([null, {}, { tuples: null }].map(claimsMappingFromWire)).toEqual([null, null, null]);
  });

  it('is kept as it was written', () => {
    const mapping = {
      tuples: [{ each: ['a', 'b'], split: ' ', tuple: ASSIGNEE }],
      context: { d: ['x.y'], e: 'x.y', f: { claim: 'x', default: [1, 'a', true] } },
    };
    expect(claimsMappingFromWire(mapping)).toEqual(mapping);
  });

  const entry = (tuple: unknown, more: object = {}): object => ({
    tuples: [
      { each: 'x', tuple: ASSIGNEE },
      { each: 'c', tuple, ...more },
    ],
  });
  const AT = /^claims_mapping\.tuples\[1\]\.tuple: /;

  it.each<[string, unknown, RegExp]>([
    ['a text', 'x', /^claims_mapping: must be an object/],
    ['a list', [], /^claims_mapping: must be an object/],
    ['an unknown member', { tuple: [] }, /^claims_mapping: has no member 'tuple'/],
    ['no list', { tuples: {} }, /^claims_mapping\.tuples: must be a list/],
    ['an entry that is none', { tuples: ['x'] }, /^claims_mapping\.tuples\[0\]: must be an object/],
    ['a misspelt member', entry(ASSIGNEE, { spilt: ' ' }), /tuples\[1\]: has no member 'spilt'/],
    ['no each', { tuples: [{ tuple: ASSIGNEE }] }, /tuples\[0\]\.each: value is required/],
    ['no tuple', entry(undefined), /tuples\[1\]\.tuple: value is required/],
    ['a number as a tuple', entry(1), /tuples\[1\]\.tuple: must be a string/],
    ['an empty path', entry(ASSIGNEE, { each: '' }), /each: must not be empty/],
    ['an empty list for a path', entry(ASSIGNEE, { each: [] }), /each: names no claim/],
    ['a path with a hole', entry(ASSIGNEE, { each: 'a..b' }), /each: names no claim/],
    ['a path of wrong steps', entry(ASSIGNEE, { each: ['a', 1] }), /each\[1\]: must be a string/],
    ['too many steps', entry(ASSIGNEE, { each: 'a.'.repeat(11) + 'b' }), /each: .*10 steps/],
    ['a path too long', entry(ASSIGNEE, { each: 'x'.repeat(300) }), /each: .*254 characters/],
    ['control characters', entry(ASSIGNEE, { each: 'a\u0000' }), /each: holds control/],
    ['an empty split', entry(ASSIGNEE, { split: '' }), /split: must not be empty/],
    ['a long split', entry(ASSIGNEE, { split: ' '.repeat(11) }), /split: .*10 characters/],
    ['too many entries', { tuples: Array(51).fill({}) }, /tuples: .*50 entries at most, not 51/],
    ['a context that is a text', { context: 'a' }, /^claims_mapping\.context: must be a list or/],
    ['a dot in a name', { context: ['a.b'] }, /^claims_mapping\.context\[0\]: 'a\.b' has a dot/],
    ['a wrong path', { context: { dept: 1 } }, /^claims_mapping\.context\.dept: must be a string/],
    [
      'a claim without a default',
      { context: { a: { claim: 'a' } } },
      /context\.a\.default: must be/,
    ],
    ['a default alone', { context: { a: { default: 1 } } }, /context\.a\.claim: value is required/],
    [
      'a wrong default',
      { context: { a: { claim: 'a', default: {} } } },
      /context\.a\.default: must/,
    ],
    [
      'an endless one',
      { context: { a: { claim: 'a', default: Infinity } } },
      /a\.default: must be/,
    ],
    ['an unknown part', { context: { a: { path: 'a' } } }, /context\.a: has no member 'path'/],
    ['a nameless claim', { context: { '': 'x' } }, /^claims_mapping\.context\.: must not be empty/],
    ['too many claims', { context: Array(51).fill('a') }, /context: .*50 entries/],
  ])('with %s is refused, naming the field', (_what, mapping, message) => {
    expect(refusalOf(mapping)).toMatch(message);
  });

  it.each<[string, string, RegExp]>([
    ['no tuple', 'nonsense', /is not of the form/],
    ['no value', 'role:admin#assignee@{subject}', /must have \{value\}/],
    ['an unknown type', 'rule:{value}#assignee@{subject}', /type 'rule' not found/],
    ['an unknown relation', 'role:{value}#asignee@{subject}', /'role#asignee' not found/],
    ['an unknown subject type', 'role:{value}#assignee@human:{subject.id}', /'human' not found/],
    ['a computed relation', 'role:{value}#holder@{subject}', /'role#holder' admits no single/],
    ['a wildcard only', 'role:{value}#anyone@{subject}', /'role#anyone' admits no single/],
    ['a condition', 'role:{value}#conditional@{subject}', /without a condition/],
    ['a condition of users', 'role:{value}#conditional@user:{subject.id}', /condition is missing/],
    ['a subject not admitted', 'role:{value}#assignee@app:a', /'app:a' is not among/],
    ['a userset not admitted', 'role:{value}#assignee@group:a#member', /is not among/],
    ['a wildcard not admitted', 'role:{value}#assignee@user:*', /'user:\*' is not among/],
    ['itself', 'group:{value}#member@group:{value}#member', /implicit/],
    ['a type from the token', '{value}:x#assignee@{subject}', /cannot come from a token/],
    ['a relation from the token', 'role:{value}#{claims.r}@{subject}', /cannot come from a token/],
    ['a subject type from it', 'role:{value}#assignee@{value}:x', /cannot come from a token/],
    ['a subject in an id', 'role:{value}#assignee@user:{subject}', /\{subject\} can only be/],
    ['a subject as an object', '{subject}#assignee@role:{value}', /is not of the form/],
    ['a set of the subject', 'role:{value}#assignee@{subject}#x', /is not of the form/],
    ['an unknown place', 'role:{vale}#assignee@{subject}', /\{vale\} is none of/],
    ['a claim without a name', 'role:{value}-{claims.}#assignee@{subject}', /names no claim/],
    ['an open brace', 'role:{value}{#assignee@{subject}', /brace/],
    ['a closing brace', 'role:{value}}#assignee@{subject}', /brace/],
    ['places side by side', 'role:{claims.a}{value}#assignee@{subject}', /must stand a text/],
    ['a letter between', 'role:{claims.a}x{value}#assignee@{subject}', /must stand a text/],
    ['a percent between', 'role:{claims.a}%{value}#assignee@{subject}', /must stand a text/],
    ['no room', `role:{value}${'x'.repeat(200)}#assignee@{subject}`, /leaves no room/],
    ['white space', 'role: {value}#assignee@{subject}', /is not of the form/],
    ['a service that acts', 'service:{value}#acting_for@{subject}', /not for a claim to say/],
    ['too much text', `role:{value}${'x'.repeat(600)}#assignee@{subject}`, /512 characters/],
  ])('whose tuple has %s is refused', (_what, tuple, message) => {
    const refusal = refusalOf(entry(tuple));
    expect(refusal).toMatch(AT);
    expect(refusal).toMatch(message);
  });
});

describe('the example', () => {
  const FOLDER = join(import.meta.dirname, '..', '..', 'schema', 'token-claims');
  const read = (file: string): string => readFileSync(join(FOLDER, file), 'utf8');

  it('makes tuples and context of the token', () => {
    const plan = compilePlan(modelFromDsl(read('model.fga')).model);
    const wire = claimsMappingFromWire(parseYaml(read('claims-mapping.yaml')));
    const claims = JSON.parse(read('token.json')) as JsonObject;
    const { tuples, context } = compileClaimsMapping(plan, wire!).map(
      { subject: ANNE, claims },
      MAX_TUPLES,
    );
    expect(tuples.map(formatTupleKey)).toEqual([
      'role:analyst#assignee@user:anne',
      'role:approver#assignee@user:anne',
      'scope:openid#holder@user:anne',
      'scope:reports%3Aread#holder@user:anne',
      'client:reporting-app#used_by@user:anne',
    ]);
    expect(context).toEqual({
      token: { department: 'sales', acr: '2', amr: ['pwd', 'mfa'], auth_time: 1767225600 },
      ...{ token_department: 'sales', token_acr: '2', token_amr: ['pwd', 'mfa'] },
      token_auth_time: 1767225600,
    });
  });
});
