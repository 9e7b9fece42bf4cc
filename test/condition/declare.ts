import { compileCondition } from '../../src/condition/compile.js';
import type { CompiledCondition } from '../../src/condition/compile.js';
import { evaluateCondition } from '../../src/condition/evaluate.js';
import type { ConditionOutcome } from '../../src/condition/evaluate.js';
import { SCALAR_TYPES } from '../../src/condition/parameter.js';
import type { ParameterType } from '../../src/condition/parameter.js';
import type { JsonObject } from '../../src/tuple/tuple.js';

/** `list<map<int>>` and the like, as the DSL writes them. */
export function parameterType(text: string): ParameterType {
  const generic = /^(list|map)<(.+)>$/.exec(text);
  if (generic !== null) {
    return { kind: generic[1] as 'list' | 'map', of: parameterType(generic[2]!) };
  }
  const kind = SCALAR_TYPES.find((scalar) => scalar === text);
  if (kind === undefined) throw new Error(`no such type: ${text}`);
  return { kind };
}

/** A condition named `c`. */
export function declare(
  expression: string,
  parameters: Readonly<Record<string, string>> = {},
): CompiledCondition {
  const types = Object.entries(parameters).map(([name, type]) => [name, parameterType(type)]);
  return compileCondition({
    name: 'c',
    expression,
    parameters: Object.fromEntries(types) as Record<string, ParameterType>,
  });
}

export interface Given {
  readonly request?: JsonObject;
  readonly tuple?: JsonObject;
  readonly maxCost?: number;
}

export function outcome(condition: CompiledCondition, given: Given = {}): ConditionOutcome {
  return evaluateCondition(
    condition,
    { tuple: given.tuple ?? {}, request: given.request ?? {} },
    { maxCost: given.maxCost ?? 10_000 },
  );
}
