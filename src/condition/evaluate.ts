import { EvaluationError } from '@marcbachmann/cel-js';
import type { CelValue } from './coerce.js';
import type { CompiledCondition } from './compile.js';
import { findArgument } from './context.js';
import type { Contexts } from './context.js';
import { stepsOf } from './cost.js';
import { withoutMarks } from './environment.js';
import type { Extent } from './extent.js';

export type ConditionOutcome =
  | { readonly kind: 'true' }
  | { readonly kind: 'false' }
  /** Names, sorted. */
  | { readonly kind: 'missing'; readonly parameters: readonly string[] }
  | { readonly kind: 'error'; readonly message: string };

const TRUE: ConditionOutcome = { kind: 'true' };
const FALSE: ConditionOutcome = { kind: 'false' };

/**
 * Every declared parameter has to be given, even where the expression would not look at it. What
 * the tuple says overrides the request; what the request says beyond the parameters is ignored.
 */
export function evaluateCondition(
  condition: CompiledCondition,
  contexts: Contexts,
  limits: { readonly maxCost: number },
): ConditionOutcome {
  const values = new Map<string, CelValue>();
  const extents: Extent[] = [];
  const missing: string[] = [];
  for (const parameter of condition.parameters) {
    const argument = findArgument(parameter, contexts);
    if (argument === undefined) {
      missing.push(parameter.name);
    } else if ('problem' in argument) {
      return failure(condition, argument.problem);
    } else {
      values.set(parameter.variable, argument.value);
      extents.push(argument.extent);
    }
  }
  if (missing.length > 0) return { kind: 'missing', parameters: missing };

  if (condition.worstSteps > limits.maxCost) {
    const steps = stepsOf(condition.term, extents);
    if (steps > limits.maxCost) {
      const problem = `it may take ${steps} steps, and ${limits.maxCost} are allowed`;
      return failure(condition, problem);
    }
  }
  return run(condition, values);
}

function run(
  condition: CompiledCondition,
  values: ReadonlyMap<string, CelValue>,
): ConditionOutcome {
  // `all` and `exists` carry on past errors, maybe thousands of them, and nobody reads the stack
  // traces, which take four fifths of the time.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    const result = condition.evaluate(values);
    if (typeof result === 'boolean') return result ? TRUE : FALSE;
    return failure(condition, 'the expression did not yield a bool');
  } catch (error) {
    // Whatever the library or a function throws: the condition has no answer.
    if (!(error instanceof Error)) throw error;
    const problem = error instanceof EvaluationError ? error.summary : error.message;
    return failure(condition, withoutMarks(problem));
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** The library quotes keys and texts in full, and they may be as long as a request. */
const PROBLEM_LENGTH_MAX = 300;

function failure(condition: CompiledCondition, problem: string): ConditionOutcome {
  const text =
    problem.length > PROBLEM_LENGTH_MAX ? `${problem.slice(0, PROBLEM_LENGTH_MAX)}…` : problem;
  return { kind: 'error', message: `condition '${condition.name}': ${text}` };
}
