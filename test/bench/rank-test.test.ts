import { describe, expect, it } from '@jest/globals';
import { rankTest } from '../../bench/rank-test.js';

describe('the rank test', () => {
  it('finds no difference between the same', () => {
    const times = Array.from({ length: 100 }, (_, i) => i);
    expect(rankTest(times, times).longer).toBe(0.5);
    expect(rankTest(times, times).p).toBeCloseTo(1, 5);
    expect(rankTest([1, 1, 1], [1, 1, 1])).toEqual({ longer: 0.5, p: expect.closeTo(1, 5) });
  });

  it('gives what the textbook does', () => {
    // Of 12 pairs the first is longer in 2; z = -4 / sqrt(8).
    const { longer, p } = rankTest([1, 2, 5], [3, 4, 6, 7]);
    expect(longer).toBeCloseTo(2 / 12, 10);
    expect(p).toBeCloseTo(0.1573, 3);
  });

  it('is sure of a difference that always is', () => {
    const short = Array.from({ length: 50 }, (_, i) => i);
    const { longer, p } = rankTest(
      short.map((value) => value + 100),
      short,
    );
    expect(longer).toBe(1);
    expect(p).toBeLessThan(1e-15);
  });

  it('takes no notice of how long the longest are', () => {
    expect(rankTest([1, 2, 1e9], [3, 4, 5])).toEqual(rankTest([1, 2, 6], [3, 4, 5]));
  });
});
