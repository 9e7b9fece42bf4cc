import type { PlanRelation } from '../schema/plan.js';
import type { TupleKey } from '../tuple/tuple.js';
import type { Binding } from './binding.js';
import { askedAbout } from './entities.js';
import { Evaluation } from './evaluation.js';
import type { QueryScope } from './scope.js';
import { NodeResolver } from './subject.js';
import { decide } from './truth.js';

/** The names of the key exist in the plan's model; see `namesProblem`. */
export function check(scope: QueryScope, key: TupleKey): boolean {
  const relation = relationOf(scope.binding, key.object.type, key.relation);
  const nodes = new NodeResolver(scope.binding, scope.graph);
  const evaluation = new Evaluation(askedAbout(scope, key), nodes.subject(key.subject));
  return decide(evaluation.verdict(nodes.object(key.object), relation.index));
}

export function relationOf(binding: Binding, type: string, name: string): PlanRelation {
  const relation = binding.plan.relation(type, name);
  if (relation === undefined) throw new RangeError(`no relation ${type}#${name} in the plan`);
  return relation;
}
