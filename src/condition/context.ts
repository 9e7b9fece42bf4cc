/** The values that a condition is evaluated with: JSON of a tuple and of a request. */
import type { JsonObject, JsonValue } from '../tuple/tuple.js';
import { coerce } from './coerce.js';
import type { CelValue } from './coerce.js';
import type { CompiledCondition, ConditionParameter } from './compile.js';
import { extentOf } from './extent.js';
import type { Extent } from './extent.js';
import type { ParameterType } from './parameter.js';
import { ValueError } from './value-error.js';

/** A value given for a parameter, or what is wrong with it. */
export type Argument =
  { readonly value: CelValue; readonly extent: Extent } | { readonly problem: string };

/**
 * The arguments that requests give, of the types whose values can be large. One request may have
 * a condition evaluated for every tuple that it meets; its lists are converted for the first.
 */
const ofRequests = new WeakMap<JsonObject, Map<ConditionParameter, Argument>>();

/** What the tuple says overrides the request; undefined where neither gives the parameter. */
export function findArgument(
  parameter: ConditionParameter,
  contexts: { readonly tuple: JsonObject; readonly request: JsonObject },
): Argument | undefined {
  const { name, type } = parameter;
  const { tuple, request } = contexts;
  if (Object.hasOwn(tuple, name)) return readArgument(name, type, tuple[name] as JsonValue);
  if (!Object.hasOwn(request, name)) return undefined;
  const given = request[name] as JsonValue;
  if (typeof given !== 'object') return readArgument(name, type, given);

  const known = ofRequests.get(request) ?? new Map<ConditionParameter, Argument>();
  if (known.size === 0) ofRequests.set(request, known);
  let argument = known.get(parameter);
  if (argument === undefined) {
    argument = readArgument(name, type, given);
    known.set(parameter, argument);
  }
  return argument;
}

function readArgument(name: string, type: ParameterType, given: JsonValue): Argument {
  try {
    const value = coerce(type, given);
    return { value, extent: extentOf(value) };
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    return { problem: `parameter '${name}': ${error.message}` };
  }
}

/**
 * What is wrong with a context that is to be stored on a tuple: a parameter that the condition
 * does not declare, or a value of another type. It need not be complete.
 */
export function contextProblem(
  condition: CompiledCondition,
  context: JsonObject,
): string | undefined {
  for (const [name, given] of Object.entries(context)) {
    const type = condition.parameterTypes.get(name);
    if (type === undefined) return `condition '${condition.name}' has no parameter '${name}'`;
    const argument = readArgument(name, type, given);
    if ('problem' in argument) return `condition '${condition.name}': ${argument.problem}`;
  }
  return undefined;
}
