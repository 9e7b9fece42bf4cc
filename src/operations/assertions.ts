import { PembaError, invalidRequest } from '../errors.js';
import type { ModelId, StoreId } from '../ids.js';
import { namesProblem } from '../schema/admit.js';
import type { Deed } from '../storage/audit-chain.js';
import { appendDeeds } from '../storage/audit.js';
import { findAssertions, replaceAssertions } from '../storage/assertions.js';
import type { JsonObject, RelationTuple, TupleKey } from '../tuple/tuple.js';
import type { Engine } from './engine.js';
import { headOfStore } from './head.js';

export interface Assertion {
  readonly key: TupleKey;
  readonly expectation: boolean;
  readonly contextualTuples: readonly RelationTuple[];
  readonly context: JsonObject | undefined;
}

export interface AssertionsWrite {
  readonly assertions: readonly Assertion[];
  /** What is kept and given back. */
  readonly body: unknown;
  readonly deed?: Deed;
}

/** Replaces all of the model's assertions. */
export async function writeAssertions(
  engine: Engine,
  storeId: StoreId,
  modelId: ModelId,
  { assertions, body, deed }: AssertionsWrite,
): Promise<void> {
  const { maxAssertions, maxAssertionsBytes } = engine.config;
  if (assertions.length > maxAssertions) {
    throw new PembaError(
      'too_many_assertions',
      `assertions: value must contain no more than ${maxAssertions} item(s)`,
      { facts: { field: 'assertions', max: maxAssertions } },
    );
  }
  const size = Buffer.byteLength(JSON.stringify(body));
  if (size > maxAssertionsBytes) {
    throw new PembaError(
      'limit_exceeded',
      `The size of the assertions exceeds the allowed limit of ${maxAssertionsBytes} bytes`,
      { facts: { field: 'assertions', max: maxAssertionsBytes } },
    );
  }
  await headOfStore(engine, storeId);
  const { plan } = await engine.plans.get(storeId, modelId);
  assertions.forEach(({ key }, i) => {
    const problem = namesProblem(plan, key);
    if (problem !== undefined) throw invalidRequest(`assertions[${i}].tuple_key`, problem);
  });
  const now = new Date(engine.clock.now());
  await engine.database.transaction(async (session) => {
    await replaceAssertions(session, storeId, modelId, body);
    if (deed === undefined) return;
    const details = { ...deed.details, model_id: modelId, assertions: assertions.length };
    await appendDeeds(session, storeId, [{ ...deed, details }], now);
  });
}

/** As they were written; undefined when none ever were. */
export async function readAssertions(
  engine: Engine,
  storeId: StoreId,
  modelId: ModelId,
): Promise<unknown> {
  await headOfStore(engine, storeId);
  await engine.plans.get(storeId, modelId);
  return findAssertions(engine.database, storeId, modelId);
}
