import type { TupleKey } from '../tuple/tuple.js';
import { Question } from './question.js';
import type { QueryScope } from './scope.js';
import { failureError } from './truth.js';

/** Why a check is not true, in a word. */
export interface Reason {
  readonly reason: 'no_path' | 'condition_false' | 'missing_parameters';
  /** That conditions on the way lack, as far as they were met. */
  readonly parameters: readonly string[];
}

/**
 * Undefined where a check is true. `condition_false`: it would be, if all conditions held. Throws
 * what a check throws, unless that is for want of parameters.
 */
export function reasonOf(scope: QueryScope, key: TupleKey): Reason | undefined {
  const verdict = new Question(scope, key).verdict();
  switch (verdict.kind) {
    case 'true':
      return undefined;
    case 'failed':
      if (verdict.failure.kind !== 'missing') throw failureError(verdict.failure);
      return { reason: 'missing_parameters', parameters: verdict.failure.parameters };
    case 'false':
    case 'undefined':
      return { reason: wouldHold(scope, key) ? 'condition_false' : 'no_path', parameters: [] };
  }
}

/** Whether the check is true if all conditions are. */
function wouldHold(scope: QueryScope, key: TupleKey): boolean {
  if (!scope.graph.hasGuarded) return false;
  return new Question({ ...scope, conditionsHold: true }, key).verdict().kind === 'true';
}
