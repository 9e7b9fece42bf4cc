/**
 * What a check comes to, as far as the impact of a model goes, and how two sets of parts differ in it.
 * `conditional`: a condition asks for what the impact was not told (or the way is too deep to tell);
 * a check that is told more can be allowed or not.
 */
import type { Members, Parts } from './members.js';
import { joined } from './members.js';
import { NOBODY, complement, difference, intersection, unionOf } from './subject-set.js';
import type { SubjectSet } from './subject-set.js';

export type Outcome = 'no' | 'conditional' | 'yes';

export interface Transition {
  readonly before: Outcome;
  readonly after: Outcome;
}

/** The subjects with one transition. */
export interface Movement extends Transition {
  readonly subjects: SubjectSet;
}

export const isGain = ({ before, after }: Transition): boolean =>
  before === 'no' || (before === 'conditional' && after === 'yes');

/** Whether neither outcome hangs on a condition. */
export const isCertain = ({ before, after }: Transition): boolean =>
  before !== 'conditional' && after !== 'conditional';

/** Where nothing is uncertain. Sets that are parts of both are looked at only to be taken away. */
function certainMovements(before: Parts, after: Parts): readonly Movement[] {
  const old = new Set(before.sure);
  const young = new Set(after.sure);
  const both = before.sure.filter((set) => young.has(set));
  const goneOnly = before.sure.filter((set) => !young.has(set));
  const comeOnly = after.sure.filter((set) => !old.has(set));
  const less = (from: readonly SubjectSet[], others: readonly SubjectSet[]): SubjectSet =>
    [...others, ...both].reduce(difference, unionOf(from));
  return nonEmpty([
    { before: 'no', after: 'yes', subjects: less(comeOnly, goneOnly) },
    { before: 'yes', after: 'no', subjects: less(goneOnly, comeOnly) },
  ]);
}

export function movementsBetween(before: Parts, after: Parts): readonly Movement[] {
  if (before.unsure.length === 0 && after.unsure.length === 0) {
    return certainMovements(before, after);
  }
  const old = byOutcome(joined(before));
  const young = byOutcome(joined(after));
  const movements = OUTCOMES.flatMap((from) =>
    OUTCOMES.filter((to) => to !== from).map((to) => ({
      before: from,
      after: to,
      subjects: intersection(old[from], young[to]),
    })),
  );
  return nonEmpty(movements);
}

const OUTCOMES: readonly Outcome[] = ['no', 'conditional', 'yes'];

const byOutcome = ({ sure, possible }: Members): Readonly<Record<Outcome, SubjectSet>> => ({
  no: complement(possible),
  conditional: sure === possible ? NOBODY : difference(possible, sure),
  yes: sure,
});

export const uncertainOf = ({ sure, possible }: Members): SubjectSet =>
  sure === possible ? NOBODY : difference(possible, sure);

const nonEmpty = (movements: readonly Movement[]): readonly Movement[] =>
  movements.filter(({ subjects }) => subjects.isAllBut || subjects.ranks.length > 0);
