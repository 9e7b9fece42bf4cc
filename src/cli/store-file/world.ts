/**
 * The store that a store file describes, in this process: its tuples in a graph, its model a plan, and
 * the queries that a server runs, under the limits of a server that nobody configured.
 */
import { OverlayGraph } from '../../graph/overlay.js';
import type { GraphReader } from '../../graph/reader.js';
import { ResidentGraph } from '../../graph/resident.js';
import { asRevision } from '../../ids.js';
import { propertiesOf } from '../../operations/properties.js';
import { Binding } from '../../query/binding.js';
import { Budget } from '../../query/budget.js';
import type { QueryLimits } from '../../query/budget.js';
import type { QueryScope } from '../../query/scope.js';
import { admissionProblem } from '../../schema/admit.js';
import { DEFAULT_MODEL_LIMITS } from '../../schema/limits.js';
import { compilePlan } from '../../schema/plan.js';
import type { Plan } from '../../schema/plan.js';
import { formatProblem } from '../../schema/problem.js';
import { validateModel } from '../../schema/validate.js';
import { actingForProblem } from '../../tuple/delegation.js';
import { formatTupleKey } from '../../tuple/tuple.js';
import type { JsonObject, RelationTuple } from '../../tuple/tuple.js';
import type { PlacedTuple, StoreFile, StoreTest } from './store-file.js';
import { formatPlace } from './yaml-item.js';

/** The defaults of the service's settings. */
export const LIMITS: QueryLimits = {
  maxDepth: 25,
  maxSteps: 10_000_000,
  maxMs: 3000,
  maxConditionCost: 10_000,
  maxTreeNodes: 10_000,
};

export class World {
  readonly plan: Plan;
  /** What keeps the file from being a store, in words that name the place. */
  readonly problems: readonly string[];
  readonly #graph = new ResidentGraph(asRevision(0));
  readonly #binding: Binding;
  readonly #clock: () => number;

  /** `clock` is monotonic. Throws `invalid_model`; see `modelProblems`. */
  constructor(file: StoreFile, clock: () => number) {
    this.plan = compilePlan(file.schema.model);
    this.#clock = clock;
    for (const { tuple } of file.tuples) this.#graph.load(tuple);
    for (const { entity, attributes } of file.attributes) {
      this.#graph.loadAttributes(entity, attributes);
    }
    this.#binding = new Binding(this.plan, this.#graph.kinds);
    this.problems = [
      ...file.tuples.flatMap((placed) => this.#problemOf(placed, actingForProblem(placed.tuple))),
      ...file.tests.flatMap(({ tuples }) => tuples.flatMap((placed) => this.#problemOf(placed))),
    ];
  }

  /** What a test's questions are asked of; each takes a scope of its own. */
  of({ tuples }: Pick<StoreTest, 'tuples'>, now: number): Situation {
    const own = tuples.map(({ tuple }) => tuple);
    return new Situation(this, this.laidOver(this.#graph, own), now);
  }

  laidOver(graph: GraphReader, tuples: readonly RelationTuple[]): GraphReader {
    return tuples.length === 0 ? graph : new OverlayGraph(graph, this.#graph.kinds, tuples);
  }

  scope(graph: GraphReader, context: JsonObject, now: number): QueryScope {
    return {
      binding: this.#binding,
      graph,
      context,
      propertiesOf: propertiesOf(this.#binding, this.#graph),
      now,
      budget: new Budget(LIMITS, this.#clock),
    };
  }

  #problemOf({ tuple, place }: PlacedTuple, own?: string): readonly string[] {
    const problem = own ?? admissionProblem(this.plan, tuple);
    if (problem === undefined) return [];
    return [`${formatPlace(place)}: ${formatTupleKey(tuple)}: ${problem}`];
  }
}

/** A store with the tuples of one test over it, at one instant. */
export class Situation {
  readonly world: World;
  readonly now: number;
  readonly #graph: GraphReader;

  constructor(world: World, graph: GraphReader, now: number) {
    this.world = world;
    this.now = now;
    this.#graph = graph;
  }

  scope(context: JsonObject, more: readonly RelationTuple[] = []): QueryScope {
    return this.world.scope(this.world.laidOver(this.#graph, more), context, this.now);
  }
}

/** Of a model that no server would take. */
export function modelProblems({ schema, modelPath }: StoreFile): readonly string[] {
  const { model, positions } = schema;
  return validateModel(model, { limits: DEFAULT_MODEL_LIMITS, positions }).map(
    (problem) => `${modelPath}: ${formatProblem(problem)}`,
  );
}
