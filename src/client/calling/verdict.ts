/** What a batch says of one of its items. */
import type { Answer } from './answer.js';
import { PembaClientError, requestIdOf } from './client-error.js';

/** `allowed` is undefined where there is an error: nothing that is not a plain true is an allow. */
export type BatchVerdict =
  | { readonly allowed: boolean; readonly error?: undefined }
  | { readonly allowed?: undefined; readonly error: PembaClientError };

export function verdictOf(batch: Answer, correlationId: string): BatchVerdict {
  const item = batch.member('result').member(correlationId);
  const error = itemErrorOf(item);
  return error === undefined ? { allowed: item.boolean('allowed') } : { error };
}

/** Of an item that failed alone: its code says whether the question was wrong or the server failed. */
export function itemErrorOf(item: Answer): PembaClientError | undefined {
  if (!item.has('error')) return undefined;
  const error = item.member('error');
  const isInput = error.has('input_error');
  return new PembaClientError(
    error.string(isInput ? 'input_error' : 'internal_error'),
    error.string('message'),
    { status: isInput ? 400 : 500, requestId: requestIdOf(item.headers) },
  );
}
