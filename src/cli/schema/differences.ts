/** What differs between two models, as people read it, and how grave that is. */
import { CHANGE_CLASSES } from '../../schema/change.js';
import type { ChangeClass } from '../../schema/change.js';
import { compareModels } from '../../schema/compare.js';
import type { Model } from '../../schema/model.js';
import { usageError } from '../command-error.js';
import type { Output, Style } from '../print.js';

export interface Differences {
  /** Of the gravest change; undefined where there is none. */
  readonly worst: ChangeClass | undefined;
  readonly lines: readonly string[];
  readonly json: readonly object[];
}

const STYLES: Readonly<Record<ChangeClass, Style>> = {
  safe: 'green',
  narrowing: 'yellow',
  widening: 'yellow',
  breaking: 'red',
};

export function differencesOf(before: Model, after: Model, paint: Output['paint']): Differences {
  const { changes } = compareModels(before, after);
  const width = Math.max(...CHANGE_CLASSES.map(({ length }) => length));
  return {
    worst: CHANGE_CLASSES.findLast((each) => changes.some((change) => change.class === each)),
    lines: changes.map(
      (change) => `${paint(STYLES[change.class], change.class.padEnd(width))}  ${change.message}`,
    ),
    json: changes.map(({ kind, class: gravity, place, message }) => ({
      class: gravity,
      kind,
      ...place,
      message,
    })),
  };
}

export function classIn(text: string): ChangeClass {
  const found = CHANGE_CLASSES.find((each) => each === text);
  if (found !== undefined) return found;
  throw usageError(`--fail-on ${text}: one of ${CHANGE_CLASSES.join(', ')}`);
}

export const isAsGrave = (one: ChangeClass, limit: ChangeClass): boolean =>
  CHANGE_CLASSES.indexOf(one) >= CHANGE_CLASSES.indexOf(limit);
