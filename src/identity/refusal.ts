import { PembaError } from '../errors.js';

/**
 * Nobody who is refused is told why: it would tell a guesser how near the guess was. The rule that
 * was broken is for the log.
 */
export const refused = (rule: string, cause?: unknown): PembaError =>
  new PembaError('unauthenticated', 'the credentials are not valid', {
    facts: { rule },
    ...(cause !== undefined && { cause }),
  });

export const missingCredentials = (): PembaError =>
  new PembaError('unauthenticated', 'missing bearer token', { facts: { rule: 'missing' } });
