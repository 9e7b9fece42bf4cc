/**
 * OpenFGA's words ⇄ the domain's. Bodies arrive here after their JSON Schema held, so the types
 * below are what that schema promises; everything a schema cannot say is checked here, and each
 * problem names its field.
 */
import { invalidRequest } from '../../errors.js';
import { isUlid } from '../../ids.js';
import type { ModelId, StoreId } from '../../ids.js';
import type { Consistency } from '../../operations/consistency.js';
import type { Target } from '../../operations/resolve.js';
import type { TupleFilter } from '../../tuple/filter.js';
import { parseInstant } from '../../quantity.js';
import {
  formatObject,
  formatSubject,
  isRelationName,
  parseObject,
  parseSubject,
} from '../../tuple/tuple.js';
import type {
  JsonObject,
  JsonValue,
  ObjectRef,
  RelationTuple,
  Subject,
  TupleKey,
} from '../../tuple/tuple.js';

type Absent = null | undefined;

export interface WireTupleKey {
  readonly user: string;
  readonly relation: string;
  readonly object: string;
}

export interface WireTuple extends WireTupleKey {
  readonly condition?: { readonly name: string; readonly context?: JsonObject | null } | null;
  readonly expires_at?: string | null;
}

export interface WireTarget {
  readonly authorization_model_id?: string | null;
  readonly consistency?: string | null;
}

export function storeIdOf(text: string): StoreId {
  if (!isUlid(text)) throw invalidRequest('store_id', 'must be a ULID (26 characters)');
  return text as StoreId;
}

export function modelIdOf(text: string): ModelId {
  if (!isUlid(text)) {
    throw invalidRequest('authorization_model_id', 'must be a ULID (26 characters)');
  }
  return text as ModelId;
}

export function optionalModelId(text: string | Absent): { readonly modelId?: ModelId } {
  return text === null || text === undefined || text === '' ? {} : { modelId: modelIdOf(text) };
}

/** `token` is the request's consistency token, from its header. */
export function consistencyOf(wire: string | Absent, token: string | undefined): Consistency {
  if (wire === 'HIGHER_CONSISTENCY') return { kind: 'head' };
  return token === undefined ? { kind: 'minimize_latency' } : { kind: 'at_least', token };
}

export const targetOf = (
  storeId: StoreId,
  body: WireTarget,
  token: string | undefined,
): Target => ({
  storeId,
  ...optionalModelId(body.authorization_model_id),
  consistency: consistencyOf(body.consistency, token),
});

/** A wrong value is told back, but not at any length. */
const QUOTED_LENGTH_MAX = 200;

const quoted = (text: string): string =>
  text.length <= QUOTED_LENGTH_MAX ? `'${text}'` : `'${text.slice(0, QUOTED_LENGTH_MAX)}…'`;

export function objectOf(text: string, field: string): ObjectRef {
  const object = text.length < 2 ? undefined : parseObject(text);
  if (object === undefined)
    throw invalidRequest(field, `${quoted(text)} is not of the form 'type:id'`);
  return object;
}

export function subjectOf(text: string, field: string): Subject {
  const subject = Buffer.byteLength(text) > 512 ? undefined : parseSubject(text);
  if (subject === undefined) {
    throw invalidRequest(
      field,
      `${quoted(text)} is not of the form 'type:id', 'type:id#relation' or 'type:*'`,
    );
  }
  return subject;
}

/** Of a relation, a type or a condition: what may stand in them is the same. */
export function nameOf(text: string, field: string): string {
  if (!isRelationName(text)) throw invalidRequest(field, `${quoted(text)} cannot be a name`);
  return text;
}

export const keyOf = (wire: WireTupleKey, field: string): TupleKey => ({
  object: objectOf(wire.object, `${field}.object`),
  relation: nameOf(wire.relation, `${field}.relation`),
  subject: subjectOf(wire.user, `${field}.user`),
});

export function tupleOf(wire: WireTuple, field: string): RelationTuple {
  const { condition, expires_at: expiresAt } = wire;
  const isPresent = <Value>(value: Value | Absent): value is Value =>
    value !== null && value !== undefined;
  return {
    ...keyOf(wire, field),
    ...(isPresent(condition) && {
      condition: {
        name: nameOf(condition.name, `${field}.condition.name`),
        context: contextOf(condition.context, `${field}.condition.context`),
      },
    }),
    ...(isPresent(expiresAt) && { expiresAt: instantOf(expiresAt, `${field}.expires_at`) }),
  };
}

/** Milliseconds since 1970. */
export function instantOf(text: string, field: string): number {
  const instant = parseInstant(text);
  if (Number.isNaN(instant)) {
    throw invalidRequest(
      field,
      `${quoted(text)} is not an RFC 3339 time such as 2030-01-31T12:00:00Z`,
    );
  }
  return instant;
}

/** At any depth, strings and keys hold no control characters, and numbers are finite. */
export function contextOf(context: JsonObject | Absent, field: string): JsonObject {
  if (context === null || context === undefined) return {};
  const pending: JsonValue[] = [context];
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    if (typeof value === 'string') assertPrintable(value, field);
    if (typeof value === 'number') assertFinite(value, field);
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, member] of Object.entries(value as JsonObject)) {
      assertPrintable(key, field);
      pending.push(member);
    }
  }
  return context;
}

/** JSON.parse reads 1e999 as Infinity, which JSON cannot write: it would be stored as null. */
function assertFinite(value: number, field: string): void {
  if (!Number.isFinite(value)) throw invalidRequest(field, 'holds a number that is too large');
}

// eslint-disable-next-line no-control-regex -- control characters are what it refuses
const UNPRINTABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]|[\ud800-\udfff]/u;

function assertPrintable(text: string, field: string): void {
  if (UNPRINTABLE.test(text)) {
    throw invalidRequest(field, 'holds control characters or half of a surrogate pair');
  }
}

export const contextualTuplesOf = (
  wire: { readonly tuple_keys?: readonly WireTuple[] } | Absent,
): readonly RelationTuple[] => flatContextualTuplesOf(wire?.tuple_keys);

export const flatContextualTuplesOf = (
  wire: readonly WireTuple[] | Absent,
): readonly RelationTuple[] =>
  (wire ?? []).map((tuple, i) => tupleOf(tuple, `contextual_tuples[${i}]`));

export interface WireFilter {
  readonly user?: string | null;
  readonly relation?: string | null;
  readonly object?: string | null;
}

/**
 * Any combination. `document:` is every object of the type, `user:` every subject of the type
 * (usersets included), `group:eng#` no more than `group:eng`. Empty strings mean absent.
 */
export function filterOf({ user, relation, object }: WireFilter, field: string): TupleFilter {
  return {
    ...(object && objectFilter(object, `${field}.object`)),
    ...(relation && { relation: nameOf(relation, `${field}.relation`) }),
    ...(user && subjectFilter(user, `${field}.user`)),
  };
}

function objectFilter(text: string, field: string): TupleFilter {
  if (text.endsWith(':') && isRelationName(text.slice(0, -1))) {
    return { objectType: text.slice(0, -1) };
  }
  const { type, id } = objectOf(text, field);
  return { objectType: type, objectId: id };
}

function subjectFilter(text: string, field: string): TupleFilter {
  if (text.endsWith(':') && isRelationName(text.slice(0, -1))) {
    return { subjectType: text.slice(0, -1) };
  }
  const subject = subjectOf(text, field);
  switch (subject.kind) {
    case 'object':
      return { subjectType: subject.type, subjectId: subject.id, subjectRelation: '' };
    case 'wildcard':
      return { subjectType: subject.type, subjectId: '*', subjectRelation: '' };
    case 'userset':
      return {
        subjectType: subject.type,
        subjectId: subject.id,
        subjectRelation: subject.relation,
      };
  }
}

export interface WireStoredKey extends WireTupleKey {
  readonly condition: { readonly name: string; readonly context: JsonObject } | null;
  readonly expires_at?: string;
}

export const keyToWire = (key: TupleKey): WireTupleKey => ({
  user: formatSubject(key.subject),
  relation: key.relation,
  object: formatObject(key.object),
});

/** A tuple as read and changes answer it: with `condition` even if there is none. */
export function tupleToWire(tuple: RelationTuple): WireStoredKey {
  return {
    ...keyToWire(tuple),
    condition: tuple.condition ?? null,
    ...(tuple.expiresAt !== undefined && { expires_at: new Date(tuple.expiresAt).toISOString() }),
  };
}
