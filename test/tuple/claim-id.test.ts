import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CLAIM_ID_LENGTH_MAX, idOfClaim } from '../../src/tuple/claim-id.js';
import { parseObject, parseSubject } from '../../src/tuple/tuple.js';

describe('the id of a claim', () => {
  it.each([
    ['anne', 'anne'],
    ['a b', 'a%20b'],
    ['corp:anne', 'corp%3Aanne'],
    ['eng#member', 'eng%23member'],
    ['a\nb', 'a%0Ab'],
    ['100%', '100%25'],
    ['%2A', '%252A'],
    ['*', '%2A'],
    ['**', '**'],
    ['\u2028', '%E2%80%A8'],
    ['Åsa', 'Åsa'],
    ['👩‍🚀', '👩‍🚀'],
    ['__proto__', '__proto__'],
    ['', undefined],
    ['\ud800', undefined],
    ['x'.repeat(CLAIM_ID_LENGTH_MAX), 'x'.repeat(CLAIM_ID_LENGTH_MAX)],
    ['x'.repeat(CLAIM_ID_LENGTH_MAX + 1), undefined],
    ['#'.repeat(100), undefined],
  ])('of %j is %j', (value, id) => {
    expect(idOfClaim(value)).toBe(id);
  });

  const value = fc.string({ unit: 'binary', maxLength: 60 });
  const hostile = fc.string({
    unit: fc.constantFrom('%', '2', 'A', '*', '#', ':', ' ', '\n', 'a'),
  });

  it('stays inside the object that it is put in', () => {
    fc.assert(
      fc.property(fc.oneof(value, hostile), (text) => {
        const id = idOfClaim(text);
        if (id === undefined) return;
        expect(parseObject(`user:${id}`)).toEqual({ type: 'user', id });
        expect(parseSubject(`user:${id}`)).toEqual({ kind: 'object', type: 'user', id });
      }),
    );
  });

  it('tells different values apart', () => {
    fc.assert(
      fc.property(hostile, hostile, (one, other) => {
        const [a, b] = [idOfClaim(one), idOfClaim(other)];
        if (a !== undefined && b !== undefined) expect(a === b).toBe(one === other);
      }),
    );
  });
});
