/** The real engine, plugged into the harness: graph, plan and queries, without any I/O. */
import { PembaError } from '../../src/errors.js';
import { OverlayGraph } from '../../src/graph/overlay.js';
import { ResidentGraph } from '../../src/graph/resident.js';
import { asRevision } from '../../src/ids.js';
import { propertiesOf } from '../../src/operations/properties.js';
import { Binding } from '../../src/query/binding.js';
import { Budget } from '../../src/query/budget.js';
import { check } from '../../src/query/check.js';
import { expand } from '../../src/query/expand.js';
import type { UsersetTree } from '../../src/query/expand.js';
import { listObjects } from '../../src/query/list-objects.js';
import { listUsers } from '../../src/query/list-users.js';
import type { Page, PageRequest } from '../../src/query/page.js';
import type { QueryScope } from '../../src/query/scope.js';
import type { Model } from '../../src/schema/model.js';
import { compilePlan } from '../../src/schema/plan.js';
import type { Plan } from '../../src/schema/plan.js';
import type { StoreChange } from '../../src/tuple/attributes.js';
import type {
  CheckQuery,
  Engine,
  EngineFactory,
  ExpandQuery,
  ExpandTree,
  ListObjectsQuery,
  ListUsersQuery,
  ListedObjects,
  ListedUsers,
  Surroundings,
  Verdict,
  World,
} from './engine.js';

/** Wide enough for every generated world: running into one is a disagreement. */
const LIMITS = {
  maxDepth: 200,
  maxSteps: 2_000_000,
  maxMs: 60_000,
  maxConditionCost: 10_000,
  maxTreeNodes: 10_000,
};

/** Small, so that most lists take several pages. */
const PAGE_LIMIT = 3;

/** Some usersets are opened by the tree itself, the rest by the harness asking again. */
const EXPAND_DEPTH = 3;

/**
 * Of one graph, like the models of one store: it numbered its kinds of edges under an earlier model;
 * one binding stays and keeps what it derives from the graph right by itself, the other is made anew
 * at every change, as if the model had been written again.
 */
class PembaEngine implements Engine {
  readonly #now: number;
  readonly #plan: Plan;
  readonly #graph = new ResidentGraph(asRevision(0));
  readonly #lasting: Binding;
  #latest: Binding;
  #asked = 0;

  constructor({ model, now }: World) {
    this.#now = now;
    this.#plan = compilePlan(model);
    const { kinds } = this.#graph;
    new Binding(compilePlan(earlier(model)), kinds);
    this.#lasting = new Binding(this.#plan, kinds);
    this.#latest = this.#lasting;
  }

  apply(changes: readonly StoreChange[]): void {
    this.#graph.apply(asRevision(this.#graph.revision + 1), changes);
    this.#latest = new Binding(this.#plan, this.#graph.kinds);
  }

  check(query: CheckQuery): Verdict {
    return verdictOf(() => check(this.#scope(query), query));
  }

  batch(queries: readonly CheckQuery[]): readonly Verdict[] {
    return queries.map((query) => this.check(query));
  }

  listObjects(query: ListObjectsQuery): ListedObjects {
    return attempt(() => ({
      objects: allPages((page) => listObjects(this.#scope(query), query, page)).map(
        (id) => `${query.type}:${id}`,
      ),
    }));
  }

  listUsers({ filter, ...query }: ListUsersQuery): ListedUsers {
    const question = { ...query, form: filter };
    return attempt(() => ({
      users: allPages((page) => listUsers(this.#scope(query), question, page)),
    }));
  }

  expand(query: ExpandQuery): ExpandTree {
    const scope = this.#scope({ context: {}, contextualTuples: [] });
    return treeOf(expand(scope, { ...query, maxDepth: EXPAND_DEPTH }).root);
  }

  #scope({ context, contextualTuples }: Surroundings): QueryScope {
    const { kinds } = this.#graph;
    const binding = this.#asked++ % 2 === 0 ? this.#lasting : this.#latest;
    return {
      binding,
      graph:
        contextualTuples.length === 0
          ? this.#graph
          : new OverlayGraph(this.#graph, kinds, contextualTuples),
      context,
      propertiesOf: propertiesOf(binding, this.#graph),
      now: this.#now,
      budget: new Budget(LIMITS, () => performance.now()),
    };
  }
}

/** The same types and relations, numbered the other way round. */
function earlier(model: Model): Model {
  const types = [...model.types].reverse().map(([name, type]) => {
    const relations = new Map([...type.relations].reverse());
    return [name, { ...type, relations }] as const;
  });
  return { ...model, types: new Map(types) };
}

function verdictOf(ask: () => boolean): Verdict {
  const answer = attempt(() => ({ kind: ask() ? ('true' as const) : ('false' as const) }));
  return 'error' in answer ? { kind: 'error', code: answer.error } : answer;
}

function attempt<Answer>(ask: () => Answer): Answer | { readonly error: string } {
  try {
    return ask();
  } catch (error) {
    if (error instanceof PembaError) return { error: error.code };
    throw error;
  }
}

function allPages(ask: (page: PageRequest) => Page): string[] {
  const names: string[] = [];
  let page = ask({ limit: PAGE_LIMIT });
  names.push(...page.names);
  while (page.next !== undefined) {
    page = ask({ limit: PAGE_LIMIT, after: page.next });
    names.push(...page.names);
  }
  return names;
}

function treeOf(tree: UsersetTree): ExpandTree {
  switch (tree.kind) {
    case 'subjects': {
      const opened = tree.opened ?? [];
      const names = new Set(opened.map(({ name }) => name));
      return {
        kind: 'union',
        operands: [
          { kind: 'leaf', users: tree.subjects.filter((subject) => !names.has(subject)) },
          ...opened.map(usersetOf),
        ],
      };
    }
    case 'computed':
      return { kind: 'union', operands: (tree.opened ?? []).map(usersetOf) };
    case 'from':
      return { kind: 'union', operands: (tree.opened ?? []).map(usersetOf) };
    case 'union':
    case 'intersection':
      return { kind: tree.kind, operands: tree.nodes.map(treeOf) };
    case 'difference':
      return { kind: 'difference', base: treeOf(tree.base), subtract: treeOf(tree.subtract) };
    case 'cycle':
    case 'truncated':
      return { kind: 'userset', userset: tree.name };
  }
}

const usersetOf = (tree: UsersetTree): ExpandTree =>
  tree.kind === 'cycle' || tree.kind === 'truncated'
    ? { kind: 'userset', userset: tree.name }
    : { kind: 'userset', userset: tree.name, tree: treeOf(tree) };

export const makeEngine: EngineFactory = (world) => new PembaEngine(world);
