/** All checks of a handler, as one question: a check of its own, or one batch at one revision. */
import { ForbiddenException, UnauthorizedException } from '@nestjs/common';
import { formatObject } from '../../tuple/tuple.js';
import { PembaClientError } from '../client.js';
import type { BatchVerdict, PembaClient } from '../client.js';
import type { HttpRequest } from './http-request.js';
import { fill } from './object-template.js';
import type { RequestSubject } from './options.js';
import type { CheckRule } from './rules.js';

export interface Asked {
  readonly relation: string;
  readonly object: string;
  readonly context?: NonNullable<ReturnType<NonNullable<CheckRule['context']>>>;
}

/** Throws a `BadRequestException` for what cannot be an object. */
export function askedOf(
  { relation, object, context }: CheckRule,
  request: HttpRequest,
  subject: RequestSubject,
): Asked {
  const name = typeof subject === 'string' ? subject : undefined;
  return {
    relation,
    object: formatObject(fill(object, request, name)),
    ...(context !== undefined && { context: context(request) }),
  };
}

/** Resolves when everything is allowed. Rejects with what Pemba answered if it cannot say. */
export async function requireAllowed(
  client: PembaClient,
  subject: RequestSubject,
  asked: readonly Asked[],
): Promise<void> {
  const verdicts = await verdictsOf(client, subject, asked);
  if (verdicts.every(({ allowed }) => allowed === true)) return;
  const isDenied = verdicts.some(({ allowed }) => allowed === false);
  const failure = verdicts.find(({ error }) => error !== undefined)?.error;
  throw isDenied || failure === undefined ? new ForbiddenException() : failure;
}

async function verdictsOf(
  client: PembaClient,
  subject: RequestSubject,
  asked: readonly Asked[],
): Promise<readonly BatchVerdict[]> {
  if (typeof subject !== 'string') return verdictsByToken(client, subject.subjectToken, asked);
  const questions = asked.map((one) => ({ ...one, user: subject }));
  const [question] = questions;
  if (question === undefined || questions.length > 1) return client.batchCheck(questions);
  return [{ allowed: await client.check(question) }];
}

/** As a batch even where it is one, because there a refusal of the whole is one of the token. */
async function verdictsByToken(
  client: PembaClient,
  subjectToken: string,
  asked: readonly Asked[],
): Promise<readonly BatchVerdict[]> {
  try {
    return await client.batchCheck(asked, { subjectToken });
  } catch (error) {
    if (!isValidationError(error)) throw error;
    throw new UnauthorizedException(undefined, { cause: error });
  }
}

const isValidationError = (error: unknown): boolean =>
  error instanceof PembaClientError && error.status === 400 && error.code === 'validation_error';
