/**
 * What attributes mean, for the definition: a question about a subject and an object of which something
 * is known is the same question in another context. What is known of an entity takes the place of all
 * that the request says under the entity's names; of an entity of which nothing is known the request
 * may say what it likes. As a map, nothing is `{}`.
 */
import { isOfTuple } from '../../src/tuple/attributes.js';
import type { StoreChange } from '../../src/tuple/attributes.js';
import { formatObject } from '../../src/tuple/tuple.js';
import type { JsonObject, ObjectRef, Subject } from '../../src/tuple/tuple.js';

/** By `type:id`. */
export type Attributes = ReadonlyMap<string, JsonObject>;

export const NO_ATTRIBUTES: Attributes = new Map();

export function attributesAfter(steps: readonly (readonly StoreChange[])[]): Attributes {
  const attributes = new Map<string, JsonObject>();
  for (const change of steps.flat()) {
    if (isOfTuple(change)) continue;
    if (change.attributes === undefined) attributes.delete(formatObject(change.entity));
    else attributes.set(formatObject(change.entity), change.attributes);
  }
  return attributes;
}

export function contextOf(
  context: JsonObject,
  attributes: Attributes,
  { subject, object }: { readonly subject: Subject; readonly object: ObjectRef },
): JsonObject {
  const ofSubject = subject.kind === 'object' ? attributes.get(formatObject(subject)) : undefined;
  return told(
    told(context, 'subject', ofSubject),
    'resource',
    attributes.get(formatObject(object)),
  );
}

function told(context: JsonObject, end: string, known: JsonObject | undefined): JsonObject {
  if (known === undefined) return { [end]: {}, ...context };
  const others = Object.entries(context).filter(
    ([name]) => name !== end && !name.startsWith(`${end}_`),
  );
  const single = Object.entries(known).map(([name, value]) => [`${end}_${name}`, value] as const);
  return Object.fromEntries([...others, ...single, [end, known]]);
}
