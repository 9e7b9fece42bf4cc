/**
 * Whom a request is about: the subject that it names, or the bearer of its `subject_token`. Both would
 * be two answers, and a token that is overlooked a wrong one.
 */
import { invalidRequest } from '../../errors.js';
import type { SubjectTokens } from '../../identity/subject-tokens.js';
import type { AuthzenMapping } from '../../schema/authzen-mapping.js';
import type { Subject } from '../../tuple/tuple.js';
import { isGiven, noSubject, withBearer } from '../bearer.js';
import type { Bearer } from '../bearer.js';
import { subjectOf } from './entities.js';
import type { WireEntity } from './entities.js';

export interface WireAbout {
  readonly subject?: object | null | undefined;
  readonly subject_token?: string | null | undefined;
}

/** Goes on with the subject, and with the bearer if it is that. */
export function withSubject<Result>(
  tokens: SubjectTokens | undefined,
  about: WireAbout,
  answer: (subject: WireEntity, bearer: Bearer) => Result | Promise<Result>,
): Result | Promise<Result> {
  const { subject, subject_token: token } = about;
  if (!isGiven(subject) && !isGiven(token)) throw noSubject('subject');
  assertOneSubject(about);
  return withBearer(tokens, token, (bearer) =>
    // One that is named is an entity: the schema of the body has seen to it.
    answer(bearer === undefined ? (subject as WireEntity) : entityOf(bearer), bearer),
  );
}

/** Throws `invalid_request`. */
export function assertOneSubject({ subject, subject_token: token }: WireAbout): void {
  if (isGiven(subject) && isGiven(token)) {
    throw invalidRequest('subject', 'leave out either it or subject_token');
  }
}

export const entityOf = ({
  subject: { type, id },
}: NonNullable<Bearer>): { readonly type: string; readonly id: string } => ({ type, id });

/** Throws `type_not_found`. A token's subject is of the model already. */
export const askedSubject = (
  mapping: AuthzenMapping,
  subject: WireEntity,
  bearer: Bearer,
): Subject & { readonly kind: 'object' } => bearer?.subject ?? subjectOf(mapping, subject);
