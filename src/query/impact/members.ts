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

export function common(a: Members, b: Members): Members {
  const sure = intersection(a.sure, b.sure);
  if (a.sure === a.possible && b.sure === b.possible) return { sure, possible: sure };
  return bounds(sure, intersection(a.possible, b.possible));
}

export function except(base: Members, subtract: Members): Members {
  const sure = difference(base.sure, subtract.possible);
  if (base.sure === base.possible && subtract.sure === subtract.possible) {
    return { sure, possible: sure };
  }
  return bounds(sure, difference(base.possible, subtract.sure));
}
