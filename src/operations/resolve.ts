/**
 * The way into every query: which store, which model, how fresh. After it, `scopeOf` takes the graph
 * as it is at that moment, and the query runs without another await: one answer, one revision.
 */
import { PembaError } from '../errors.js';
import type { ModelId, Revision, StoreId } from '../ids.js';
import { formatDuration } from '../quantity.js';
import { Budget } from '../query/budget.js';
import type { QueryScope } from '../query/scope.js';
import type { StoreReplica } from '../replica/store-replica.js';
import { admissionProblem } from '../schema/admit.js';
import type { Compiled } from '../schema/attachments.js';
import type { TokenFacts } from '../schema/claims-mapping.js';
import type { Plan } from '../schema/plan.js';
import { formatTupleKey } from '../tuple/tuple.js';
import type { JsonObject, RelationTuple, TupleKey } from '../tuple/tuple.js';
import { layOver, withClaims } from './claims.js';
import { isConsistent, reachConsistency } from './consistency.js';
import type { Consistency } from './consistency.js';
import type { Engine } from './engine.js';
import { propertiesOf } from './properties.js';
import type { AssertedProperties } from './properties.js';

export interface Target {
  readonly storeId: StoreId;
  /** The store's newest when absent. */
  readonly modelId?: ModelId;
  readonly consistency: Consistency;
}

/** What the request brings along besides its question. */
export interface Circumstances {
  readonly contextualTuples: readonly RelationTuple[];
  readonly context: JsonObject;
  /** Where the subject is a token's: what else the token says counts as well. */
  readonly token?: TokenFacts;
  /** Laid over the attributes that are stored. */
  readonly asserted?: AssertedProperties;
  /** Known of the request rather than said in it: that a service acts for the subject. */
  readonly acting?: TupleKey;
}

export interface Resolved extends Compiled {
  readonly replica: StoreReplica;
  readonly modelId: ModelId;
}

const resolvedTo = (replica: StoreReplica, modelId: ModelId, compiled: Compiled): Resolved => ({
  replica,
  ...compiled,
  modelId,
});

/** An answer with what it was computed from. */
export interface Answer<Result> {
  readonly result: Result;
  readonly storeId: StoreId;
  readonly modelId: ModelId;
  readonly revision: Revision;
  readonly consistencyToken: string;
}

/** To be called in the turn in which the result was computed: later the revision is another one. */
export const answerOf = <Result>(
  { storeId }: Target,
  { modelId, replica }: Resolved,
  result: Result,
): Answer<Result> => ({
  storeId,
  modelId,
  revision: replica.revision,
  consistencyToken: replica.consistencyToken,
  result,
});

/** As is the rule: the store is in memory, the plan too, and the replica is fresh enough. */
export function resolveNow(engine: Engine, target: Target): Resolved | undefined {
  const replica = engine.replicas.peek(target.storeId);
  if (replica === undefined || !isConsistent(replica, target.consistency)) return undefined;
  assertFresh(engine, replica);
  const modelId = target.modelId ?? replica.newestModel;
  if (modelId === undefined) throw noModel(target.storeId);
  const compiled = engine.plans.peek(target.storeId, modelId);
  return compiled && resolvedTo(replica, modelId, compiled);
}

export async function resolve(engine: Engine, target: Target): Promise<Resolved> {
  return resolveNow(engine, target) ?? resolveLater(engine, target);
}

/** What the database may have taken back long ago is no answer any more. */
function assertFresh({ clock, config }: Engine, replica: StoreReplica): void {
  const stalenessMs = clock.monotonic() - replica.currentAt;
  if (stalenessMs <= config.maxStalenessMs) return;
  throw new PembaError(
    'unavailable',
    `the database has not been reached for ${Math.round(stalenessMs / 1000)} s, which is more than ` +
      `PEMBA_MAX_STALENESS=${formatDuration(config.maxStalenessMs)}`,
    { facts: { stalenessMs } },
  );
}

async function resolveLater(engine: Engine, target: Target): Promise<Resolved> {
  const replica = await openForModel(engine, target);
  await reachConsistency(engine, replica, target.consistency);
  const modelId = target.modelId ?? replica.newestModel;
  if (modelId === undefined) throw noModel(target.storeId);
  const compiled = await engine.plans.get(target.storeId, modelId);
  return resolvedTo(replica, modelId, compiled);
}

/** As in OpenFGA, an unknown store is one without models. */
async function openForModel(engine: Engine, target: Target): Promise<StoreReplica> {
  try {
    return await engine.replicas.open(target.storeId);
  } catch (error) {
    if (!(error instanceof PembaError && error.code === 'store_not_found')) throw error;
    if (target.modelId === undefined) throw noModel(target.storeId);
    throw new PembaError('model_not_found', `Authorization Model '${target.modelId}' not found`, {
      cause: error,
    });
  }
}

export const noModel = (storeId: StoreId): PembaError =>
  new PembaError('no_model', `No authorization models found for store '${storeId}'`);

export function scopeOf(
  engine: Engine,
  { replica, plan, claims }: Resolved,
  circumstances: Circumstances,
): QueryScope {
  const { config, clock } = engine;
  admitContextual(plan, circumstances.contextualTuples, config.maxContextualTuples);
  const { contextualTuples, context } = withClaims(claims, circumstances, config.maxClaimTuples);
  const binding = replica.binding(plan);
  const limits = {
    maxDepth: config.queryMaxDepth,
    maxSteps: config.queryMaxSteps,
    maxMs: config.queryTimeoutMs,
    maxConditionCost: config.conditionMaxCost,
    maxTreeNodes: config.expandMaxNodes,
  };
  return {
    binding,
    graph: layOver(replica.graph, binding.kinds, { given: circumstances, all: contextualTuples }),
    context,
    propertiesOf: propertiesOf(binding, replica.graph, circumstances.asserted),
    now: clock.now(),
    budget: new Budget(limits, () => clock.monotonic()),
  };
}

function admitContextual(plan: Plan, tuples: readonly RelationTuple[], max: number): void {
  if (tuples.length > max) {
    throw new PembaError(
      'limit_exceeded',
      `The number of contextual tuples exceeds the allowed limit of ${max}`,
      { facts: { field: 'contextual_tuples', max } },
    );
  }
  tuples.forEach((tuple, i) => {
    const problem = admissionProblem(plan, tuple);
    if (problem === undefined) return;
    throw new PembaError(
      'invalid_contextual_tuple',
      `contextual_tuples[${i}]: Invalid tuple '${formatTupleKey(tuple)}'. Reason: ${problem}`,
      { facts: { field: `contextual_tuples[${i}]` } },
    );
  });
}
