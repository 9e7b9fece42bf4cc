/**
 * The conditions that random worlds use, each with its meaning written a second time in plain
 * JavaScript, so that the definition needs no CEL.
 *
 * A condition errs when one of its parameters is missing or is not of the declared type, even if
 * the expression could do without it (`lenient` is there for that). The tuple's own context wins
 * over the request's.
 */
import type { ParameterType } from '../../src/condition/parameter.js';
import type { ModelCondition } from '../../src/schema/model.js';
import type { JsonObject, JsonValue, TupleCondition } from '../../src/tuple/tuple.js';

type ParameterKind = 'int' | 'bool' | 'string' | 'map';

interface KnownCondition {
  readonly expression: string;
  readonly parameters: Readonly<Record<string, ParameterKind>>;
  readonly holds: (values: Readonly<Record<string, JsonValue>>) => boolean;
}

const KNOWN: Readonly<Record<string, KnownCondition>> = {
  below: {
    expression: 'x < limit',
    parameters: { x: 'int', limit: 'int' },
    holds: ({ x, limit }) => Number(x) < Number(limit),
  },
  lenient: {
    expression: 'on || x < limit',
    parameters: { on: 'bool', x: 'int', limit: 'int' },
    holds: ({ on, x, limit }) => on === true || Number(x) < Number(limit),
  },
  local: {
    expression: 'region == home',
    parameters: { region: 'string', home: 'string' },
    holds: ({ region, home }) => region === home,
  },
  cleared: {
    expression: 'subject_level >= resource_level',
    parameters: { subject_level: 'int', resource_level: 'int' },
    holds: (values) => Number(values['subject_level']) >= Number(values['resource_level']),
  },
  resident: {
    expression: '"home" in subject && subject["home"] == region',
    parameters: { subject: 'map', region: 'string' },
    holds: ({ subject, region }) => homeOf(subject) === region,
  },
  open: {
    expression: 'on || resource_level < 1',
    parameters: { on: 'bool', resource_level: 'int' },
    holds: ({ on, ...values }) => on === true || Number(values['resource_level']) < 1,
  },
};

const homeOf = (value: JsonValue | undefined): JsonValue | undefined =>
  (value as { readonly home?: JsonValue } | undefined)?.home;

export const CONDITION_NAMES: readonly string[] = Object.keys(KNOWN);

/** Values that a parameter of the name may be given, convertible to its type. */
export const FIT_VALUES: Readonly<Record<string, readonly JsonValue[]>> = {
  x: [0, 1, 2, '1'],
  limit: [0, 1, 2],
  on: [true, false],
  region: ['eu', 'us'],
  home: ['eu', 'us'],
  subject_level: [0, 1, 2],
  resource_level: [0, 1, 2],
  subject: [{}, { home: 'eu' }, { home: 'us', level: 1 }],
};

/** Values of a wrong type, which only a request can bring: a write refuses them. */
export const UNFIT_VALUES: Readonly<Record<string, readonly JsonValue[]>> = {
  x: ['many', 1.5, true],
  limit: ['few'],
  on: ['yes', 1],
  region: [7],
  home: [false],
  subject_level: ['high'],
  resource_level: [true],
  subject: [7],
};

/** What entities may have, mostly convertible to what conditions take them for. */
export const ATTRIBUTES: readonly JsonObject[] = [
  {},
  { level: 0 },
  { level: 1, home: 'eu' },
  { level: '2', home: 'us' },
  { level: 'none', home: 'eu' },
];

export function parametersOf(condition: string): readonly string[] {
  return Object.keys(KNOWN[condition]?.parameters ?? {});
}

export function conditionDefinition(name: string): ModelCondition {
  const known = KNOWN[name];
  if (known === undefined) throw new RangeError(`no condition ${name}`);
  const parameters = Object.fromEntries(
    Object.entries(known.parameters).map(([parameter, kind]) => [parameter, typeOf(kind)]),
  );
  return { name, expression: known.expression, parameters };
}

const typeOf = (kind: ParameterKind): ParameterType =>
  kind === 'map' ? { kind, of: { kind: 'any' } } : { kind };

/** Whether it asks for what is known of the question's subject or object. */
export const readsAttributes = (condition: string): boolean =>
  parametersOf(condition).some((name) => /^(subject|resource)(_|$)/.test(name));

export function evaluateCondition(
  condition: TupleCondition,
  requestContext: JsonObject,
): 'true' | 'false' | 'error' {
  const known = KNOWN[condition.name];
  if (known === undefined) throw new RangeError(`no condition ${condition.name}`);
  const values = { ...requestContext, ...condition.context };
  for (const [parameter, kind] of Object.entries(known.parameters)) {
    const value = values[parameter];
    if (value === undefined || !fits(kind, value)) return 'error';
  }
  return known.holds(values) ? 'true' : 'false';
}

function fits(kind: ParameterKind, value: JsonValue): boolean {
  switch (kind) {
    case 'map':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'bool':
      return typeof value === 'boolean';
    case 'string':
      return typeof value === 'string';
    case 'int':
      return Number.isInteger(value) || (typeof value === 'string' && /^-?\d+$/.test(value));
  }
}
