/**
 * Who is a member of a set as far as it can be told: where conditions lack parameters a set has two
 * bounds, and `or`, `and` and `but not` go on with both.
 */
import { NOBODY, difference, intersection, isSame, union, unionOf } from './subject-set.js';
import type { SubjectSet } from './subject-set.js';

export interface Members {
  readonly sure: SubjectSet;
  /** Holds `sure`; the same set where nothing is uncertain. */
  readonly possible: SubjectSet;
}

/** The sets that a set is the union of. */
export interface Parts {
  readonly sure: SubjectSet[];
  /** What is possible beyond. */
  readonly unsure: SubjectSet[];
}

export const NONE: Members = { sure: NOBODY, possible: NOBODY };

export function take(parts: Parts, { sure, possible }: Members): void {
  if (sure !== NOBODY) parts.sure.push(sure);
  if (possible !== sure) parts.unsure.push(possible);
}

export function joined({ sure: some, unsure }: Parts): Members {
  const sure = unionOf(some);
  if (unsure.length === 0) return { sure, possible: sure };
  return bounds(sure, union(sure, unionOf(unsure)));
}

/** One set where both are alike: whoever comes next sees at once that nothing is uncertain. */
const bounds = (sure: SubjectSet, possible: SubjectSet): Members => ({
  sure,
  possible: isSame(sure, possible) ? sure : possible,
});

/** The smaller operands are put together, and the parts of the last are held against them. */
export function common(operands: readonly Parts[]): Parts {
  if (operands.some(({ unsure }) => unsure.length > 0)) return commonBounds(operands);
  const [last, ...others] = operands.toSorted((a, b) => weightOf(b) - weightOf(a));
  if (last === undefined) return { sure: [], unsure: [] };
  let within: SubjectSet | undefined;
  for (const { sure } of others.toReversed()) {
    within = unionOf(within === undefined ? sure : intersections(sure, within));
  }
  return { sure: within === undefined ? last.sure : intersections(last.sure, within), unsure: [] };
}

/** An over-estimate of how much there is to go through; all but some are many. */
const weightOf = ({ sure }: Parts): number =>
  sure.reduce((sum, { isAllBut, ranks }) => sum + (isAllBut ? Infinity : ranks.length), 0);

function commonBounds(operands: readonly Parts[]): Parts {
  const [first = NONE, ...others] = operands.map(joined);
  const { sure, possible } = others.reduce(
    (a, b) => ({
      sure: intersection(a.sure, b.sure),
      possible: intersection(a.possible, b.possible),
    }),
    first,
  );
  return partsOf(sure, possible);
}

export function except(base: Parts, subtract: Parts): Parts {
  const { sure, possible } = joined(subtract);
  if (base.unsure.length === 0 && sure === possible) {
    return { sure: differences(base.sure, sure), unsure: [] };
  }
  const whole = joined(base);
  return partsOf(difference(whole.sure, possible), difference(whole.possible, sure));
}

const partsOf = (sure: SubjectSet, possible: SubjectSet): Parts => ({
  sure: sure === NOBODY ? [] : [sure],
  unsure: isSame(sure, possible) ? [] : [possible],
});

const intersections = (sets: readonly SubjectSet[], within: SubjectSet): SubjectSet[] =>
  sets.map((set) => intersection(set, within)).filter((set) => set !== NOBODY);

const differences = (sets: readonly SubjectSet[], without: SubjectSet): SubjectSet[] =>
  sets.map((set) => difference(set, without)).filter((set) => set !== NOBODY);
