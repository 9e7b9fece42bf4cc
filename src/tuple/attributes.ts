/**
 * Attributes of entities: of `user:anne` as much as of `document:1`, a JSON object each. They change in
 * a store's log beside its tuples, all of an entity's at once.
 */
import type { JsonObject, JsonValue, ObjectRef, TupleChange } from './tuple.js';

/** All attributes of one entity. */
export interface EntityAttributes {
  readonly entity: ObjectRef;
  readonly attributes: JsonObject;
}

export interface AttributesChange {
  readonly operation: 'attributes';
  readonly entity: ObjectRef;
  /** Undefined when it has none any more. */
  readonly attributes: JsonObject | undefined;
}

/** One entry of a store's change log. */
export type StoreChange = TupleChange | AttributesChange;

/** All of one revision, in their order. */
export interface StoreChanges extends Iterable<StoreChange> {
  readonly length: number;
}

export const isOfTuple = (change: StoreChange): change is TupleChange =>
  change.operation !== 'attributes';

/** Of lists and objects in one attribute: a condition takes them as deep, and one level round them. */
export const ATTRIBUTE_DEPTH_MAX = 5;

/** What is wrong with the attributes of an entity, in one sentence; undefined if nothing. */
export function attributesProblem(attributes: JsonObject, maxBytes: number): string | undefined {
  const bytes = Buffer.byteLength(JSON.stringify(attributes));
  if (bytes > maxBytes) {
    return `attributes size limit exceeded: ${bytes} bytes exceeds ${maxBytes}`;
  }
  const deep = Object.keys(attributes).find((name) => !isShallow(attributes[name] ?? null, 0));
  return deep === undefined
    ? undefined
    : `the attribute '${deep}' is nested deeper than ${ATTRIBUTE_DEPTH_MAX} levels`;
}

function isShallow(value: JsonValue, depth: number): boolean {
  if (value === null || typeof value !== 'object') return true;
  if (depth === ATTRIBUTE_DEPTH_MAX) return false;
  return Object.values(value).every((item: JsonValue) => isShallow(item, depth + 1));
}
