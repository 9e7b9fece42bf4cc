/**
 * What the service itself knows of `schema/delegation.fga`:
 *
 *   service:orders#acting_for@user:anne            for one request, because `orders` acts for Anne
 *   scope:item.can_reserve#actor@service:orders    the ceiling: who may exercise it for somebody
 *   scope:item.can_reserve#through@service:web     who may stand before the actor in a chain
 *
 * The first one comes with a verified request. Stored, it would make every right of the user that a
 * rule gives away the service's own, for ever and unseen. So nothing stores it, and what got into the
 * database some other way (by a restore, or before a model had the relation) is not in the graph.
 */
import type { ServiceId } from '../ids.js';
import { parseObject } from './tuple.js';
import type { ObjectRef, RelationTuple, TupleKey } from './tuple.js';

interface ModuleRelation {
  readonly type: string;
  readonly relation: string;
}

export const ACTING_FOR: ModuleRelation = { type: 'service', relation: 'acting_for' };
export const ACTOR: ModuleRelation = { type: 'scope', relation: 'actor' };
export const THROUGH: ModuleRelation = { type: 'scope', relation: 'through' };

const isOf = ({ object, relation }: TupleKey, known: ModuleRelation): boolean =>
  object.type === known.type && relation === known.relation;

export const isActingFor = (key: TupleKey): boolean => isOf(key, ACTING_FOR);

/** Why it may not be written; undefined for every other tuple. */
export const actingForProblem = (key: TupleKey): string | undefined =>
  isActingFor(key)
    ? `'${ACTING_FOR.type}#${ACTING_FOR.relation}' is never stored: ` +
      'it holds for the one request in which the service is seen to act for the user'
    : undefined;

/** Whether a tuple says who acts for whom, or who may: nothing that a request may claim. */
export const isDelegation = (key: TupleKey): boolean =>
  isActingFor(key) || key.object.type === ACTOR.type;

export const serviceObject = (id: ServiceId): ObjectRef & { readonly kind: 'object' } => ({
  kind: 'object',
  type: ACTING_FOR.type,
  id,
});

export const serviceName = (id: ServiceId): string => `${ACTING_FOR.type}:${id}`;

/** Of `service:orders` or `orders`; undefined where that names no single service. */
export function parseServiceId(text: string): ServiceId | undefined {
  const prefix = `${ACTING_FOR.type}:`;
  const object = parseObject(text.startsWith(prefix) ? text : prefix + text);
  return object?.type === ACTING_FOR.type && object.id !== '*'
    ? (object.id as ServiceId)
    : undefined;
}

/** Of `scope:item.can_reserve`. */
export const scopeIdOf = (type: string, relation: string): string => `${type}.${relation}`;

/** Unmistakable, as no relation with a dot in its name is ever delegated. */
export const scopeObject = (type: string, relation: string): ObjectRef => ({
  type: ACTOR.type,
  id: scopeIdOf(type, relation),
});

export const actingFor = (actor: ServiceId, subject: TupleKey['subject']): RelationTuple => ({
  object: serviceObject(actor),
  relation: ACTING_FOR.relation,
  subject,
});
