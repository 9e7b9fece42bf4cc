/**
 * Relation tuples and their textual form, the leaf of the house:
 *
 *   document:1#viewer@group:eng#member
 *   └─object─┘ └─rel─┘ └───subject───┘
 *
 * A subject is an object (`user:anne`), a userset (`group:eng#member`) or a wildcard (`user:*`).
 */
export interface ObjectRef {
  readonly type: string;
  readonly id: string;
}

export type Subject =
  | { readonly kind: 'object'; readonly type: string; readonly id: string }
  | {
      readonly kind: 'userset';
      readonly type: string;
      readonly id: string;
      readonly relation: string;
    }
  | { readonly kind: 'wildcard'; readonly type: string };

/** JSON as a condition's context holds it. */
export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type JsonObject = Readonly<Record<string, JsonValue>>;

export interface TupleCondition {
  readonly name: string;
  readonly context: JsonObject;
}

export interface TupleKey {
  readonly object: ObjectRef;
  readonly relation: string;
  readonly subject: Subject;
}

export interface RelationTuple extends TupleKey {
  readonly condition?: TupleCondition;
  /** Milliseconds since 1970; from this instant the tuple counts for nothing. */
  readonly expiresAt?: number;
}

/** One entry of a store's change log. A delete carries the key alone. */
export type TupleChange =
  | { readonly operation: 'write'; readonly tuple: RelationTuple }
  | { readonly operation: 'delete'; readonly tuple: TupleKey };

export const formatObject = (object: ObjectRef): string => `${object.type}:${object.id}`;

export function formatSubject(subject: Subject): string {
  switch (subject.kind) {
    case 'object':
      return `${subject.type}:${subject.id}`;
    case 'userset':
      return `${subject.type}:${subject.id}#${subject.relation}`;
    case 'wildcard':
      return `${subject.type}:*`;
  }
}

export const formatTupleKey = (key: TupleKey): string =>
  `${formatObject(key.object)}#${key.relation}@${formatSubject(key.subject)}`;

/** Ids and names hold no separators, white space, control characters or lone surrogates. */
// eslint-disable-next-line no-control-regex -- control characters are what it refuses
const FORBIDDEN_IN_ID = /[#:\s\u0000-\u001f\u007f-\u009f]|[\ud800-\udfff]/u;

function isId(text: string): boolean {
  return text !== '' && !FORBIDDEN_IN_ID.test(text);
}

/** `type:id`; undefined when the text is not one. `*` as an id is refused: it is the wildcard. */
export function parseObject(text: string): ObjectRef | undefined {
  const colon = text.indexOf(':');
  if (colon <= 0) return undefined;
  const type = text.slice(0, colon);
  const id = text.slice(colon + 1);
  if (!isId(type) || !isId(id) || id === '*' || type.includes('@')) return undefined;
  return { type, id };
}

/** `type:id`, `type:id#relation` or `type:*`; undefined when the text is none of them. */
export function parseSubject(text: string): Subject | undefined {
  if (text.endsWith(':*')) {
    const type = text.slice(0, -2);
    return isId(type) && !type.includes('@') ? { kind: 'wildcard', type } : undefined;
  }
  const hash = text.indexOf('#');
  if (hash < 0) {
    const object = parseObject(text);
    return object && { kind: 'object', type: object.type, id: object.id };
  }
  const object = parseObject(text.slice(0, hash));
  const relation = text.slice(hash + 1);
  if (object === undefined || !isRelationName(relation)) return undefined;
  return { kind: 'userset', type: object.type, id: object.id, relation };
}

export const isRelationName = (text: string): boolean => isId(text) && !text.includes('@');

/** `object#relation@subject`; undefined when the text is not a tuple. */
export function parseTupleKey(text: string): TupleKey | undefined {
  const hash = text.indexOf('#');
  const at = text.indexOf('@', hash + 1);
  if (hash < 0 || at < 0) return undefined;
  const object = parseObject(text.slice(0, hash));
  const relation = text.slice(hash + 1, at);
  const subject = parseSubject(text.slice(at + 1));
  if (object === undefined || subject === undefined || !isRelationName(relation)) return undefined;
  return { object, relation, subject };
}
