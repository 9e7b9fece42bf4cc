/** What a request brings along besides its question: what it says of entities, and what it asks for. */
import { invalidRequest } from '../../errors.js';
import { withProperties } from '../../operations/properties.js';
import type { AssertedProperties, Properties } from '../../operations/properties.js';
import type { Resolved } from '../../operations/resolve.js';
import type { Obligation } from '../../schema/authzen-mapping.js';
import type { Part } from '../../schema/authzen-mapping-wire.js';
import type { JsonObject } from '../../tuple/tuple.js';

interface Described {
  readonly properties?: JsonObject | null | undefined;
}

export type WireParts = Readonly<Record<Part, Described | undefined>>;

const NOTHING: JsonObject = Object.freeze({});

/** Those of the request's properties that its caller may assert. */
export function assertedProperties(
  { authzen }: Resolved,
  caller: string,
  parts: WireParts,
): Properties {
  const asserted = (part: Part): JsonObject => {
    const given = parts[part]?.properties;
    return given === null || given === undefined
      ? NOTHING
      : authzen.assertedBy(caller, part, given);
  };
  return {
    subject: asserted('subject'),
    resource: asserted('resource'),
    action: asserted('action'),
  };
}

/** What conditions are told; without conditions, nobody looks at it. */
export const contextOf = (
  { plan }: Resolved,
  context: JsonObject | null | undefined,
  properties: Properties,
): JsonObject =>
  plan.conditions.size === 0
    ? (context ?? NOTHING)
    : withProperties(context ?? NOTHING, properties);

/** What lies over the stored attributes of the two that a question is about. */
export const assertedOf = ({ subject, resource }: Properties): AssertedProperties => ({
  ...(isAny(subject) && { subject }),
  ...(isAny(resource) && { resource }),
});

const isAny = (properties: JsonObject): boolean => Object.keys(properties).length > 0;

/** What the answer is to tell besides the decision. */
export interface Wanted {
  readonly explain: boolean;
  /** The types of obligations that the enforcement point can meet; undefined if it does not say. */
  readonly obligations: ReadonlySet<string> | undefined;
}

export const canMeet = (
  obligations: readonly Obligation[],
  { obligations: met }: Wanted,
): boolean => obligations.every(({ type }) => met?.has(type) === true);

const NOTHING_MORE: Wanted = { explain: false, obligations: undefined };

export function wantedBy(context: JsonObject | null | undefined): Wanted {
  if (context === null || context === undefined) return NOTHING_MORE;
  const { explain, supported_obligations: supported } = context;
  if (explain !== true && supported === undefined) return NOTHING_MORE;
  return {
    explain: explain === true,
    obligations: supported === undefined ? undefined : new Set(typesIn(supported)),
  };
}

function typesIn(supported: JsonObject[string]): readonly string[] {
  const list = supported as readonly unknown[];
  if (Array.isArray(supported) && list.every((type) => typeof type === 'string')) return list;
  throw invalidRequest('context.supported_obligations', 'must be a list of strings');
}
