/** What differs between two models, as people read it, and how grave that is. */
import { CHANGE_CLASSES } from '../../schema/change.js';
import type { ChangeClass } from '../../schema/change.js';
import { compareModels } from '../../schema/compare.js';
import type { Model } from '../../schema/model.js';
import { usageError } from '../command-error.js';
import type { Output } from '../print.js';
import { changeText, implicationsText } from './change-text.js';
import { changeToWire } from '../../api/model-changes.js';

export interface Differences {
  /** Of the gravest change; undefined where there is none. */
  readonly worst: ChangeClass | undefined;
  readonly lines: readonly string[];
  readonly json: readonly object[];
}

export function differencesOf(before: Model, after: Model, paint: Output['paint']): Differences {
  const compared = compareModels(before, after);
  const changes = compared.changes.map(changeToWire);
  return {
    worst: CHANGE_CLASSES.findLast((each) => changes.some((change) => change.class === each)),
    lines: paragraphs([
      ...changes.map((change) => [changeText(change, paint)]),
      implicationsText(compared.implications, paint),
    ]),
    json: changes,
  };
}

/** With an empty line between two. */
const paragraphs = (all: readonly (readonly string[])[]): readonly string[] =>
  all.filter(({ length }) => length > 0).flatMap((lines, i) => (i === 0 ? lines : ['', ...lines]));

export function classIn(text: string): ChangeClass {
  const found = CHANGE_CLASSES.find((each) => each === text);
  if (found !== undefined) return found;
  throw usageError(`--fail-on ${text}: one of ${CHANGE_CLASSES.join(', ')}`);
}

export const isAsGrave = (one: ChangeClass, limit: ChangeClass): boolean =>
  CHANGE_CLASSES.indexOf(one) >= CHANGE_CLASSES.indexOf(limit);
