import { PembaError } from '../errors.js';
import { check as checkGraph } from '../query/check.js';
import { namesProblem } from '../schema/admit.js';
import type { Plan } from '../schema/plan.js';
import type { TupleKey } from '../tuple/tuple.js';
import { admitBatch, attemptEach } from './batch.js';
import type { BatchItem } from './batch.js';
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

export interface BatchRequest extends Target {
  readonly items: readonly BatchItem<BatchQuestion>[];
}

export type BatchVerdict = { readonly allowed: boolean } | { readonly error: PembaError };

/** All items are answered at one revision; an item that fails does not fail the others. */
export async function batchCheck(
  engine: Engine,
  request: BatchRequest,
): Promise<Answer<ReadonlyMap<string, BatchVerdict>>> {
  admitBatch(request.items, engine.config.maxBatchChecks);
  const resolved = await resolve(engine, request);
  return answerOf(
    request,
    resolved,
    attemptEach(request.items, (question): BatchVerdict => ({
      allowed: judge(engine, resolved, question),
    })),
  );
}

function judge(engine: Engine, resolved: Resolved, question: BatchQuestion): boolean {
  const { key } = question;
  admitKey(resolved.plan, key);
  return checkGraph(scopeOf(engine, resolved, question), key);
}

/** Throws where the model does not know what is asked about. */
export function admitKey(plan: Plan, key: TupleKey): void {
  const problem = namesProblem(plan, key);
  if (problem === undefined) return;
  throw new PembaError('invalid_request', `tuple_key: ${problem}`, {
    facts: { field: 'tuple_key' },
  });
}
