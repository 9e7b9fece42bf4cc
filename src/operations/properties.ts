/** What is known of entities: the attributes that are stored, and what a trusted request adds. */
import type { End } from '../condition/entities.js';
import type { GraphReader } from '../graph/reader.js';
import type { Binding } from '../query/binding.js';
import type { PropertiesOf } from '../query/entities.js';
import type { JsonObject, JsonValue } from '../tuple/tuple.js';

/**
 * Said of the ends of the question by a caller whose word counts as much as what is stored: for this
 * request each member stands before the stored one of its name. Whether it counts is for the protocol
 * to find out first; what an ordinary request says in its context never comes here. In a list it is
 * said of each candidate.
 *
 * Of the end, and not of an entity wherever that stands: who may say of resources what it likes must
 * not say it of the subject, by naming the subject as the resource as well.
 */
export type AssertedProperties = Readonly<Partial<Record<End, JsonObject>>>;

/** Undefined where no condition asks, or nothing is known of anybody. */
export function propertiesOf(
  binding: Binding,
  graph: GraphReader,
  asserted: AssertedProperties = {},
): PropertiesOf | undefined {
  if (!binding.plan.readsAttributes) return undefined;
  const stored = graph.hasAttributes ? storedIn(binding, graph) : undefined;
  if (asserted.subject === undefined && asserted.resource === undefined) return stored;
  return (entity, end) => {
    const known = stored?.(entity, end);
    const said = asserted[end];
    return said === undefined ? known : { ...known, ...said };
  };
}

const storedIn =
  (binding: Binding, graph: GraphReader): PropertiesOf =>
  ({ type, id }) =>
    graph.attributes(graph.node(binding.type(type), id));

/**
 * What a protocol's request says of the entities that it is about. Each part reaches conditions twice,
 * as the claims of a token do: as a parameter of its own, `subject_role`, of whatever type the condition
 * declares, and in the map `subject`, a `map<any>`, where it can ask `has(subject.role)`.
 */
export interface Properties {
  readonly subject: JsonObject;
  readonly resource: JsonObject;
  readonly action: JsonObject;
}

const PARTS = ['subject', 'resource', 'action'] as const;

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
