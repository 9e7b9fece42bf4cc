/**
 * Which stored tuples count under a model. Tuples outlive the model they were written under; those
 * that the present one would refuse are ignored silently.
 */
import type { Model, SubjectRestriction } from '../../src/schema/model.js';
import type { RelationTuple, Subject } from '../../src/tuple/tuple.js';

export function isAdmitted(model: Model, tuple: RelationTuple): boolean {
  const { object, relation, subject, condition } = tuple;
  const restrictions = model.types.get(object.type)?.relations.get(relation)?.restrictions ?? [];
  const matching = restrictions.filter((restriction) => matches(restriction, subject));
  if (matching.length === 0) return false;
  if (condition === undefined) return matching.some((each) => each.condition === undefined);
  // A condition is compared with the restrictions of the subject's type, whatever their kind.
  return (
    model.conditions.has(condition.name) &&
    restrictions.some((each) => each.type === subject.type && each.condition === condition.name)
  );
}

function matches(restriction: SubjectRestriction, subject: Subject): boolean {
  if (restriction.type !== subject.type || restriction.kind !== subject.kind) return false;
  return subject.kind !== 'userset' || restriction.relation === subject.relation;
}

/** From the instant `expiresAt` on, a tuple counts for nothing. */
export const isLive = (tuple: RelationTuple, now: number): boolean =>
  tuple.expiresAt === undefined || now < tuple.expiresAt;
