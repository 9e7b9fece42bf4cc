/**
 * What is known of a gateway's request, as parameters of conditions: for questions that can meet a
 * condition which declares them, so that nothing else pays for it. What a tuple stores stands,
 * and what a token says has other names.
 */
import type { Plan, PlanRelation } from '../../schema/plan.js';
import { conditionsBelow } from '../../schema/reads.js';
import type { JsonObject } from '../../tuple/tuple.js';
import type { GatewayRequest } from './profiles.js';

type Fact = (request: GatewayRequest) => string | undefined;

/** Undefined where it is not known. */
const FACTS = {
  request_method: ({ method }) => method,
  /** Decoded, without the query: the one form in which the path was compared. */
  request_path: ({ segments }) => `/${segments.join('/')}`,
  request_host: ({ host }) => (host === '' ? undefined : host),
  client_address: ({ clientAddress }) => clientAddress,
} as const satisfies Readonly<Record<string, Fact>>;

type FactName = keyof typeof FACTS;

/** By plan, and then by relation. */
const declared = new WeakMap<Plan, Map<PlanRelation, readonly FactName[]>>();

function declaredBelow(plan: Plan, relation: PlanRelation): readonly FactName[] {
  let known = declared.get(plan);
  if (known === undefined)
    declared.set(plan, (known = new Map<PlanRelation, readonly FactName[]>()));
  let names = known.get(relation);
  if (names === undefined) {
    const conditions = [...conditionsBelow(plan, relation.index)];
    names = (Object.keys(FACTS) as FactName[]).filter((name) =>
      conditions.some((one) => plan.conditions.get(one)?.parameterTypes.has(name)),
    );
    known.set(relation, names);
  }
  return names;
}

const NONE: JsonObject = Object.freeze({});

/** For the question whether somebody has the relation to an object of the type. */
export function requestFacts(
  plan: Plan,
  [type, relation]: readonly [string, string],
  request: GatewayRequest,
): JsonObject {
  const found = plan.relation(type, relation);
  const names = found === undefined ? [] : declaredBelow(plan, found);
  if (names.length === 0) return NONE;
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = FACTS[name](request);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Gateways that keep allows do not keep them by the client's address. */
export const dependsOnClient = (facts: JsonObject): boolean =>
  Object.hasOwn(facts, 'client_address');
