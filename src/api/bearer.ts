/** The bearer of the `subject_token` of a request, in whichever protocol it came. */
import { PembaError } from '../errors.js';
import type { SubjectTokens, VerifiedSubject } from '../identity/subject-tokens.js';

/** Undefined where the request brings no token. */
export type Bearer = VerifiedSubject | undefined;

/** Goes on with the bearer of the token: in the same turn if it is known, or if there is none. */
export function withBearer<Result>(
  tokens: SubjectTokens | undefined,
  token: string | null | undefined,
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

export const isGiven = <Value>(value: Value | null | undefined): value is Value =>
  value !== null && value !== undefined;

export const noSubject = (field: string): PembaError =>
  new PembaError('invalid_request', `${field}: value is required, unless subject_token is given`, {
    facts: { field, rule: 'required' },
  });
