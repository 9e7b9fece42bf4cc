import { PembaClientError } from '../../src/client/client.js';

/** The error that a call ends with; fails when it does not. */
export async function failureOf(call: Promise<unknown>): Promise<PembaClientError> {
  const outcome = await call.then(
    () => 'it did not fail',
    (error: unknown) => error,
  );
  if (outcome instanceof PembaClientError) return outcome;
  throw new Error('no PembaClientError', { cause: outcome });
}
