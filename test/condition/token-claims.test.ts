/** Conditions about the claims of a token: as the map `token`, and as parameters of their own. */
import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../src/tuple/tuple.js';
import { declare, outcome } from './declare.js';

const CLAIMS = JSON.parse(`{
  "acr": "2", "amr": ["pwd", "mfa"], "auth_time": 1767225600, "level": 2, "ratio": 1.5,
  "deep": { "a": { "b": ["x"] } }, "nothing": null, "ur:n": true, "__proto__": { "x": 1 }
}`) as JsonObject;

describe('a condition of the map token', () => {
  const verdict = (expression: string): string => {
    const condition = declare(expression, { token: 'map<any>', resource_dept: 'string' });
    const request = { token: { ...CLAIMS, dept: 'eng' }, resource_dept: 'eng' };
    return outcome(condition, { request }).kind;
  };

  it.each([
    "token.acr == '2'",
    "token['acr'] == '2'",
    "token['ur:n'] == true",
    "'mfa' in token.amr",
    'size(token.amr) == 2',
    "token.amr.exists(m, m == 'mfa')",
    "token.acr in ['2', '3']",
    'token.dept == resource_dept',
    "token.deep.a.b[0] == 'x'",
    'token.auth_time == 1767225600',
    '1767225600 == token.auth_time',
    'token.auth_time >= 1767225600',
    'token.auth_time < 1767225601',
    'token.level in [1, 2]',
    'token.level < 3u',
    'token.ratio > 1',
    'int(token.level) + 1 == 3',
    "timestamp(int(token.auth_time)) > timestamp('2025-12-31T00:00:00Z')",
    'token.nothing == null',
    "has(token.acr) && !has(token.none) && !(has(token.none) && token.none == '2')",
    'token.__proto__.x == 1',
    '!has(token.constructor) && !has(token.toString)',
  ])('%s holds', (expression) => {
    expect(verdict(expression)).toBe('true');
  });

  it.each(["token.acr == '3'", "token.level == '2'", 'token.acr == 2', "'otp' in token.amr"])(
    '%s does not',
    (expression) => {
      expect(verdict(expression)).toBe('false');
    },
  );

  it.each(["token.none == '2'", 'token.constructor == 1', 'token.level + 1 == 3'])(
    '%s cannot be told',
    (expression) => {
      expect(verdict(expression)).toBe('error');
    },
  );
});

describe('a condition of parameters of their own', () => {
  it('has them as it declares them', () => {
    const condition = declare(
      "token_acr == '2' && 'mfa' in token_amr && token_auth_time + 60 > 1767225600",
      { token_acr: 'string', token_amr: 'list<string>', token_auth_time: 'int' },
    );
    const request = { token_acr: '2', token_amr: ['mfa'], token_auth_time: 1767225600 };
    expect(outcome(condition, { request })).toEqual({ kind: 'true' });
    expect(outcome(condition, { request: { ...request, token_acr: '1' } }).kind).toBe('false');
    expect(outcome(condition, { request: { ...request, token_amr: 'mfa' } }).kind).toBe('error');
    expect(outcome(condition, { request: { token_acr: '2', token_amr: [] } })).toEqual({
      kind: 'missing',
      parameters: ['token_auth_time'],
    });
  });
});
