/**
 * What another model would change in a store: its differences, the tuples that it would not admit, and
 * whose access changes. It is computed on a graph of its own, read from one snapshot of PostgreSQL:
 * the graph that answers queries moves on between two turns, and an answer of several revisions would
 * be none. The work is cut into slices of a few milliseconds, so that queries are answered between.
 */
import { PembaError } from '../errors.js';
import type { ModelId, Revision, StoreId } from '../ids.js';
import { formatDuration } from '../quantity.js';
import { Budget } from '../query/budget.js';
import { brokenTuples, isOf } from '../query/impact/broken-tuples.js';
import type { BrokenTuples } from '../query/impact/broken-tuples.js';
import { Impact } from '../query/impact/impact.js';
import type { Changed, ImpactEvent, RelationImpact } from '../query/impact/impact.js';
import type { Side } from '../query/impact/joint-plan.js';
import type { QueryScope } from '../query/scope.js';
import { StoreReplica } from '../replica/store-replica.js';
import { classOf } from '../schema/change.js';
import type { Change } from '../schema/change.js';
import { compareModels } from '../schema/compare.js';
import type { Comparison } from '../schema/compare.js';
import { compilePlan } from '../schema/plan.js';
import { assertValidModel } from '../schema/validate.js';
import type { JsonObject } from '../tuple/tuple.js';
import type { Engine } from './engine.js';
import type { ExportSlots } from './export.js';
import { limitsOf } from './models.js';
import type { ModelSource } from './models.js';
import { propertiesOf } from './properties.js';
import { noModel } from './resolve.js';

export interface ImpactRequest {
  readonly storeId: StoreId;
  /** The store's newest when absent. */
  readonly modelId?: ModelId;
  readonly source: Pick<ModelSource, 'model' | 'positions'>;
  /** For conditions. */
  readonly context: JsonObject;
  readonly maxSamples: number;
}

/** A change with the stored tuples that it leaves behind. */
export interface CountedChange extends Change {
  readonly tuples: number;
  readonly samples: readonly string[];
}

export type ImpactPiece =
  | { readonly kind: 'change'; readonly change: CountedChange }
  | { readonly kind: 'implications'; readonly implications: Comparison['implications'] }
  | { readonly kind: 'progress'; readonly done: number; readonly total: number }
  | { readonly kind: 'changed'; readonly changed: Changed }
  | { readonly kind: 'relation'; readonly relation: RelationImpact };

export interface ModelImpact {
  readonly modelId: ModelId;
  readonly revision: Revision;
  readonly consistencyToken: string;
  readonly pieces: AsyncGenerator<ImpactPiece, void, undefined>;
  /** To be called by whoever does not read to the end; else it does no harm. */
  readonly end: () => Promise<void>;
}

/** Other requests wait for so long at the most, but for a single object whose sets take longer. */
const SLICE_MS = 4;
/** How often it is told how far it is. */
const PROGRESS_MS = 250;
/** Of one object in a sample, which is to show several. */
const SAMPLES_OF_OBJECT = 5;
/** Some seconds of checks, where sets do not decide; what is left out is told. */
const MAX_CHECKS = 100_000;
/** The graph takes most; sets that do not fit are made again. */
const SHARE_OF_SETS = 1 / 4;

/** Throws `invalid_model`, `store_not_found`, `no_model`, `model_not_found` and `overloaded`. */
export async function modelImpact(
  engine: Engine,
  request: ImpactRequest,
  slots: ExportSlots,
): Promise<ModelImpact> {
  const { model, positions } = request.source;
  assertValidModel(model, { limits: limitsOf(engine.config), ...(positions && { positions }) });
  const giveBack = slots.take();
  try {
    const { database, clock, config } = engine;
    const maxBytes = config.impactMemory * (1 - SHARE_OF_SETS);
    const replica = await StoreReplica.load(request.storeId, database, clock, maxBytes);
    const modelId = request.modelId ?? replica.newestModel;
    if (modelId === undefined) throw noModel(request.storeId);
    const { plan } = await engine.plans.get(request.storeId, modelId);
    const run = new Run(engine, request, replica, {
      before: plan,
      after: compilePlan(model),
    });
    const pieces = sliced(engine, run, giveBack);
    const end = async (): Promise<void> => {
      giveBack();
      await pieces.return();
    };
    const { revision, consistencyToken } = replica;
    return { modelId, revision, consistencyToken, pieces, end };
  } catch (error) {
    giveBack();
    throw error;
  }
}

type Step = ImpactPiece | { readonly kind: 'step'; readonly done: number } | undefined;

/** Rests between slices, and tells how far it is. */
async function* sliced(
  { clock, config }: Engine,
  run: Run,
  giveBack: () => void,
): AsyncGenerator<ImpactPiece, void, undefined> {
  const deadline = clock.monotonic() + config.snapshotTimeoutMs;
  let sliceEnd = clock.monotonic() + SLICE_MS;
  let nextProgress = 0;
  try {
    for (const step of run.steps()) {
      if (step !== undefined && step.kind !== 'step') yield step;
      const now = clock.monotonic();
      if (now < sliceEnd) continue;
      if (now > deadline) throw tooSlow(config.snapshotTimeoutMs);
      if (step?.kind === 'step' && now >= nextProgress) {
        nextProgress = now + PROGRESS_MS;
        yield { kind: 'progress', done: step.done, total: run.total };
      }
      await new Promise(setImmediate);
      sliceEnd = clock.monotonic() + SLICE_MS;
    }
  } finally {
    giveBack();
  }
}

const tooSlow = (ms: number): PembaError =>
  new PembaError(
    'query_deadline',
    `the impact was not found within PEMBA_SNAPSHOT_TIMEOUT=${formatDuration(ms)}`,
  );

class Run {
  readonly #impact: Impact;
  readonly #scopes: Readonly<Record<Side, QueryScope>>;
  readonly #comparison: Comparison;
  readonly #maxSamples: number;

  constructor(
    engine: Engine,
    { context, maxSamples }: ImpactRequest,
    replica: StoreReplica,
    plans: Readonly<Record<Side, QueryScope['binding']['plan']>>,
  ) {
    const { clock, config } = engine;
    const { graph } = replica;
    const bindings = { before: replica.binding(plans.before), after: replica.binding(plans.after) };
    const now = clock.now();
    const limits = {
      maxDepth: config.queryMaxDepth,
      maxSteps: config.queryMaxSteps,
      maxMs: config.queryTimeoutMs,
      maxConditionCost: config.conditionMaxCost,
      maxTreeNodes: config.expandMaxNodes,
    };
    const scope = (side: Side, given: typeof limits): QueryScope => ({
      binding: bindings[side],
      graph,
      context,
      propertiesOf: propertiesOf(bindings[side], graph),
      now,
      budget: new Budget(given, () => clock.monotonic()),
    });
    // As a whole it is bounded by its time; each check has what any check has.
    const unbounded = { ...limits, maxSteps: Infinity, maxMs: Infinity };
    this.#scopes = { before: scope('before', unbounded), after: scope('after', unbounded) };
    this.#comparison = compareModels(plans.before.model, plans.after.model);
    this.#maxSamples = maxSamples;
    this.#impact = new Impact(this.#scopes, (side) => scope(side, limits), {
      maxSamples,
      maxSamplesOfObject: SAMPLES_OF_OBJECT,
      maxChecks: MAX_CHECKS,
      maxSetBytes: config.impactMemory * SHARE_OF_SETS,
    });
  }

  get total(): number {
    return this.#impact.total;
  }

  *steps(): Generator<Step, void, undefined> {
    const { changes, implications } = this.#comparison;
    const isBreaking = changes.some(({ breaks }) => breaks !== undefined);
    const broken = isBreaking
      ? yield* brokenTuples(this.#scopes, this.#impact.population, this.#maxSamples)
      : [];
    for (const change of changes) {
      yield { kind: 'change', change: counted(change, broken, this.#maxSamples) };
    }
    yield { kind: 'implications', implications };
    for (const event of this.#impact.run()) yield pieceOf(event);
  }
}

/** On this store's tuples: what leaves none behind breaks nothing. */
function counted(
  change: Change,
  broken: readonly BrokenTuples[],
  maxSamples: number,
): CountedChange {
  const { breaks } = change;
  const own = breaks === undefined ? [] : broken.filter((each) => isOf(breaks, each));
  const tuples = own.reduce((sum, { count }) => sum + count, 0);
  const samples = own.flatMap((each) => each.samples).slice(0, maxSamples);
  const isBroken = breaks !== undefined && tuples > 0;
  const found = isBroken ? change.class : classOf({ effect: change.effect });
  return { ...change, class: found, tuples, samples };
}

function pieceOf(event: ImpactEvent): Exclude<Step, undefined> {
  switch (event.kind) {
    case 'step':
      return event;
    case 'changed':
      return { kind: 'changed', changed: event };
    case 'relation':
      return { kind: 'relation', relation: event };
  }
}
