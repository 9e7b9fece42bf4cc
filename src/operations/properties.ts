/** What is known of entities: the attributes that are stored, and what a trusted request adds. */
import type { GraphReader } from '../graph/reader.js';
import type { Binding } from '../query/binding.js';
import type { PropertiesOf } from '../query/entities.js';
import type { JsonObject, ObjectRef } from '../tuple/tuple.js';

/**
 * Said of an entity by a caller whose word counts as much as what is stored: for this request each
 * member stands before the stored one of its name. Whether it counts is for the protocol to find out
 * first; what an ordinary request says in its context never comes here.
 */
export interface AssertedProperties {
  readonly entity: ObjectRef;
  readonly properties: JsonObject;
}

/** Undefined where no condition asks, or nothing is known of anybody. */
export function propertiesOf(
  binding: Binding,
  graph: GraphReader,
  asserted: readonly AssertedProperties[] = [],
): PropertiesOf | undefined {
  if (!binding.plan.readsAttributes) return undefined;
  const stored = graph.hasAttributes ? storedIn(binding, graph) : undefined;
  if (asserted.length === 0) return stored;
  return (entity) => {
    let known = stored?.(entity);
    for (const { entity: other, properties } of asserted) {
      const isIt = other.type === entity.type && other.id === entity.id;
      if (isIt) known = { ...known, ...properties };
    }
    return known;
  };
}

const storedIn =
  (binding: Binding, graph: GraphReader): PropertiesOf =>
  ({ type, id }) =>
    graph.attributes(graph.node(binding.type(type), id));
