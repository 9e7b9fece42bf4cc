/**
 * Who a question is about: the `user` that it names, or the bearer of its `subject_token`. A batch
 * has one token for all of its items that name no user.
 */
import { invalidRequest } from '../../errors.js';
import type { Circumstances } from '../../operations/resolve.js';
import type { Subject, TupleKey } from '../../tuple/tuple.js';
import { isGiven, noSubject } from '../bearer.js';
import type { Bearer } from '../bearer.js';
import { nameOf, objectOf, subjectOf } from './wire.js';
import type { WireTupleKey } from './wire.js';

type Text = string | null | undefined;

export interface WireSubjectToken {
  readonly subject_token?: string | null;
}

/** A key whose user may be left to the token. */
export type WireQuestionKey = Omit<WireTupleKey, 'user'> & { readonly user?: string | null };

/** Of a user and a token exactly one; `field` is where the user would stand. */
export function assertOneSubject(user: Text, token: Text, field: string): void {
  assertSubject(user, token, field);
  if (isGiven(user) && isGiven(token)) {
    throw invalidRequest(field, 'leave out either it or subject_token');
  }
}

export function assertSubject(user: Text, token: Text, field: string): void {
  if (!isGiven(user) && !isGiven(token)) throw noSubject(field);
}

/** The user that is named, or else the bearer. */
export function askedOf(user: Text, bearer: Bearer, field: string): Subject {
  if (isGiven(user)) return subjectOf(user, field);
  if (bearer === undefined) throw noSubject(field);
  return bearer.subject;
}

export const questionKeyOf = (wire: WireQuestionKey, bearer: Bearer, field: string): TupleKey => ({
  object: objectOf(wire.object, `${field}.object`),
  relation: nameOf(wire.relation, `${field}.relation`),
  subject: askedOf(wire.user, bearer, `${field}.user`),
});

/** What the token says counts for the questions about its bearer, and for no others. */
export const tokenFactsOf = (user: Text, bearer: Bearer): Pick<Circumstances, 'token'> =>
  bearer === undefined || isGiven(user) ? {} : { token: bearer };
