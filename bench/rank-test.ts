/** Whether two sets of times differ, by their ranks alone: a few that are very long say no more. */

export interface RankTest {
  /** How often one of the first is longer than one of the second; equal ones count half. */
  readonly longer: number;
  /** Of such a difference or a greater one, were they the same: two-sided, by the normal approximation. */
  readonly p: number;
}

/** Mann and Whitney's test, with the correction for ties. */
export function rankTest(first: readonly number[], second: readonly number[]): RankTest {
  const all = [
    ...first.map((value) => ({ value, isFirst: true })),
    ...second.map((value) => ({ value, isFirst: false })),
  ].sort((one, other) => one.value - other.value);
  let rankSum = 0;
  let ties = 0;
  for (let start = 0, end = 0; start < all.length; start = end) {
    while (end < all.length && all[end]?.value === all[start]?.value) end++;
    const tied = end - start;
    ties += tied ** 3 - tied;
    const rank = (start + 1 + end) / 2;
    rankSum += rank * all.slice(start, end).filter(({ isFirst }) => isFirst).length;
  }
  const [n, m, total] = [first.length, second.length, all.length];
  const u = rankSum - (n * (n + 1)) / 2;
  const variance = ((n * m) / 12) * (total + 1 - ties / (total * (total - 1)));
  const z = variance === 0 ? 0 : (u - (n * m) / 2) / Math.sqrt(variance);
  return { longer: u / (n * m), p: 2 * upperTail(Math.abs(z)) };
}

/** Of the standard normal distribution; Abramowitz and Stegun 26.2.17, good to 1e-7. */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const polynomial =
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return Math.min(0.5, (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * polynomial);
}
