/**
 * Checks a condition when a model is written and readies it for evaluation.
 *
 * CEL itself is `@marcbachmann/cel-js`, of which this folder uses the parser, the type checker
 * and the evaluator. Their gaps are closed around them: `lower.ts` lets in what is known to be
 * evaluated right, `functions.ts` replaces what is not, `cost.ts` bounds what would take long.
 */
import { ParseError, TypeError as CelTypeError } from '@marcbachmann/cel-js';
import type { ParseResult } from '@marcbachmann/cel-js';
import type { CelValue } from './coerce.js';
import { stepsOf } from './cost.js';
import { attributeReference } from './entities.js';
import type { AttributeReference, End } from './entities.js';
import { environmentFor, marked, withoutMarks } from './environment.js';
import { extentOfType } from './extent.js';
import { ExpressionError, lowerExpression } from './lower.js';
import type { ConditionDefinition, ParameterType } from './parameter.js';
import { ConditionProblem } from './problem.js';
import type { Term } from './term.js';

export { ConditionProblem } from './problem.js';

/** The parser recurses on `!!!…`; the API allows 512 bytes. */
const EXPRESSION_LENGTH_MAX = 2_048;
/** Of `list<map<list<…>>>`; the library never forgets a type. */
const TYPE_DEPTH_MAX = 5;

export interface ConditionParameter {
  readonly name: string;
  /** What the expression calls it once compiled. */
  readonly variable: string;
  readonly type: ParameterType;
  /** Where it stands for what is known of an entity. */
  readonly reference: AttributeReference | undefined;
}

export interface CompiledCondition {
  readonly name: string;
  readonly definition: ConditionDefinition;
  /** Sorted by name. */
  readonly parameters: readonly ConditionParameter[];
  /** By name. */
  readonly parameterTypes: ReadonlyMap<string, ParameterType>;
  /** Whose attributes it asks for. */
  readonly reads: ReadonlySet<End>;
  /** For the cost of an evaluation. */
  readonly term: Term;
  /** The most steps that any evaluation takes; Infinity where it depends on the values. */
  readonly worstSteps: number;
  /** Evaluates, with every variable given. Throws what the library and our functions throw. */
  readonly evaluate: (values: ReadonlyMap<string, CelValue>) => unknown;
}

/** @throws ConditionProblem */
export function compileCondition(definition: ConditionDefinition): CompiledCondition {
  const { name, expression } = definition;
  const parameterTypes = new Map(Object.entries(definition.parameters));
  for (const [parameter, type] of parameterTypes) {
    if (depthOf(type) > TYPE_DEPTH_MAX) {
      const problem = `the type of '${parameter}' nests deeper than ${TYPE_DEPTH_MAX} levels`;
      throw new ConditionProblem(problem, expression, 0);
    }
  }
  if (expression.length > EXPRESSION_LENGTH_MAX) {
    const problem = `the expression is longer than ${EXPRESSION_LENGTH_MAX} characters`;
    throw new ConditionProblem(problem, expression, EXPRESSION_LENGTH_MAX);
  }

  const parameters = [...parameterTypes]
    .map(([parameter, type]) => ({
      name: parameter,
      variable: marked(parameter),
      type,
      reference: attributeReference(parameter, type),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const parsed = parse(expression, parameters);
  const term = lower(parsed, expression, parameters);
  check(parsed, expression);
  const worstSteps = stepsOf(
    term,
    parameters.map(({ type }) => extentOfType(type)),
  );
  const reads = new Set(parameters.flatMap(({ reference }) => reference?.end ?? []));
  return {
    name,
    definition,
    parameters,
    parameterTypes,
    reads,
    term,
    worstSteps,
    evaluate: parsed,
  };
}

function depthOf(type: ParameterType): number {
  let depth = 0;
  for (let at = type; at.kind === 'list' || at.kind === 'map'; at = at.of) depth++;
  return depth;
}

function parse(expression: string, parameters: readonly ConditionParameter[]): ParseResult {
  try {
    return environmentFor(parameters).parse(expression);
  } catch (error) {
    throw problemFrom(error, expression);
  }
}

function lower(
  parsed: ParseResult,
  expression: string,
  parameters: readonly ConditionParameter[],
): Term {
  try {
    return lowerExpression(
      parsed.ast,
      parameters.map(({ name }) => name),
    );
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new ConditionProblem(error.message, expression, error.offset);
  }
}

function check(parsed: ParseResult, expression: string): void {
  const { valid, type, error } = parsed.check();
  if (!valid) throw problemFrom(error, expression);
  if (type !== 'bool') {
    const problem = `the expression has to be a bool, it is of type ${type ?? 'unknown'}`;
    throw new ConditionProblem(problem, expression, parsed.ast.start);
  }
}

/** Of the errors that the library throws at an expression, some are bare and tell no position. */
function problemFrom(error: unknown, expression: string): unknown {
  if (error instanceof ParseError || error instanceof CelTypeError) {
    const offset = error.node?.pos ?? error.range?.start ?? 0;
    return new ConditionProblem(withoutMarks(error.summary), expression, offset);
  }
  if (!(error instanceof Error)) return error;
  return new ConditionProblem(withoutMarks(error.message), expression, 0);
}
