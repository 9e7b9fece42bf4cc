/** Whether an edge holds, as far as it can be told for all subjects and objects at once. */
import type { EdgeFacts } from '../../graph/reader.js';
import type { Admission } from '../../schema/plan.js';
import { conditionOutcome, isAdmitted } from '../scope.js';
import type { QueryScope } from '../scope.js';

/** Undefined where it cannot be told, or not for all subjects alike. */
export function whetherHolds(
  scope: QueryScope,
  admission: Admission,
  facts: EdgeFacts,
): boolean | undefined {
  if (!isAdmitted(admission, facts, scope.now)) return false;
  if (facts.condition === undefined) return true;
  const compiled = scope.binding.plan.conditions.get(facts.condition.name);
  if (compiled === undefined) return false;
  if (scope.propertiesOf !== undefined && compiled.reads.size > 0) return undefined;
  const { kind } = conditionOutcome(scope, compiled, facts.condition.context);
  return kind === 'true' ? true : kind === 'false' ? false : undefined;
}
