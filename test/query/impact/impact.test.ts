/** What an impact finds is what checks find, pair by pair, in worlds that chance makes. */
import { describe, expect, it } from '@jest/globals';
import { bruteForce, impactOf } from './brute-force.js';
import { randomChange } from './random-change.js';

describe('the impact of another model', () => {
  for (const negation of ['stratified', 'free'] as const) {
    it(`is what all checks together tell, with ${negation} negation`, () => {
      let moved = 0;
      for (let seed = 1; seed <= 400; seed += 1) {
        const change = randomChange(seed, negation);
        const expected = bruteForce(change);
        const { pairs, isComplete } = impactOf(change);
        expect({ seed, negation, pairs }).toEqual({ seed, negation, pairs: expected });
        expect(isComplete).toBe(true);
        moved += expected.length;
      }
      expect(moved).toBeGreaterThan(1000);
    });
  }

  it('is told of whom nothing mentions, where a check is too deep for everybody', () => {
    // Conditions that lack parameters, below a set that is as deep as checks go.
    const change = randomChange(8636, 'stratified');
    expect(impactOf(change).pairs).toEqual(bruteForce(change));
  });

  it('is the same when sets are forgotten on the way', () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const change = randomChange(seed, 'stratified');
      expect(impactOf(change, 1e6, 30_000).pairs).toEqual(impactOf(change).pairs);
    }
  });

  it('says that it is not whole where checks would be needed and may not be made', () => {
    const wholes = Array.from({ length: 60 }, (_, seed) =>
      impactOf(randomChange(seed + 1, 'free'), 0),
    );
    expect(wholes.some(({ isComplete }) => !isComplete)).toBe(true);
  });
});
