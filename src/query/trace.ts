/**
 * The edges by which a subject is a member of a monotone set, over the fewest hops. It searches as
 * `membership.ts` does: breadth-first through parents, and at each set for the subject itself or for
 * the nearest of the groups that the subject's closure knows. What it finds is a shortest way, so no
 * set stands on it twice.
 *
 * From a group on, the way goes on as far as the closure said, and never farther: each stretch is
 * shorter than the one before, so this ends even where a closure is not whole.
 *
 * A walk of its own and not a trail kept by `membership.ts`: every check would pay for the trail.
 *
 * `undefined` says that no way was found, not that there is none: conditions that failed and closures
 * that were given up are passed over.
 */
import { PLAIN } from '../graph/reader.js';
import type { EdgeFacts, EdgeKind, Node, NodeList } from '../graph/reader.js';
import { contains } from '../graph/set-cursor.js';
import type { DirectSet, RelationIndex } from '../schema/plan.js';
import type { Way, WaysIndex } from '../schema/ways.js';
import type { Action } from './actions.js';
import type { Leaves } from './leaves.js';
import { edgeVerdict } from './scope.js';
import type { Edge, QueryScope } from './scope.js';
import { endOf, isOneOf } from './subject.js';

/** A set that was reached through parents. */
interface Reached {
  readonly node: Node;
  readonly ways: WaysIndex;
  readonly hops: number;
  readonly from: Reached | undefined;
  /** From the one before. */
  readonly edge: Edge | undefined;
}

/** Where a stretch of the way ends: in the subject, or in a group so many hops from it. */
interface Find {
  readonly hops: number;
  readonly at: Reached;
  readonly edge?: Edge;
  readonly group?: { readonly target: RelationIndex; readonly hops: number };
}

interface Nearest {
  readonly node: Node;
  readonly hops: number;
}

type List = Pick<NodeList, 'words' | 'start' | 'length'>;

export class Trace {
  readonly #scope: QueryScope;
  readonly #leaves: Leaves;

  constructor(leaves: Leaves) {
    this.#scope = leaves.scope;
    this.#leaves = leaves;
  }

  /** From a set of the object to the subject. */
  path(object: Node, ways: WaysIndex): readonly Edge[] | undefined {
    const path: Edge[] = [];
    const most = this.#scope.budget.limits.maxDepth - 1;
    return this.#extend(path, object, ways, most) ? path : undefined;
  }

  /** Through one of the usersets that the object names over a way. */
  through(object: Node, way: Way): readonly Edge[] | undefined {
    const { graph, binding, budget } = this.#scope;
    const kind = binding.kind(way.kind);
    const { list } = binding.scratch;
    graph.openSubjects(object, kind, list);
    const plain =
      way.admission.plain && list.length > 0
        ? this.#nearestPlain(object, kind, way.target, list)
        : undefined;
    const nearest = this.#nearestGuarded(object, kind, way, plain);
    if (nearest === undefined || nearest.hops + 1 >= budget.limits.maxDepth) {
      return undefined;
    }
    const path = [{ object, kind: way.kind, subject: nearest.node }];
    return this.#extend(path, nearest.node, way.target, nearest.hops) ? path : undefined;
  }

  /** The edge by which the object names the subject itself. */
  named(object: Node, set: DirectSet): Edge | undefined {
    const { subject } = this.#leaves;
    if (set.form === 'userset' || subject.type !== set.subjectType) return undefined;
    const end = endOf(subject, set.form === 'wildcard');
    const facts = this.#scope.graph.edge(object, this.#scope.binding.kind(set.kind), end);
    return facts && this.#holding(set, object, end, facts);
  }

  /** False when the way is not found to its end. */
  #extend(path: Edge[], object: Node, ways: WaysIndex, most: number): boolean {
    let find = this.#search(object, ways, most);
    while (find !== undefined) {
      const stretch: Edge[] = find.edge === undefined ? [] : [find.edge];
      for (let at: Reached | undefined = find.at; at?.edge !== undefined; at = at.from) {
        stretch.push(at.edge);
      }
      path.push(...stretch.reverse());
      const { edge, group } = find;
      if (edge === undefined || group === undefined) return true;
      find = this.#search(edge.subject, group.target, group.hops);
    }
    return false;
  }

  #search(node: Node, ways: WaysIndex, most: number): Find | undefined {
    const { seen } = this.#scope.binding.scratch;
    seen.clear();
    const reached: Reached[] = [{ node, ways, hops: 0, from: undefined, edge: undefined }];
    let best: Find | undefined;
    // The list grows while it is gone through.
    for (const at of reached) {
      if (at.hops > most || (best !== undefined && at.hops >= best.hops)) break;
      if (!seen.add(at.node, at.ways, at.hops)) continue;
      const find = this.#look(at, reached);
      if (find !== undefined && find.hops < (best?.hops ?? most + 1)) best = find;
    }
    return best;
  }

  /** By way of this set's own subjects and usersets; its parents are added to what was reached. */
  #look(at: Reached, reached: Reached[]): Find | undefined {
    const { scratch } = this.#scope.binding;
    const { graph, budget } = this.#scope;
    const actions = this.#leaves.form.actions(at.ways);
    if (isOneOf(this.#leaves.subject, at.node, actions.same)) return { hops: at.hops, at };
    const { cursor } = scratch;
    let best: Find | undefined;
    budget.step();
    graph.openKinds(at.node, cursor);
    while (cursor.next()) {
      for (let action = actions.byKind[cursor.kind]; action !== undefined; action = action.next) {
        const find = this.#act(at, action, reached);
        if (find === undefined || find.hops >= (best?.hops ?? Infinity)) continue;
        best = find;
        if (best.hops === at.hops) return best;
      }
    }
    return best;
  }

  #act(at: Reached, action: Action, reached: Reached[]): Find | undefined {
    const { cursor } = this.#scope.binding.scratch;
    if (!cursor.isGuarded && !action.admission.plain) return undefined;
    const { node, hops } = at;
    switch (action.does) {
      case 'end': {
        const edge = this.#end(node, action);
        return edge && { hops, at, edge };
      }
      case 'userset': {
        const { kind, target } = action;
        const nearest = cursor.isGuarded
          ? this.#nearestGuarded(node, cursor.kind, action, undefined)
          : this.#nearestPlain(node, cursor.kind, target, cursor);
        if (nearest === undefined) return undefined;
        const edge = { object: node, kind, subject: nearest.node };
        return { hops: hops + 1 + nearest.hops, at, edge, group: { target, hops: nearest.hops } };
      }
      case 'parent':
        this.#toParents(at, action, reached);
        return undefined;
    }
  }

  #end(object: Node, action: Action & { readonly does: 'end' }): Edge | undefined {
    const { cursor } = this.#scope.binding.scratch;
    const subject = endOf(this.#leaves.subject, action.isWildcard);
    if (!cursor.isGuarded) {
      return contains(cursor.words, cursor.start, cursor.length, subject)
        ? { object, kind: action.kind, subject }
        : undefined;
    }
    const facts = this.#scope.graph.edge(object, cursor.kind, subject);
    return facts === undefined || facts === PLAIN
      ? undefined
      : this.#holding(action, object, subject, facts);
  }

  #toParents(at: Reached, way: Way, reached: Reached[]): void {
    const { graph, budget, binding } = this.#scope;
    const { words, start, length, isGuarded, kind } = binding.scratch.cursor;
    const { node: object } = at;
    const reach = (edge: Edge): void => {
      const { subject: node } = edge;
      reached.push({ node, ways: way.target, hops: at.hops + 1, from: at, edge });
    };
    if (!isGuarded) {
      budget.step(length);
      for (let i = start; i < start + length; i++) {
        reach({ object, kind: way.kind, subject: words[i] ?? 0 });
      }
      return;
    }
    graph.someGuardedSubject(object, kind, (node, facts) => {
      budget.step();
      const edge = this.#holding(way, object, node, facts);
      if (edge !== undefined) reach(edge);
      return false;
    });
  }

  /** Through the shorter of the two lists. */
  #nearestPlain(
    object: Node,
    kind: EdgeKind,
    target: RelationIndex,
    { words, start, length }: List,
  ): Nearest | undefined {
    const { graph, budget } = this.#scope;
    const closure = this.#leaves.membership.closure(target);
    const { members } = closure;
    const isShorter = members.length * 8 < length;
    const count = isShorter ? members.length : length;
    budget.step(count);
    let nearest = -1;
    let fewest = Infinity;
    for (let i = 0; i < count; i++) {
      const node = isShorter ? members.at(i) : (words[start + i] ?? 0);
      const hops = closure.hops(node);
      if (hops < 0 || hops >= fewest) continue;
      if (isShorter && !graph.hasPlain(object, kind, node)) continue;
      nearest = node;
      fewest = hops;
    }
    return nearest < 0 ? undefined : { node: nearest, hops: fewest };
  }

  #nearestGuarded(
    object: Node,
    kind: EdgeKind,
    way: Way,
    plain: Nearest | undefined,
  ): Nearest | undefined {
    const { graph, budget } = this.#scope;
    if (!graph.hasGuarded) return plain;
    const closure = this.#leaves.membership.closure(way.target);
    let nearest = plain;
    graph.someGuardedSubject(object, kind, (node, facts) => {
      budget.step();
      const hops = closure.hops(node);
      if (hops < 0 || hops >= (nearest?.hops ?? Infinity)) return false;
      if (this.#holding(way, object, node, facts) !== undefined) nearest = { node, hops };
      return false;
    });
    return nearest;
  }

  #holding(
    { kind, admission }: Pick<Way, 'kind' | 'admission'>,
    object: Node,
    subject: Node,
    facts: EdgeFacts,
  ): Edge | undefined {
    const edge = { object, kind, subject };
    return edgeVerdict(this.#scope, admission, facts, edge).kind === 'true' ? edge : undefined;
  }
}
