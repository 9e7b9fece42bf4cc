/** A graph and a plan to ask about, without anything round them. */
import { OverlayGraph } from '../../src/graph/overlay.js';
import { ResidentGraph } from '../../src/graph/resident.js';
import { asRevision } from '../../src/ids.js';
import { propertiesOf } from '../../src/operations/properties.js';
import type { AssertedProperties } from '../../src/operations/properties.js';
import { Binding } from '../../src/query/binding.js';
import { Budget } from '../../src/query/budget.js';
import type { QueryLimits } from '../../src/query/budget.js';
import type { QueryScope } from '../../src/query/scope.js';
import { modelFromDsl } from '../../src/schema/dsl.js';
import { compilePlan } from '../../src/schema/plan.js';
import type { Plan } from '../../src/schema/plan.js';
import { parseTupleKey } from '../../src/tuple/tuple.js';
import type { StoreChange } from '../../src/tuple/attributes.js';
import type { JsonObject, RelationTuple, TupleKey } from '../../src/tuple/tuple.js';

const LIMITS: QueryLimits = {
  maxDepth: 200,
  maxSteps: 2_000_000,
  maxMs: 60_000,
  maxConditionCost: 10_000,
  maxTreeNodes: 10_000,
};

export interface At {
  readonly context?: JsonObject;
  readonly contextualTuples?: readonly RelationTuple[];
  readonly conditionsHold?: boolean;
  readonly asserted?: AssertedProperties;
  readonly limits?: Partial<QueryLimits>;
}

export class SmallStore {
  readonly binding: Binding;
  readonly #graph = new ResidentGraph(asRevision(0));
  readonly #now: number;

  constructor(plan: Plan, tuples: Iterable<RelationTuple>, now = 0) {
    this.#now = now;
    this.binding = new Binding(plan, this.#graph.kinds);
    this.apply([...tuples].map((each) => ({ operation: 'write', tuple: each })));
  }

  apply(changes: readonly StoreChange[]): void {
    this.#graph.apply(asRevision(this.#graph.revision + 1), changes);
  }

  scope({ context = {}, contextualTuples = [], asserted, ...at }: At = {}): QueryScope {
    const { kinds } = this.#graph;
    return {
      binding: this.binding,
      graph:
        contextualTuples.length === 0
          ? this.#graph
          : new OverlayGraph(this.#graph, kinds, contextualTuples),
      context,
      propertiesOf: propertiesOf(this.binding, this.#graph, asserted),
      now: this.#now,
      budget: new Budget({ ...LIMITS, ...at.limits }, () => performance.now()),
      ...(at.conditionsHold !== undefined && { conditionsHold: at.conditionsHold }),
    };
  }
}

/** `types` is a model in the DSL below its first lines and the type user. */
export function storeOf(types: string, tuples: readonly string[], now = 0): SmallStore {
  const { model } = modelFromDsl(`model\n  schema 1.1\ntype user\n${types}`);
  return new SmallStore(compilePlan(model), tuples.map(tuple), now);
}

export function key(text: string): TupleKey {
  const parsed = parseTupleKey(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

/** `object#relation@subject`, then `with` and a condition, or `until` and an instant. */
export function tuple(text: string): RelationTuple {
  const [plain = '', word, value = '', context = '{}'] = text.split(' ');
  switch (word) {
    case undefined:
      return key(plain);
    case 'with':
      return {
        ...key(plain),
        condition: { name: value, context: JSON.parse(context) as JsonObject },
      };
    case 'until':
      return { ...key(plain), expiresAt: Number(value) };
    default:
      throw new Error(text);
  }
}
