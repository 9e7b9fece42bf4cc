/**
 * Who a question is about: the `user` that it names, or the bearer of its `subject_token`. A batch
 * has one token for all of its items that name no user.
 */
import { PembaError, invalidRequest } from '../../errors.js';
import type { SubjectTokens, VerifiedSubject } from '../../identity/subject-tokens.js';
import type { Circumstances } from '../../operations/resolve.js';
import type { Subject, TupleKey } from '../../tuple/tuple.js';
import { nameOf, objectOf, subjectOf } from './wire.js';
import type { WireTupleKey } from './wire.js';

type Text = string | null | undefined;

export interface WireSubjectToken {
  readonly subject_token?: string | null;
}

/** A key whose user may be left to the token. */
export type WireQuestionKey = Omit<WireTupleKey, 'user'> & { readonly user?: string | null };

/** Undefined where the request brings no token. */
export type Bearer = VerifiedSubject | undefined;

/** Goes on with the bearer of the token: in the same turn if it is known, or if there is none. */
export function withBearer<Result>(
  tokens: SubjectTokens | undefined,
  token: Text,
  answer: (bearer: Bearer) => Result | Promise<Result>,
): Result | Promise<Result> {
  if (!isGiven(token)) return answer(undefined);
  if (tokens === undefined) {
    throw new PembaError(
      'invalid_subject_token',
      'subject_token: no issuer is configured for subject tokens',
      { facts: { field: 'subject_token' } },
    );
  }
  const bearer = tokens.subjectOf(token);
  return bearer instanceof Promise ? bearer.then(answer) : answer(bearer);
}

const isGiven = (value: Text): value is string => value !== null && value !== undefined;

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

const noSubject = (field: string): PembaError =>
  new PembaError('invalid_request', `${field}: value is required, unless subject_token is given`, {
    facts: { field, rule: 'required' },
  });

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
