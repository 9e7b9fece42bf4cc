import { PembaError, invalidRequest } from '../errors.js';
import type { ModelId, StoreId } from '../ids.js';
import { namesProblem } from '../schema/admit.js';
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

/** Replaces all of the model's assertions. `body` is what is kept and given back. */
export async function writeAssertions(
  engine: Engine,
  storeId: StoreId,
  modelId: ModelId,
  { assertions, body }: { readonly assertions: readonly Assertion[]; readonly body: unknown },
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
  await replaceAssertions(engine.database, storeId, modelId, body);
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
