import { PembaError } from '../errors.js';
import type { ModelId, Revision, StoreId } from '../ids.js';
import { actingForProblem } from '../tuple/delegation.js';
import { admissionProblem } from '../schema/admit.js';
import { moduleOf } from '../schema/model.js';
import type { Plan } from '../schema/plan.js';
import type { WriteRequest } from '../storage/write-ledger.js';
import { formatObject, formatSubject, formatTupleKey } from '../tuple/tuple.js';
import type { RelationTuple, TupleKey } from '../tuple/tuple.js';
import type { Engine } from './engine.js';
import { resolve } from './resolve.js';
import type { Resolved } from './resolve.js';

export interface WriteCommand extends WriteRequest {
  readonly storeId: StoreId;
  readonly modelId?: ModelId;
  /** Only tuples of relations that these modules define; anything when absent. */
  readonly modules?: ReadonlySet<string>;
}

export interface Written {
  readonly storeId: StoreId;
  readonly modelId: ModelId;
  readonly consistencyToken: string;
}

/** All of it or nothing. When it resolves, this process already answers with it. */
export async function write(engine: Engine, command: WriteCommand): Promise<Written> {
  const { storeId, modelId, modules, ...request } = command;
  const resolved = await resolve(engine, {
    storeId,
    ...(modelId !== undefined && { modelId }),
    consistency: { kind: 'minimize_latency' },
  });
  const { replica, plan } = resolved;
  admit(engine, plan, request);
  if (modules !== undefined) {
    const owners = await planOfOwners(engine, storeId, resolved);
    for (const key of [...request.writes, ...request.deletes]) {
      const problem = scopeProblem(owners, key, modules);
      if (problem !== undefined) throw new PembaError('forbidden', problem);
    }
  }
  const revision = await submit(engine, storeId, request);
  return { storeId, modelId: resolved.modelId, consistencyToken: replica.tokens.of(revision) };
}

/** Whose a relation is, the newest model says, whichever one a request names. */
export async function planOfOwners(
  engine: Engine,
  storeId: StoreId,
  { replica, plan, modelId }: Resolved,
): Promise<Plan> {
  const { newestModel } = replica;
  if (newestModel === undefined || newestModel === modelId) return plan;
  return (await engine.plans.get(storeId, newestModel)).plan;
}

/** Writes what needs no admission, such as deletes that the service itself asks for. */
export async function submit(
  engine: Engine,
  storeId: StoreId,
  request: WriteRequest,
): Promise<Revision> {
  const outcome = await engine.writes.submit(storeId, request);
  if (outcome.kind === 'refused') throw outcome.error;
  await engine.replicas.peek(storeId)?.applyOwn(outcome.revision, outcome.changes);
  return outcome.revision;
}

function admit(engine: Engine, plan: Plan, { writes, deletes }: WriteRequest): void {
  const { maxTuplesPerWrite } = engine.config;
  if (writes.length + deletes.length === 0) {
    throw new PembaError(
      'empty_write',
      'Invalid input. Make sure you provide at least one write, or at least one delete',
    );
  }
  writes.forEach((tuple, i) => {
    const problem = tupleProblem(engine, plan, tuple);
    if (problem === undefined) return;
    throw new PembaError(
      'invalid_tuple',
      `writes.tuple_keys[${i}]: Invalid tuple '${formatTupleKey(tuple)}'. Reason: ${problem}`,
      { facts: { field: `writes.tuple_keys[${i}]` } },
    );
  });
  const seen = new Set<string>();
  for (const key of [...writes, ...deletes]) {
    const name = formatTupleKey(key);
    if (seen.has(name)) {
      throw new PembaError(
        'duplicate_tuple',
        `duplicate tuple in write: user: '${formatSubject(key.subject)}', ` +
          `relation: '${key.relation}', object: '${formatObject(key.object)}'`,
        { facts: { tuple: name } },
      );
    }
    seen.add(name);
  }
  if (writes.length + deletes.length > maxTuplesPerWrite) {
    throw new PembaError(
      'limit_exceeded',
      `The number of write operations exceeds the allowed limit of ${maxTuplesPerWrite}`,
      { facts: { max: maxTuplesPerWrite } },
    );
  }
}

/** For writers of some modules only: why they may not write the tuple. */
export function scopeProblem(
  plan: Plan,
  key: TupleKey,
  modules: ReadonlySet<string>,
): string | undefined {
  const module = moduleOf(plan.model, key.object.type, key.relation);
  if (module !== undefined && modules.has(module)) return undefined;
  const owner = module === undefined ? 'belongs to no module' : `belongs to the module ${module}`;
  return (
    `the caller may write the relations of ${[...modules].sort().join(', ')}: ` +
    `'${key.object.type}#${key.relation}' ${owner}`
  );
}

/** What is wrong with a tuple that is to be stored, in one sentence; undefined if nothing. */
export const tupleProblem = (
  engine: Engine,
  plan: Plan,
  tuple: RelationTuple,
): string | undefined =>
  admissionProblem(plan, tuple) ?? actingForProblem(tuple) ?? valuesProblem(engine, tuple);

function valuesProblem(engine: Engine, tuple: RelationTuple): string | undefined {
  if (tuple.expiresAt !== undefined && tuple.expiresAt <= engine.clock.now()) {
    return 'expires_at is not in the future';
  }
  return contextProblem(engine, tuple);
}

/** Of a condition's values: why they are too much to be stored. */
export function contextProblem(engine: Engine, tuple: RelationTuple): string | undefined {
  const max = engine.config.maxTupleContextBytes;
  const size =
    tuple.condition === undefined ? 0 : Buffer.byteLength(JSON.stringify(tuple.condition.context));
  return size > max
    ? `condition context size limit exceeded: ${size} bytes exceeds ${max}`
    : undefined;
}
