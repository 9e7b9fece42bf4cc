import { PembaError } from '../errors.js';
import { check as checkGraph } from '../query/check.js';
import { namesProblem } from '../schema/admit.js';
import type { TupleKey } from '../tuple/tuple.js';
import type { Engine } from './engine.js';
import { answerOf, resolve, resolveNow, scopeOf } from './resolve.js';
import type { Answer, Circumstances, Resolved, Target } from './resolve.js';

export interface CheckRequest extends Target, Circumstances {
  readonly key: TupleKey;
}

export async function check(engine: Engine, request: CheckRequest): Promise<Answer<boolean>> {
  return answer(engine, await resolve(engine, request), request);
}

/** The answer, unless something has to be waited for: then undefined, and `check` waits. */
export function checkNow(engine: Engine, request: CheckRequest): Answer<boolean> | undefined {
  const resolved = resolveNow(engine, request);
  return resolved && answer(engine, resolved, request);
}

const answer = (engine: Engine, resolved: Resolved, request: CheckRequest): Answer<boolean> =>
  answerOf(request, resolved, judge(engine, resolved, request));

export interface BatchQuestion extends Circumstances {
  readonly key: TupleKey;
}

export interface BatchItem {
  readonly correlationId: string;
  /** An error where the item could not be read: it fails alone, too. */
  readonly question: BatchQuestion | PembaError;
}

export interface BatchRequest extends Target {
  readonly items: readonly BatchItem[];
}

export type BatchVerdict = { readonly allowed: boolean } | { readonly error: PembaError };

/** All items are answered at one revision; an item that fails does not fail the others. */
export async function batchCheck(
  engine: Engine,
  request: BatchRequest,
): Promise<Answer<ReadonlyMap<string, BatchVerdict>>> {
  admitBatch(request.items, engine.config.maxBatchChecks);
  const resolved = await resolve(engine, request);
  const verdicts = new Map<string, BatchVerdict>();
  for (const item of request.items) {
    verdicts.set(item.correlationId, attempt(engine, resolved, item.question));
  }
  return answerOf(request, resolved, verdicts);
}

function attempt(
  engine: Engine,
  resolved: Resolved,
  question: BatchQuestion | PembaError,
): BatchVerdict {
  if (question instanceof PembaError) return { error: question };
  try {
    return { allowed: judge(engine, resolved, question) };
  } catch (error) {
    if (error instanceof PembaError) return { error };
    throw error;
  }
}

function judge(engine: Engine, resolved: Resolved, question: BatchQuestion): boolean {
  const { key } = question;
  const problem = namesProblem(resolved.plan, key);
  if (problem !== undefined) {
    throw new PembaError('invalid_request', `tuple_key: ${problem}`, {
      facts: { field: 'tuple_key' },
    });
  }
  return checkGraph(scopeOf(engine, resolved, question), key);
}

function admitBatch(items: readonly BatchItem[], max: number): void {
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
