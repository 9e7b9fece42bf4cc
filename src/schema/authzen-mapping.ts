/**
 * An AuthZEN mapping held against a model. What it does not name goes by equal names: a type is that
 * type of the model, an action that relation. A type whose actions are named has no others.
 *
 * Properties of a request reach conditions only where the mapping lists them, for a caller that it
 * lets say them: enforcement points send much that they were sent themselves.
 */
import { parseObject } from '../tuple/tuple.js';
import type { JsonObject } from '../tuple/tuple.js';
import { PARTS, fieldOf, reader } from './authzen-mapping-wire.js';
import type {
  ObligationType,
  Part,
  WireAuthzenMapping,
  WireObligation,
  WireProperties,
  WireTypeMapping,
} from './authzen-mapping-wire.js';
import { didYouMean } from './nearest.js';
import type { Plan } from './plan.js';
import { quote } from './problem.js';

export interface Obligation {
  readonly id: string;
  readonly type: ObligationType;
  readonly properties: JsonObject;
}

export interface ResourceType {
  readonly type: string;
  readonly id?: string;
}

export interface AuthzenMapping {
  /** The model's type; undefined where it has none of that name. */
  subjectTypeOf(name: string): string | undefined;
  /** The model's type, and the one object of it where all resources of the name are that. */
  resourceTypeOf(name: string): ResourceType | undefined;
  /** Undefined where the type has no such action. */
  relationOf(type: string, action: string): string | undefined;
  /** All actions of a type, in no order. */
  actionsOf(type: string): readonly string[];
  /** The relation that vetoes all others of the type. */
  forbiddenOf(type: string): string | undefined;
  obligationsOf(type: string, relation: string, on: WireObligation['on']): readonly Obligation[];
  /** Of the properties that a request gives, those that the caller may. */
  assertedBy(caller: string, part: Part, given: JsonObject): JsonObject;
}

/** Throws `invalid_authzen_mapping`, which names the first entry that the model has no place for. */
export function compileAuthzenMapping(
  plan: Plan,
  wire: WireAuthzenMapping | undefined = {},
): AuthzenMapping {
  const types = new Map(
    Object.entries(wire.types ?? {}).map(([name, type]) => [name, compileType(plan, name, type)]),
  );
  const subjects = new Map(Object.entries(wire.subjects ?? {}));
  for (const [name, type] of subjects) assertType(plan, type, fieldOf('subjects', name));
  const resources = resourceTypes(plan, wire.resources);
  const mayAssert = assertions(wire.properties ?? {});
  return {
    subjectTypeOf: (name) => {
      const type = subjects.get(name) ?? name;
      return plan.model.types.has(type) ? type : undefined;
    },
    resourceTypeOf: (name) =>
      resources.get(name) ?? (plan.model.types.has(name) ? { type: name } : undefined),
    relationOf: (type, action) => {
      const actions = types.get(type)?.actions;
      if (actions !== undefined) return actions.get(action);
      return plan.relation(type, action)?.name;
    },
    actionsOf: (type) => {
      const named = types.get(type)?.actions ?? plan.model.types.get(type)?.relations;
      return [...(named?.keys() ?? [])];
    },
    forbiddenOf: (type) => types.get(type)?.forbidden,
    obligationsOf: (type, relation, on) => types.get(type)?.obligations.get(relation)?.[on] ?? NONE,
    assertedBy: mayAssert,
  };
}

const NONE: readonly Obligation[] = [];

interface CompiledType {
  readonly actions: ReadonlyMap<string, string> | undefined;
  readonly forbidden: string | undefined;
  readonly obligations: ReadonlyMap<
    string,
    Readonly<Record<WireObligation['on'], readonly Obligation[]>>
  >;
}

function compileType(plan: Plan, name: string, wire: WireTypeMapping): CompiledType {
  const at = (...steps: readonly string[]): string => fieldOf('types', name, ...steps);
  assertType(plan, name, at());
  const { actions, forbidden, obligations = {} } = wire;
  // `Array.isArray` does not narrow a readonly array.
  const entries =
    actions &&
    (Array.isArray(actions)
      ? actions.map((one: string) => [one, one] as const)
      : Object.entries(actions));
  for (const [action, relation] of entries ?? []) {
    assertRelation(plan, name, relation, at('actions', action));
  }
  if (forbidden !== undefined) assertRelation(plan, name, forbidden, at('forbidden'));
  for (const relation of Object.keys(obligations)) {
    assertRelation(plan, name, relation, at('obligations', relation));
  }
  return {
    actions: entries && new Map(entries),
    forbidden,
    obligations: new Map(
      Object.entries(obligations).map(([relation, list]) => {
        const all = list.map((one, i) => ({
          on: one.on,
          obligation: withId(one, `${name}.${relation}.${i}`),
        }));
        const of = (on: WireObligation['on']): readonly Obligation[] =>
          all.filter((one) => one.on === on).map(({ obligation }) => obligation);
        return [relation, { permit: of('permit'), deny: of('deny') }];
      }),
    ),
  };
}

const withId = ({ id, type, properties }: WireObligation, place: string): Obligation => ({
  id: id ?? place,
  type,
  properties: properties ?? {},
});

/** `endpoint`, or the one object `list:shared`. */
function resourceTypes(
  plan: Plan,
  wire: Readonly<Record<string, string>> = {},
): ReadonlyMap<string, ResourceType> {
  return new Map(
    Object.entries(wire).map(([name, target]) => {
      const field = fieldOf('resources', name);
      const object = target.includes(':') ? parseObject(target) : { type: target };
      if (object === undefined) throw reader.problem(field, 'is neither a type nor an object');
      assertType(plan, object.type, field);
      return [name, object];
    }),
  );
}

function assertType({ model }: Plan, name: string, field: string): void {
  if (model.types.has(name)) return;
  const advice = didYouMean(name, model.types.keys());
  throw reader.problem(field, `type ${quote(name)} not found${advice}`);
}

function assertRelation({ model }: Plan, type: string, name: string, field: string): void {
  const relations = model.types.get(type)?.relations;
  if (relations?.has(name) === true) return;
  const advice = didYouMean(name, relations?.keys() ?? []);
  throw reader.problem(field, `relation ${quote(`${type}#${name}`)} not found${advice}`);
}

const NOTHING: JsonObject = Object.freeze({});
/** In a list of properties: all. */
const ANY = '*';

function assertions({ callers, ...lists }: WireProperties): AuthzenMapping['assertedBy'] {
  const mayBeSaid = new Map(PARTS.map((part) => [part, new Set(lists[part])]));
  const trusted = callers && new Set(callers);
  return (caller, part, given) => {
    const names = mayBeSaid.get(part);
    if (names === undefined || names.size === 0) return NOTHING;
    if (trusted !== undefined && !trusted.has(caller)) return NOTHING;
    if (names.has(ANY)) return given;
    return Object.fromEntries(Object.entries(given).filter(([name]) => names.has(name)));
  };
}
