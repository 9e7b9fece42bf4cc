/**
 * What the verdict on a set can depend on, from a plan alone: any condition that may stand on any edge
 * that the relation's definition leads over, the right sides of `but not` included.
 */
import type { End } from '../condition/entities.js';
import type { Admission, Expression, Plan, RelationIndex } from './plan.js';

/** Whose attributes. */
export function endsRead(plan: Plan, relation: RelationIndex): ReadonlySet<End> {
  const ends = new Set<End>();
  for (const name of conditionsBelow(plan, relation)) {
    plan.conditions.get(name)?.reads.forEach((end) => ends.add(end));
  }
  return ends;
}

/** Their names. */
export function conditionsBelow(plan: Plan, relation: RelationIndex): ReadonlySet<string> {
  const below = new Set<string>();
  const met = new Set([relation]);
  const over = ({ conditions }: Admission): void => {
    for (const name of conditions) below.add(name);
  };
  const look = (expression: Expression): void => {
    switch (expression.kind) {
      case 'direct':
        for (const set of expression.sets) {
          over(set.admission);
          if (set.form === 'userset') met.add(set.target);
        }
        return;
      case 'computed':
        met.add(expression.target);
        return;
      case 'from':
        for (const { admission, target } of expression.paths) {
          over(admission);
          met.add(target);
        }
        return;
      case 'union':
      case 'intersection':
        expression.operands.forEach(look);
        return;
      case 'exclusion':
        look(expression.base);
        look(expression.subtract);
        return;
    }
  };
  // The set grows while it is gone through.
  for (const index of met) {
    const found = plan.relations[index];
    if (found !== undefined) look(found.expression);
  }
  return below;
}
