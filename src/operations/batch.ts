/** Many questions in one request: how many there may be, and that one which fails fails alone. */
import { PembaError } from '../errors.js';

export interface BatchItem<Question> {
  readonly correlationId: string;
  /** An error where the item could not be read. */
  readonly question: Question | PembaError;
}

/** By correlation id, all in one turn. */
export function attemptEach<Question, Verdict>(
  items: readonly BatchItem<Question>[],
  judge: (question: Question) => Verdict,
): ReadonlyMap<string, Verdict | { readonly error: PembaError }> {
  const verdicts = new Map<string, Verdict | { readonly error: PembaError }>();
  for (const { correlationId, question } of items) {
    verdicts.set(correlationId, attempt(question, judge));
  }
  return verdicts;
}

function attempt<Question, Verdict>(
  question: Question | PembaError,
  judge: (question: Question) => Verdict,
): Verdict | { readonly error: PembaError } {
  if (question instanceof PembaError) return { error: question };
  try {
    return judge(question);
  } catch (error) {
    if (error instanceof PembaError) return { error };
    throw error;
  }
}

export function admitBatch(items: readonly BatchItem<unknown>[], max: number): void {
  if (items.length === 0) {
    throw new PembaError(
      'invalid_request',
      'batch check requires at least one check to evaluate, no checks were received',
    );
  }
  if (items.length > max) {
    throw new PembaError(
      'invalid_request',
      `batchCheck received ${items.length} checks, the maximum allowed is ${max}`,
      { facts: { field: 'checks', max } },
    );
  }
  const seen = new Set<string>();
  for (const { correlationId } of items) {
    if (seen.has(correlationId)) {
      throw new PembaError(
        'invalid_request',
        `received duplicate correlation id: ${correlationId}`,
        { facts: { field: 'correlation_id' } },
      );
    }
    seen.add(correlationId);
  }
}
