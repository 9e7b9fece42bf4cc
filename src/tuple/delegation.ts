/**
 * The objects and relations of `schema/delegation.fga`, by name:
 *
 *   service:orders#acting_for@user:anne            for one request, because `orders` acts for Anne
 *   scope:item.can_reserve#actor@service:orders    the ceiling: who may exercise it for somebody
 *   scope:item.can_reserve#through@service:web     who may stand before the actor in a chain
 */
import type { ServiceId } from '../ids.js';
import { parseObject } from './tuple.js';
import type { ObjectRef, RelationTuple, TupleKey } from './tuple.js';

export const SERVICE = 'service';
export const ACTING_FOR = 'acting_for';
export const SCOPE = 'scope';
export const ACTOR = 'actor';
export const THROUGH = 'through';

export const serviceObject = (id: ServiceId): ObjectRef & { readonly kind: 'object' } => ({
  kind: 'object',
  type: SERVICE,
  id,
});

export const serviceName = (id: ServiceId): string => `${SERVICE}:${id}`;

/** Of `service:orders` or `orders`; undefined where that names no single service. */
export function parseServiceId(text: string): ServiceId | undefined {
  const name = text.startsWith(`${SERVICE}:`) ? text : `${SERVICE}:${text}`;
  const object = parseObject(name);
  return object?.type === SERVICE && object.id !== '*' ? (object.id as ServiceId) : undefined;
}

/** Unmistakable, as no relation with a dot in its name is ever delegated. */
export const scopeObject = (type: string, relation: string): ObjectRef => ({
  type: SCOPE,
  id: `${type}.${relation}`,
});

export const actingFor = (actor: ServiceId, subject: TupleKey['subject']): RelationTuple => ({
  object: serviceObject(actor),
  relation: ACTING_FOR,
  subject,
});

/** Whether a tuple says who acts for whom, or who may: nothing that a request may claim. */
export const isDelegation = ({ object, relation }: TupleKey): boolean =>
  (object.type === SERVICE && relation === ACTING_FOR) || object.type === SCOPE;
