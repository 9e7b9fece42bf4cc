/**
 * The rules that a model must follow to be stored, the same for JSON, DSL and modules. A validated
 * model is one that compiles: every name in it resolves, every condition is sound CEL, and every
 * relation can be had by somebody. Problems come in a stable order: the model's limits, then names,
 * references and entrypoints in the order of definition, then conditions.
 */
import { compileCondition } from '../condition/compile.js';
import { ConditionProblem } from '../condition/problem.js';
import { entrypointProblems } from './entrypoints.js';
import { PROBLEMS_MAX } from './limits.js';
import type { ModelLimits } from './limits.js';
import type { Model, ModelCondition, SourceInfo } from './model.js';
import { within } from './positions.js';
import type { Positions } from './positions.js';
import { invalidModel, quote } from './problem.js';
import type { ModelProblem } from './problem.js';
import { referenceProblems } from './references.js';
import { encodedBytes } from './size.js';

export interface ValidateOptions {
  readonly limits: ModelLimits;
  /** Of a model that came as DSL; problems then say where. */
  readonly positions?: Positions | undefined;
}

/** All problems, up to PROBLEMS_MAX. */
export function validateModel(model: Model, options: ValidateOptions): readonly ModelProblem[] {
  const problems: ModelProblem[] = [];
  for (const problem of problemsOf(model, options)) {
    if (problems.push(problem) === PROBLEMS_MAX) break;
  }
  return problems;
}

function* problemsOf(model: Model, options: ValidateOptions): Generator<ModelProblem> {
  const tooLarge = [...limitProblems(model, options.limits)];
  yield* tooLarge;
  // The limits bound what the other rules cost, so these are not tried on a model beyond them.
  if (tooLarge.length > 0) return;
  yield* nameProblems(model, options);
  yield* referenceProblems(model, options.positions);
  yield* entrypointProblems(model, options.positions);
  for (const condition of model.conditions.values()) yield* conditionProblems(condition, options);
}

/** Throws one 'invalid_model' error that tells all problems. */
export function assertValidModel(model: Model, options: ValidateOptions): void {
  const problems = validateModel(model, options);
  if (problems.length > 0) throw invalidModel(problems);
}

function* limitProblems(model: Model, limits: ModelLimits): Generator<ModelProblem> {
  if (model.types.size === 0) {
    yield { message: 'type_definitions: a model must define at least one type' };
  }
  if (model.types.size > limits.typesMax) {
    yield {
      message:
        'The number of type definitions in an authorization model exceeds the allowed limit of ' +
        `${limits.typesMax}: it has ${model.types.size}`,
    };
  }
  if (model.conditions.size > limits.conditionsMax) {
    yield {
      message:
        'The number of conditions in an authorization model exceeds the allowed limit of ' +
        `${limits.conditionsMax}: it has ${model.conditions.size}`,
    };
  }
  const bytes = encodedBytes(model);
  if (bytes > limits.modelBytesMax) {
    yield { message: `model exceeds size limit: ${bytes} bytes vs ${limits.modelBytesMax} bytes` };
  }
}

function* nameProblems(model: Model, options: ValidateOptions): Generator<ModelProblem> {
  const { limits, positions } = options;
  for (const type of model.types.values()) {
    const position = positions?.of(type, 'name');
    const about = { type: type.name, position };
    const wrong = nameProblem(type.name, limits.typeNameLengthMax) ?? reservedProblem(type.name);
    if (wrong !== undefined) yield { message: `a type's name ${wrong}`, position };
    yield* sourceProblems(type.source, about, limits);
    for (const relation of type.relations.values()) {
      const { name } = relation;
      const position = positions?.of(relation, 'name');
      const wrong = nameProblem(name, limits.nameLengthMax) ?? reservedProblem(name);
      if (wrong !== undefined) {
        yield { ...about, message: `a relation's name ${wrong}`, position };
      }
      yield* sourceProblems(relation.source, { ...about, relation: name, position }, limits);
    }
  }
}

/** Names are parts of tuples, so the separators of tuples cannot be in them. */
// eslint-disable-next-line no-control-regex -- control characters are what it refuses
const FORBIDDEN_IN_NAME = /[:#@\s\u0000-\u001f\u007f-\u009f]|[\ud800-\udfff]/u;

function nameProblem(name: string, lengthMax: number): string | undefined {
  if (name === '') return 'cannot be empty';
  if (FORBIDDEN_IN_NAME.test(name)) {
    return `cannot contain ':', '#', '@', white space or control characters: ${quote(name)}`;
  }
  const length = Array.from(name).length;
  return length > lengthMax
    ? `can have ${lengthMax} characters at most, ${quote(name)} has ${length}`
    : undefined;
}

/** Words that OpenFGA's older syntax gave a meaning. */
const reservedProblem = (name: string): string | undefined =>
  name === 'self' || name === 'this' ? `cannot be the reserved word ${quote(name)}` : undefined;

const SOURCE_FILE = /^[a-zA-Z0-9_\-/]{1,100}\.fga$/;

function* sourceProblems(
  source: SourceInfo | undefined,
  about: Omit<ModelProblem, 'message'>,
  limits: ModelLimits,
): Generator<ModelProblem> {
  if (source?.module !== undefined) {
    const wrong = nameProblem(source.module, limits.nameLengthMax);
    if (wrong !== undefined) yield { ...about, message: `a module's name ${wrong}` };
  }
  if (source?.file === undefined || SOURCE_FILE.test(source.file)) return;
  const message =
    `source file ${quote(source.file)} must end in .fga and before that have up to 100 letters, ` +
    "digits, '_', '-' and '/'";
  yield { ...about, message };
}

function* conditionProblems(
  condition: ModelCondition,
  { limits, positions }: ValidateOptions,
): Generator<ModelProblem> {
  const { name, expression } = condition;
  const about = { condition: name, position: positions?.of(condition, 'name') };
  const wrongName = nameProblem(name, limits.nameLengthMax);
  if (wrongName !== undefined) yield { ...about, message: `a condition's name ${wrongName}` };
  yield* sourceProblems(condition.source, about, limits);
  const parameters = Object.entries(condition.parameters);
  if (parameters.length > limits.parametersMax) {
    const message = `can have ${limits.parametersMax} parameters at most, not ${parameters.length}`;
    yield { ...about, message };
    return;
  }
  for (const [parameter, type] of parameters) {
    const wrong = nameProblem(parameter, limits.nameLengthMax);
    const position = positions?.of(type, 'name') ?? about.position;
    if (wrong !== undefined) yield { ...about, message: `a parameter's name ${wrong}`, position };
  }
  const bytes = Buffer.byteLength(expression);
  if (bytes > limits.expressionBytesMax) {
    const limit = limits.expressionBytesMax;
    yield { ...about, message: `its expression can have ${limit} bytes at most, not ${bytes}` };
    return;
  }
  if (expression.trim() === '') {
    yield { ...about, message: 'has no expression' };
    return;
  }
  yield* expressionProblems(condition, positions);
}

function* expressionProblems(
  condition: ModelCondition,
  positions: Positions | undefined,
): Generator<ModelProblem> {
  try {
    compileCondition(condition);
  } catch (error) {
    if (!(error instanceof ConditionProblem)) throw error;
    const { message, line, column } = error;
    const start = positions?.of(condition, 'expression');
    yield {
      condition: condition.name,
      message:
        start === undefined ? `expression, line ${line}, column ${column}: ${message}` : message,
      position: start && within(start, line, column),
    };
  }
}
