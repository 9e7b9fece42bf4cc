/**
 * What conditions are told of the entities that a question is about. Each part reaches them twice, as
 * the claims of a token do: as a parameter of its own, `subject_role`, of whatever type the condition
 * declares, and in the map `subject`, a `map<any>`, where it can ask `has(subject.role)`.
 */
import type { JsonObject, JsonValue, ObjectRef } from '../tuple/tuple.js';

export interface Properties {
  readonly subject: JsonObject;
  readonly resource: JsonObject;
  readonly action: JsonObject;
}

const PARTS = ['subject', 'resource', 'action'] as const;

/** What is known of an entity: this is where what is stored of it comes under the request's. */
export const propertiesOf = (_entity: ObjectRef, asserted: JsonObject): JsonObject => asserted;

/** The request's context with the properties in it. Under their names it can say nothing itself. */
export function withProperties(context: JsonObject, properties: Properties): JsonObject {
  const members: [string, JsonValue][] = Object.entries(context).filter(
    ([name]) => !isReserved(name),
  );
  for (const part of PARTS) {
    members.push([part, properties[part]]);
    for (const [name, value] of Object.entries(properties[part])) {
      members.push([`${part}_${name}`, value]);
    }
  }
  return Object.fromEntries(members);
}

const isReserved = (name: string): boolean =>
  PARTS.some(
    (part) => name.startsWith(part) && (name.length === part.length || name[part.length] === '_'),
  );
