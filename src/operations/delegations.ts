/**
 * What each service of a store can cause for users: the implications of a model joined with the
 * ceilings that are stored. A ceiling without an implication lets the service do what the user may do
 * anyway; an implication without a ceiling is no service's.
 *
 * Ceilings come from the database, which lists them. How many objects name a service is counted in the
 * graph, as it is then.
 */
import { NodeList } from '../graph/reader.js';
import type { ModelId, StoreId } from '../ids.js';
import { delegationProblems } from '../schema/delegation-problems.js';
import type { DelegationProblem } from '../schema/delegation-problems.js';
import { ACTING_FOR, ACTOR, THROUGH, scopeIdOf } from '../tuple/delegation.js';
import { implicationsOf } from '../schema/implications.js';
import type { Implication } from '../schema/implications.js';
import type { Plan, PlanRelation } from '../schema/plan.js';
import { readTuples } from '../storage/read-tuples.js';
import { formatSubject, formatTupleKey } from '../tuple/tuple.js';
import type { RelationTuple, Subject } from '../tuple/tuple.js';
import type { Engine } from './engine.js';
import { resolve } from './resolve.js';
import type { Resolved } from './resolve.js';

/** Some dozens of services with some hundred permissions each. */
const CEILINGS_MAX = 10_000;
/** Pairs of a ceiling and an implication: a permission seldom has more than a few. */
const LINKS_MAX = 100_000;

export interface Delegations {
  readonly modelId: ModelId;
  readonly implications: readonly Implication[];
  readonly services: readonly ServiceReach[];
  /** Who may stand before an actor, where that is said. */
  readonly chains: readonly Chain[];
  readonly problems: readonly StoreProblem[];
  /** False where there is more than is shown of anything. */
  readonly isComplete: boolean;
}

/** What a service can cause. */
export interface ServiceReach {
  /** As it is stored: `service:orders`. */
  readonly service: string;
  readonly ceilings: readonly Ceiling[];
}

export interface Ceiling {
  readonly type: string;
  readonly relation: string;
  /** Where there are none, the service does what the user may do anyway. */
  readonly uses: readonly Use[];
}

export interface Use {
  /** Its place in the list. */
  readonly implication: number;
  /** How many objects name the service; undefined where that is not said by tuples. */
  readonly objects: number | undefined;
}

export interface Chain {
  readonly type: string;
  readonly relation: string;
  readonly through: readonly string[];
}

export type StoreProblem = Omit<DelegationProblem, 'kind'> & {
  readonly kind:
    | DelegationProblem['kind']
    | 'without_ceiling' // an implication that no service may use
    | 'unknown_scope'; // a ceiling of nothing
};

export async function delegations(
  engine: Engine,
  { storeId, modelId }: { readonly storeId: StoreId; readonly modelId?: ModelId },
): Promise<Delegations> {
  const resolved = await resolve(engine, {
    storeId,
    ...(modelId !== undefined && { modelId }),
    consistency: { kind: 'head' },
  });
  const [actors, through] = await Promise.all(
    [ACTOR, THROUGH].map((said) => tuplesOf(engine, storeId, said)),
  );
  return new Join(resolved, engine.clock.now()).of(actors ?? [], through ?? []);
}

async function tuplesOf(
  engine: Engine,
  storeId: StoreId,
  { type, relation }: typeof ACTOR,
): Promise<readonly RelationTuple[]> {
  const found = await readTuples(engine.database, storeId, {
    filter: { objectType: type, relation },
    limit: CEILINGS_MAX + 1,
    now: new Date(engine.clock.now()),
  });
  return found.map(({ tuple }) => tuple);
}

class Join {
  readonly #resolved: Resolved;
  readonly #now: number;
  readonly #scopes: ReadonlyMap<string, PlanRelation>;
  readonly #implications: readonly Implication[];
  readonly #usable = new Map<PlanRelation, readonly number[]>();
  readonly #used = new Set<number>();
  readonly #problems: StoreProblem[] = [];
  #isComplete: boolean;
  #links = 0;

  constructor(resolved: Resolved, now: number) {
    const { model } = resolved.plan;
    const { list, isComplete } = implicationsOf(model);
    this.#resolved = resolved;
    this.#now = now;
    this.#scopes = scopesOf(resolved.plan);
    this.#implications = list;
    this.#isComplete = isComplete;
  }

  of(actors: readonly RelationTuple[], through: readonly RelationTuple[]): Delegations {
    const { replica, plan, modelId } = this.#resolved;
    const services = this.#services(actors);
    const chains = this.#chains(through);
    this.#implications.forEach(({ type, relation, rule }, i) => {
      if (this.#used.has(i) || !this.#isComplete) return;
      const message = `no service has a ceiling for what follows from '${rule}'`;
      this.#problems.push({ kind: 'without_ceiling', type, relation, message });
    });
    return {
      modelId,
      implications: this.#implications,
      services,
      chains,
      problems: [...delegationProblems(plan, replica.binding(plan).reach), ...this.#problems],
      isComplete: this.#isComplete,
    };
  }

  #services(actors: readonly RelationTuple[]): readonly ServiceReach[] {
    const services = new Map<string, Ceiling[]>();
    for (const tuple of this.#shown(actors)) {
      const scope = this.#scopeOf(tuple);
      if (scope === undefined) continue;
      const { type, name: relation } = scope;
      const ceiling = { type, relation, uses: this.#uses(scope, tuple.subject) };
      addTo(services, formatSubject(tuple.subject), ceiling);
    }
    return [...services].map(([service, ceilings]) => ({ service, ceilings }));
  }

  #chains(tuples: readonly RelationTuple[]): readonly Chain[] {
    const through = new Map<PlanRelation, string[]>();
    for (const tuple of this.#shown(tuples)) {
      const scope = this.#scopeOf(tuple);
      if (scope !== undefined) addTo(through, scope, formatSubject(tuple.subject));
    }
    return [...through].map(([{ type, name }, subjects]) => ({
      type,
      relation: name,
      through: subjects,
    }));
  }

  #shown(tuples: readonly RelationTuple[]): readonly RelationTuple[] {
    if (tuples.length > CEILINGS_MAX) this.#isComplete = false;
    return tuples.slice(0, CEILINGS_MAX);
  }

  #scopeOf(tuple: RelationTuple): PlanRelation | undefined {
    const scope = this.#scopes.get(tuple.object.id);
    if (scope !== undefined) return scope;
    const message = `'${formatTupleKey(tuple)}' is about no relation of the model`;
    const { object, relation } = tuple;
    this.#problems.push({ kind: 'unknown_scope', type: object.type, relation, message });
    return undefined;
  }

  #uses(scope: PlanRelation, service: Subject): readonly Use[] {
    const usable = this.#usableFor(scope);
    if (this.#links + usable.length > LINKS_MAX) {
      this.#isComplete = false;
      return [];
    }
    this.#links += usable.length;
    return usable.map((implication) => {
      this.#used.add(implication);
      const of = this.#implications[implication];
      return { implication, objects: of && this.#objectsNaming(service, of) };
    });
  }

  /** The implications that can make somebody a member of the scope's relation. */
  #usableFor(scope: PlanRelation): readonly number[] {
    let usable = this.#usable.get(scope);
    if (usable === undefined) {
      const { replica, plan } = this.#resolved;
      const { reach } = replica.binding(plan);
      usable = this.#implications.flatMap(({ type, relation }, i) =>
        reach.reachedFrom(type, relation)[scope.index] === 1 ? [i] : [],
      );
      this.#usable.set(scope, usable);
    }
    return usable;
  }

  #objectsNaming(
    service: Subject,
    { type, relation, serviceRelation }: Implication,
  ): number | undefined {
    if (serviceRelation === undefined || service.kind !== 'object') return undefined;
    const { graph } = this.#resolved.replica;
    const node = graph.node(graph.kinds.type(service.type), service.id);
    // Of a relation that is its own: what is written to it is the set of those that are acted for.
    const form = serviceRelation === relation ? ACTING_FOR.relation : '';
    const kind = graph.kinds.kind(type, serviceRelation, service.type, form);
    const plain = new NodeList();
    graph.openObjects(node, kind, plain);
    let count = plain.length;
    graph.someGuardedObject(node, kind, (_object, { expiresAt }) => {
      if (expiresAt === undefined || expiresAt > this.#now) count += 1;
      return false;
    });
    return count;
  }
}

function addTo<Key, Item>(lists: Map<Key, Item[]>, key: Key, item: Item): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}

/** Of two relations with one name, which is a problem told of the model, the first. */
function scopesOf({ relations }: Plan): ReadonlyMap<string, PlanRelation> {
  const scopes = new Map<string, PlanRelation>();
  for (const relation of relations) {
    const id = scopeIdOf(relation.type, relation.name);
    if (!scopes.has(id)) scopes.set(id, relation);
  }
  return scopes;
}
