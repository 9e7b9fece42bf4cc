/**
 * What the service itself knows of `schema/delegation.fga`.
 *
 * `service:orders#acting_for@user:anne` says that the service acts for the user, in the request that
 * brings the tuple along. Stored, it would make every right of the user that a rule gives away the
 * service's own, for ever and unseen. So nothing stores it, and what got into the database some other
 * way (by a restore, or before a model had the relation) is not in the graph.
 */
import type { TupleKey } from '../tuple/tuple.js';

interface ModuleRelation {
  readonly type: string;
  readonly relation: string;
}

export const ACTING_FOR: ModuleRelation = Object.freeze({
  type: 'service',
  relation: 'acting_for',
});

/** The ceiling, and who may stand before the actor. */
export const ACTOR: ModuleRelation = Object.freeze({ type: 'scope', relation: 'actor' });
export const THROUGH: ModuleRelation = Object.freeze({ type: 'scope', relation: 'through' });

/** Of `scope:item.can_reserve`. */
export const scopeIdOf = (type: string, relation: string): string => `${type}.${relation}`;

export const isActingFor = ({ object, relation }: TupleKey): boolean =>
  object.type === ACTING_FOR.type && relation === ACTING_FOR.relation;

/** Why it may not be written; undefined for every other tuple. */
export const actingForProblem = (key: TupleKey): string | undefined =>
  isActingFor(key)
    ? `'${ACTING_FOR.type}#${ACTING_FOR.relation}' is never stored: ` +
      'it holds for the one request in which the service is seen to act for the user'
    : undefined;
