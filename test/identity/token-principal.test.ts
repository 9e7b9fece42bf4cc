import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseIssuerFile } from '../../src/identity/issuer-file.js';
import { principalName, principalSubject } from '../../src/identity/principal.js';
import { principalOf, subjectOf } from '../../src/identity/token-principal.js';
import { brokenRule } from '../../src/identity/token-refusal.js';
import type { VerifiedToken } from '../../src/identity/token-verifier.js';
import type { JsonObject } from '../../src/tuple/tuple.js';
import { formatSubject, parseSubject } from '../../src/tuple/tuple.js';

function verified(claims: JsonObject, callers: object = {}, subjects: object = {}): VerifiedToken {
  const settings = {
    name: 'corp',
    issuer: 'https://id.example/',
    keys: { discovery: true },
    callers: { audience: ['pemba'], ...callers },
    subjects: { audience: ['shop'], type: 'user', prefix: 'corp/', ...subjects },
  };
  const { issuers } = parseIssuerFile(JSON.stringify({ issuers: [settings] }), 'issuers.json');
  const [issuer] = issuers;
  return { issuer: issuer!, claims, expiresAt: 0 }; // there is the one
}

const nameOf = (claims: JsonObject, callers: object = {}): string =>
  principalName(principalOf(verified(claims, callers)));

function ruleOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    return brokenRule(error);
  }
  return undefined;
}

describe('a caller', () => {
  it('is a user, unless subject and client are one', () => {
    expect(nameOf({ sub: 'anne', client_id: 'web' })).toBe('user:corp/anne');
    expect(nameOf({ sub: 'anne' })).toBe('user:corp/anne');
    expect(nameOf({ sub: 'orders', client_id: 'orders' })).toBe('service:corp/orders');
  });

  it('is known with its client', () => {
    const principal = principalOf(verified({ sub: 'anne', client_id: 'web app' }));
    expect(principal).toMatchObject({ kind: 'user', clientId: 'web%20app' });
  });

  it.each<[unknown, JsonObject, string]>([
    ['always', { sub: 'x', client_id: 'orders' }, 'service:corp/orders'],
    ['never', { sub: 'orders', client_id: 'orders' }, 'user:corp/orders'],
    [{ claim: 'gty', equals: 'client-credentials' }, { sub: 'a', client_id: 'b' }, 'user:corp/a'],
    [
      { claim: 'gty', equals: 'client-credentials' },
      { sub: 'b@clients', client_id: 'b', gty: 'client-credentials' },
      'service:corp/b',
    ],
    [
      { claim: 'ext.machine', equals: true },
      { sub: 'a', client_id: 'b', ext: { machine: true } },
      'service:corp/b',
    ],
    [
      { claim: 'ext.machine', equals: true },
      { sub: 'a', client_id: 'b', ext: { machine: 'true' } },
      'user:corp/a',
    ],
    [
      { claim: 'sub', equals_claim: 'azp' },
      { sub: 'a', azp: 'a', client_id: 'b' },
      'service:corp/b',
    ],
    // Two claims that are not there are not the same.
    [{ claim: 'x', equals_claim: 'y' }, { sub: 'a', client_id: 'b' }, 'user:corp/a'],
  ])('is a service by the rule %j', (service, claims, name) => {
    expect(nameOf(claims, { service })).toBe(name);
  });

  it.each([
    ['uid', { uid: 'u1' }],
    ['ext.uid', { ext: { uid: 'u1' } }],
    [['https://x.example/uid'], { 'https://x.example/uid': 'u1' }],
  ])('is found by the claim %j', (subject, claims) => {
    expect(nameOf({ sub: 's', ...claims }, { subject })).toBe('user:corp/u1');
  });

  it.each<[JsonObject, string]>([
    [{}, 'subject'],
    [{ sub: '' }, 'subject'],
    [{ sub: 7 }, 'subject'],
    [{ sub: null }, 'subject'],
    [{ sub: ['anne'] }, 'subject'],
    [{ sub: 's'.repeat(201) }, 'subject'],
    [{ sub: ':'.repeat(67) }, 'subject'],
    [{ sub: '\ud800' }, 'subject'],
    [{ sub: 'anne', client_id: '' }, 'client'],
    [{ sub: 'anne', client_id: null }, 'client'],
  ])('is nobody with %j', (claims, rule) => {
    expect(ruleOf(() => principalOf(verified(claims)))).toBe(rule);
  });

  it('is no service without a client', () => {
    expect(ruleOf(() => principalOf(verified({ sub: 'a' }, { service: 'always' })))).toBe('client');
  });

  it.each(['constructor', '__proto__', 'toString', 'sub.length'])(
    'is not found in what objects inherit: %s',
    (subject) => {
      expect(ruleOf(() => principalOf(verified({ sub: 'a' }, { subject })))).toBe('subject');
    },
  );
});

describe('a subject', () => {
  it('is an object of the configured type, with the prefix', () => {
    const token = verified({ sub: 'anne' }, {}, { type: 'person', prefix: 'c/' });
    expect(subjectOf(token)).toEqual({ kind: 'object', type: 'person', id: 'c/anne' });
  });

  it.each([
    ['user:bob', 'user:user%3Abob'],
    ['a#member', 'user:a%23member'],
    ['*', 'user:%2A'],
    ['a\nb', 'user:a%0Ab'],
    ['a%3Ab', 'user:a%253Ab'],
    ['zoë', 'user:zoë'],
  ])('%j is %s and nothing else', (sub, subject) => {
    expect(formatSubject(subjectOf(verified({ sub }, {}, { prefix: '' })))).toBe(subject);
  });

  it('reads as the object that it is, whatever the claim', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }), (sub) => {
        const token = verified({ sub });
        const rule = ruleOf(() => subjectOf(token));
        if (rule !== undefined) return rule === 'subject';
        const subject = subjectOf(token);
        const name = principalSubject(principalOf(token));
        expect(parseSubject(formatSubject(subject))).toEqual(subject);
        expect(parseSubject(formatSubject(name))).toEqual(name);
        return subject.id.startsWith('corp/') && name.id.startsWith('corp/');
      }),
    );
  });

  it('is nobody without an id', () => {
    expect(ruleOf(() => subjectOf(verified({ sub: '' })))).toBe('subject');
  });
});
