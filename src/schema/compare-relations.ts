/** What differs between two definitions of one relation: its rule, and who may be written to it. */
import { WILDCARD_FORM } from '../tuple/filter.js';
import type { LocalChange } from './change.js';
import { hasDirect } from './model.js';
import type { RelationDefinition, Rewrite, SubjectRestriction } from './model.js';
import {
  EITHER_WAY,
  NARROWS,
  NO_EFFECT,
  WIDENS,
  effectOf,
  normalOf,
  reversed,
} from './normal-form.js';
import type { Effect } from './normal-form.js';
import { admissionOf } from './plan.js';
import { restrictionText, rewriteText } from './rewrite-text.js';

export function* changesOfRelation(
  type: string,
  before: RelationDefinition,
  after: RelationDefinition,
): Generator<LocalChange> {
  const place = { type, relation: after.name };
  const effect = effectOf(normalOf(before, 'one'), normalOf(after, 'one'));
  if (effect !== NO_EFFECT) {
    yield {
      kind: 'rule',
      place,
      message: `the rule of '${type}#${after.name}' ${nameOf(effect)}`,
      effect,
      before: rewriteText(before.rewrite, before.restrictions),
      after: rewriteText(after.rewrite, after.restrictions),
    };
  }
  yield* changesOfSubjects(type, before, after);
}

const nameOf = ({ widens, narrows }: Effect): string =>
  widens && narrows ? 'is another one' : widens ? 'is wider' : 'is narrower';

/** `[user, user:* with office_hours]`, one by one. */
function* changesOfSubjects(
  type: string,
  before: RelationDefinition,
  after: RelationDefinition,
): Generator<LocalChange> {
  const place = { type, relation: after.name };
  for (const restriction of missingFrom(after, before)) {
    // Of what a rule does not speak any more, the tuples stay admitted and mean nothing.
    yield {
      kind: 'subject_removed',
      place,
      message: `'${type}#${after.name}' does not take ${textOf(restriction)} any more`,
      effect: whereWritten(before.rewrite, NARROWS),
      before: textOf(restriction),
      ...breaks(type, restriction, after),
    };
  }
  for (const restriction of missingFrom(before, after)) {
    yield {
      kind: 'subject_added',
      place,
      message: `'${type}#${after.name}' takes ${textOf(restriction)}`,
      effect: whereWritten(after.rewrite, WIDENS),
      after: textOf(restriction),
    };
  }
}

const missingFrom = (
  one: RelationDefinition,
  other: RelationDefinition,
): readonly SubjectRestriction[] => {
  const texts = new Set(one.restrictions.map(textOf));
  return other.restrictions.filter((each) => !texts.has(textOf(each)));
};

const textOf = (restriction: SubjectRestriction): string =>
  restriction.condition === undefined
    ? restrictionText(restriction)
    : `${restrictionText(restriction)} with ${restriction.condition}`;

/** Unless another restriction admits the same tuples: a condition counts for all of a type. */
function breaks(
  type: string,
  restriction: SubjectRestriction,
  after: RelationDefinition,
): Pick<LocalChange, 'breaks'> {
  const { condition } = restriction;
  const admission = admissionOf(after, restriction);
  const isAdmitted =
    condition === undefined ? admission?.plain : admission?.conditions.has(condition);
  if (isAdmitted === true) return {};
  return {
    breaks: {
      type,
      relation: after.name,
      subjectType: restriction.type,
      subjectForm: formOf(restriction),
      condition: condition ?? null,
    },
  };
}

function formOf({ kind, relation }: SubjectRestriction): string {
  switch (kind) {
    case 'object':
      return '';
    case 'wildcard':
      return WILDCARD_FORM;
    case 'userset':
      return relation;
  }
}

/** The effect on the set of an effect on its direct part, which may be subtracted. */
function whereWritten(rewrite: Rewrite, effect: Effect): Effect {
  const signs = new Set(signsOfDirect(rewrite, true));
  if (signs.size === 0) return NO_EFFECT;
  if (signs.size === 2) return EITHER_WAY;
  return signs.has(true) ? effect : reversed(effect);
}

function* signsOfDirect(rewrite: Rewrite, isPositive: boolean): Generator<boolean> {
  if (!hasDirect(rewrite)) return;
  switch (rewrite.kind) {
    case 'direct':
      yield isPositive;
      return;
    case 'computed':
    case 'from':
      return;
    case 'union':
    case 'intersection':
      for (const operand of rewrite.operands) yield* signsOfDirect(operand, isPositive);
      return;
    case 'exclusion':
      yield* signsOfDirect(rewrite.base, isPositive);
      yield* signsOfDirect(rewrite.subtract, !isPositive);
  }
}
