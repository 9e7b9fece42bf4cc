/**
 * Parameters that stand for the attributes of the two that a question is about: `subject` and
 * `resource`, maps, for all of them, and `subject_NAME` and `resource_NAME`, of any type, for one.
 *
 * STORED-STANDS: where attributes of an entity are known, they are all that is known of it. A request's
 * context can neither replace one nor add one that is missing; its members of these names count only
 * for an entity of which nothing is known, as for any parameter. (Attributes laid over what the context
 * says, one by one, would let whoever asks make up those that an entity does not have.) What a tuple
 * says itself stands before both.
 */
import type { JsonObject } from '../tuple/tuple.js';
import type { ParameterType } from './parameter.js';

/** The subject of a question, and its object. */
export type End = 'subject' | 'resource';

export const ENDS: readonly End[] = ['subject', 'resource'];

/** Whether a parameter of this name is about one of them. */
export const isOfEnd = (name: string): boolean =>
  ENDS.some((end) => name === end || name.startsWith(`${end}_`));

/** What is known of each; undefined where nothing is. */
export type Entities = Readonly<Record<End, JsonObject | undefined>>;

export interface AttributeReference {
  readonly end: End;
  /** Undefined for all of them. */
  readonly attribute: string | undefined;
}

/** What a parameter stands for; undefined for one like any other. */
export function attributeReference(
  name: string,
  type: ParameterType,
): AttributeReference | undefined {
  for (const end of ENDS) {
    if (name === end) {
      return type.kind === 'map' || type.kind === 'any' ? { end, attribute: undefined } : undefined;
    }
    if (name.startsWith(`${end}_`)) return { end, attribute: name.slice(end.length + 1) };
  }
  return undefined;
}
