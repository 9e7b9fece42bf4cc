/** The values that a condition is evaluated with: JSON of a tuple, of a request and of entities. */
import type { JsonObject, JsonValue } from '../tuple/tuple.js';
import { coerce } from './coerce.js';
import type { CelValue } from './coerce.js';
import type { CompiledCondition, ConditionParameter } from './compile.js';
import type { Entities } from './entities.js';
import { extentOf } from './extent.js';
import type { Extent } from './extent.js';
import type { ParameterType } from './parameter.js';
import { ValueError } from './value-error.js';

/** A value given for a parameter, or what is wrong with it. */
export type Argument =
  { readonly value: CelValue; readonly extent: Extent } | { readonly problem: string };

export interface Contexts {
  readonly tuple: JsonObject;
  readonly request: JsonObject;
  /** Where attributes of any entity are known. */
  readonly entities?: Entities | undefined;
}

/**
 * The arguments that requests and entities give, of the types whose values can be large. One request
 * may have a condition evaluated for every tuple that it meets; its lists are converted for the first.
 */
const ofSources = new WeakMap<JsonObject, Map<ConditionParameter, Argument>>();

/** What the tuple says overrides all else; undefined where nothing gives the parameter. */
export function findArgument(
  parameter: ConditionParameter,
  contexts: Contexts,
): Argument | undefined {
  const { name, type, reference } = parameter;
  const { tuple, request, entities } = contexts;
  if (Object.hasOwn(tuple, name)) return readArgument(name, type, tuple[name] as JsonValue);
  let source = request;
  let given = ownValue(request, name);
  if (reference !== undefined) {
    const { end, attribute } = reference;
    // STORED-STANDS; see entities.ts.
    const known = entities?.[end];
    if (known !== undefined) {
      source = known;
      given = attribute === undefined ? known : ownValue(known, attribute);
    } else if (given === undefined && attribute === undefined) {
      source = given = NOTHING_KNOWN;
    }
  }
  if (given === undefined) return undefined;
  if (typeof given !== 'object') return readArgument(name, type, given);

  const known = ofSources.get(source) ?? new Map<ConditionParameter, Argument>();
  if (known.size === 0) ofSources.set(source, known);
  let argument = known.get(parameter);
  if (argument === undefined) {
    argument = readArgument(name, type, given);
    known.set(parameter, argument);
  }
  return argument;
}

/** Of an entity, as a map. */
const NOTHING_KNOWN: JsonObject = Object.freeze({});

const ownValue = (object: JsonObject, name: string): JsonValue | undefined =>
  Object.hasOwn(object, name) ? object[name] : undefined;

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
