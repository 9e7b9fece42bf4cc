/**
 * How everything here is measured. A figure alone says little on a machine that does other things as
 * well, so each is taken beside a reference that does the same kind of work in its barest form, in
 * turns: reference, subject, reference, subject. What disturbs one disturbs the other, and the ratio
 * of the two stays. The first turn warms up and is dropped; of the others the medians are kept.
 */

/** Nanoseconds. */
export interface Timing {
  /** The time of the run divided by its operations, however many were under way at once. */
  readonly perOperation: number;
  /** Of single operations, or of small batches of those that are shorter than a look at a clock. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export type Run = () => Timing | Promise<Timing>;

export interface Comparison extends Timing {
  /** Of the reference, per operation. */
  readonly reference: number;
  /** Time per operation by that of the reference, the median over pairs of runs. */
  readonly ratio: number;
  /** The same of the median operations: what a disturbed machine does to few of them is left out. */
  readonly p50Ratio: number;
  readonly ratioMin: number;
  readonly ratioMax: number;
}

export async function interleave(reference: Run, subject: Run, runs: number): Promise<Comparison> {
  await reference();
  await subject();
  const references: Timing[] = [];
  const subjects: Timing[] = [];
  for (let run = 0; run < runs; run++) {
    references.push(await reference());
    subjects.push(await subject());
  }
  const ratiosBy = (of: (timing: Timing) => number): readonly number[] =>
    subjects.map((timing, i) => of(timing) / of(references[i] ?? timing));
  const ratios = ratiosBy(({ perOperation }) => perOperation);
  return {
    ...medianTiming(subjects),
    reference: medianTiming(references).perOperation,
    ratio: median(ratios),
    p50Ratio: median(ratiosBy(({ p50 }) => p50)),
    ratioMin: Math.min(...ratios),
    ratioMax: Math.max(...ratios),
  };
}

const medianTiming = (timings: readonly Timing[]): Timing => ({
  perOperation: median(timings.map((timing) => timing.perOperation)),
  p50: median(timings.map((timing) => timing.p50)),
  p95: median(timings.map((timing) => timing.p95)),
  p99: median(timings.map((timing) => timing.p99)),
});

export const median = (values: readonly number[]): number =>
  quantile(Float64Array.from(values).sort(), 0.5);

/** The nearest of the sorted values; NaN when there are none. */
const quantile = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;

/** `samples` are nanoseconds of single operations. */
export function timingOf(samples: readonly number[], perOperation: number): Timing {
  const sorted = Float64Array.from(samples).sort();
  return {
    perOperation,
    p50: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    p99: quantile(sorted, 0.99),
  };
}

/** Does the operations `first` … `first + count - 1`; what it returns keeps them from being left out. */
export type Loop = (first: number, count: number) => number;

/** A look at the clock takes some 50 ns: half a percent of a batch. */
const BATCH_NS = 10_000;
const NS_PER_MS = 1e6;

/** What loops return ends here. */
const swallowed = { sum: 0 };

/** Synchronous operations for so long, in batches that the clock can measure. */
export function timedLoop(loop: Loop, forMs: number): Run {
  let next = 0;
  let batch = 1;
  let turn = 0;
  return () => {
    // Again after the warm-up: compiled code does more in the time.
    if (turn++ < 2) batch = batchOf(loop);
    const samples: number[] = [];
    let spentNs = 0;
    do {
      const spent = timeOf(loop, next, batch);
      spentNs += spent;
      next += batch;
      samples.push(spent / batch);
    } while (spentNs < forMs * NS_PER_MS);
    return timingOf(samples, spentNs / (samples.length * batch));
  };
}

/** How many operations take as long as a batch should. */
function batchOf(loop: Loop): number {
  let batch = 1;
  while (quickest(loop, batch) < BATCH_NS) batch *= 2;
  return batch;
}

/** Of a few attempts, because one that is interrupted seems long. */
const quickest = (loop: Loop, count: number): number =>
  Math.min(timeOf(loop, 0, count), timeOf(loop, 0, count), timeOf(loop, 0, count));

export function timeOf(loop: Loop, first: number, count: number): number {
  const start = performance.now();
  swallowed.sum += loop(first, count);
  return (performance.now() - start) * NS_PER_MS;
}
