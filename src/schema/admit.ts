/** Whether a relation tuple may stand under a model: the rules for writes and contextual tuples. */
import { contextProblem } from '../condition/context.js';
import { formatSubject, formatTupleKey } from '../tuple/tuple.js';
import type { RelationTuple, TupleKey } from '../tuple/tuple.js';
import { admissionOf } from './plan.js';
import type { Plan } from './plan.js';

/** What is wrong with the tuple under the plan's model, in one sentence; undefined if nothing. */
export function admissionProblem(plan: Plan, tuple: RelationTuple): string | undefined {
  return namesProblem(plan, tuple) ?? restrictionProblem(plan, tuple);
}

/** The part of admission that the key of a query is held to as well: its names exist. */
export function namesProblem(plan: Plan, key: TupleKey): string | undefined {
  const type = plan.model.types.get(key.object.type);
  if (type === undefined) return `type '${key.object.type}' not found`;
  if (!type.relations.has(key.relation)) {
    return `relation '${key.object.type}#${key.relation}' not found`;
  }
  const subjectType = plan.model.types.get(key.subject.type);
  if (subjectType === undefined) return `type '${key.subject.type}' not found`;
  if (key.subject.kind === 'userset' && !subjectType.relations.has(key.subject.relation)) {
    return `relation '${key.subject.type}#${key.subject.relation}' not found`;
  }
  return undefined;
}

function restrictionProblem(plan: Plan, tuple: RelationTuple): string | undefined {
  const { object, relation, subject, condition } = tuple;
  if (
    subject.kind === 'userset' &&
    subject.type === object.type &&
    subject.id === object.id &&
    subject.relation === relation
  ) {
    return `cannot write a tuple that is implicit: '${formatTupleKey(tuple)}'`;
  }
  const definition = plan.model.types.get(object.type)?.relations.get(relation);
  const admission =
    definition &&
    admissionOf(definition, {
      type: subject.type,
      kind: subject.kind,
      relation: subject.kind === 'userset' ? subject.relation : '',
    });
  if (admission === undefined) {
    return (
      `subject '${formatSubject(subject)}' is not among the type restrictions of ` +
      `'${object.type}#${relation}'`
    );
  }
  if (condition === undefined) {
    return admission.plain ? undefined : 'condition is missing';
  }
  const compiled = plan.conditions.get(condition.name);
  if (compiled === undefined) return `undefined condition '${condition.name}'`;
  if (!admission.conditions.has(condition.name)) {
    return `condition '${condition.name}' is not allowed for type '${subject.type}' on '${object.type}#${relation}'`;
  }
  return contextProblem(compiled, condition.context);
}
