import { PembaError } from '../errors.js';

/** One answer for all: who is unknown, whose secret is wrong, who brings nothing. The log has why. */
export const clientRefused = (rule: string, cause?: unknown): PembaError =>
  new PembaError('invalid_client', 'client authentication failed', {
    facts: { rule },
    ...(cause !== undefined && { cause }),
  });

/** Of a refusal of a key or a token; any other error is what it was. */
export function asClientRefusal(error: unknown): unknown {
  if (!(error instanceof PembaError) || error.code !== 'unauthenticated') return error;
  const { rule } = error.facts;
  return clientRefused(typeof rule === 'string' ? rule : 'credentials', error);
}
