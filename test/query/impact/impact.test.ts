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
});
