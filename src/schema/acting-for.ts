/**
 * `service:orders#acting_for@user:anne`, of `schema/delegation.fga`: the service acts for the user, in
 * the request that brings the tuple along. Stored, it would make every right of the user that a rule
 * gives away the service's own, for ever and unseen. So nothing stores it, and what got into the
 * database some other way (by a restore, or before a model had the relation) is not in the graph.
 */
import type { TupleKey } from '../tuple/tuple.js';

export const ACTING_FOR = Object.freeze({ type: 'service', relation: 'acting_for' });

export const isActingFor = ({ object, relation }: TupleKey): boolean =>
  object.type === ACTING_FOR.type && relation === ACTING_FOR.relation;

/** Why it may not be written; undefined for every other tuple. */
export const actingForProblem = (key: TupleKey): string | undefined =>
  isActingFor(key)
    ? `'${ACTING_FOR.type}#${ACTING_FOR.relation}' is never stored: ` +
      'it holds for the one request in which the service is seen to act for the user'
    : undefined;
