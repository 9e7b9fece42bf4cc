import { describe, expect, it } from '@jest/globals';
import { readComputedPattern, readLiteralPattern } from '../../src/condition/pattern.js';
import { declare, outcome } from './declare.js';

const catastrophic = [
  '^(a+)+$',
  '^(a|a)*$',
  '^(a|aa)+$',
  '(.*a){20}b',
  '^(([a-z])+.)+[A-Z]([a-z])+$',
];

describe('matches', () => {
  it.each(catastrophic)('decides %s over a long near-match in milliseconds', (pattern) => {
    const text = `${'a'.repeat(5_000)}!`;
    const literal = declare(`s.matches("${pattern}")`, { s: 'string' });
    const given = declare('s.matches(pattern)', { s: 'string', pattern: 'string' });
    const start = performance.now();
    const maxCost = 1e7;
    expect(outcome(literal, { request: { s: text }, maxCost })).toEqual({ kind: 'false' });
    expect(outcome(given, { request: { s: text, pattern }, maxCost })).toEqual({ kind: 'false' });
    expect(performance.now() - start).toBeLessThan(500);
  });

  it('searches, as method and as function', () => {
    const condition = declare('s.matches("b+") && matches(s, "^a") && !s.matches("^b")', {
      s: 'string',
    });
    expect(outcome(condition, { request: { s: 'abbc' } })).toEqual({ kind: 'true' });
  });

  it('works on values whose type is only known when they arrive', () => {
    const condition = declare('x.matches("^a$")', { x: 'any' });
    expect(outcome(condition, { request: { x: 'a' } })).toEqual({ kind: 'true' });
    expect(outcome(condition, { request: { x: 1 } }).kind).toBe('error');
  });

  it.each([
    ['s == "" ||\n  s.matches("(")', 2, 13, 'missing closing )'],
    ['matches(s, "a**")', 1, 12, 'invalid nested repetition'],
    ['s.matches("(?=a)")', 1, 11, 'invalid or unsupported Perl syntax'],
    ['s.matches(r"(a)\\1")', 1, 11, 'invalid escape sequence'],
  ])('refuses the pattern of %j where it stands', (expression, line, column, message) => {
    expect(() => declare(expression, { s: 'string' })).toThrow(
      expect.objectContaining({ line, column, message: expect.stringContaining(message) }),
    );
  });

  it('reports a bad pattern that is a value', () => {
    const condition = declare('s.matches(p)', { s: 'string', p: 'string' });
    expect(outcome(condition, { request: { s: 'a', p: '(' } })).toEqual({
      kind: 'error',
      message: "condition 'c': bad pattern: missing closing ): `(`",
    });
  });

  it.each(['a{1000}', '(a{100}){10}', '((a{10}){10}){10}', '(?:[[:alpha:]]{500}|b){2}'])(
    'refuses %s, which is short and compiles to a long program',
    (pattern) => {
      expect(() => readComputedPattern(pattern)).toThrow('repeats so much');
      expect(() => readLiteralPattern(`${pattern}${pattern}`)).toThrow('repeats so much');
    },
  );

  it('counts the instructions that a program turns out to have', () => {
    expect(() => readLiteralPattern('(?:a?){450}')).not.toThrow();
    expect(() => readLiteralPattern('(?:a?){600}')).toThrow('over 1000 instructions');
  });

  it('does not compile a pattern to find out that it is too large', () => {
    const times = Array.from({ length: 5 }, () => {
      const start = performance.now();
      expect(() => readLiteralPattern('(\\pL{500}){2}'.repeat(100))).toThrow('repeats so much');
      return performance.now() - start;
    });
    // compiling it takes a hundred milliseconds
    expect(Math.min(...times)).toBeLessThan(20);
  });

  it.each([
    '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$',
    '[0-9a-f]{64}',
    '^\\d{4}-\\d{2}-\\d{2}$',
    '[]{}]{3}\\{9}',
    '(?i)^/docs/[^/]+/(draft|final)\\.pdf$',
  ])('lets the everyday pattern %s be a value', (pattern) => {
    expect(() => readComputedPattern(pattern)).not.toThrow();
  });

  it('refuses a pattern that is a value and very long', () => {
    expect(() => readComputedPattern('a'.repeat(513))).toThrow('longer than 512');
  });
});
