/**
 * The sets of one monotone relation that a subject is in, found backwards from the subject: its
 * groups, their groups, and so on, each with the number of hops. Objects often name many groups and
 * subjects are in few, so this is the short side of most questions "is the subject in any of the
 * groups that this object names?".
 *
 * With a group index only the subject's own edges are followed; the index knows what is above. Where
 * it does not, the closure begins anew and walks.
 *
 * A closure over more pairs than `maxPairs` is given up: the walk from the object decides then. A list
 * of all objects that a subject can reach is such a closure, too, and takes them all.
 */
import type { EdgeFacts, Node, NodeList } from '../graph/reader.js';
import type { RelationIndex } from '../schema/plan.js';
import { ITSELF, UNSURE } from './group-index.js';
import type { GroupIndex } from './group-index.js';
import type { IntList } from './int-list.js';
import type { ReverseWay, ReverseWays } from './reverse-ways.js';
import { edgeVerdict } from './scope.js';
import type { QueryScope } from './scope.js';
import type { ClosureTables } from './scratch.js';
import type { SubjectNode } from './subject.js';
import { FALSE } from './truth.js';

export class Closure {
  /** Whether all was seen: no condition failed, and there were not too many. */
  isWhole = true;
  readonly #scope: QueryScope;
  readonly #ways: ReverseWays;
  readonly #tables: ClosureTables;
  readonly #list: NodeList;
  readonly #maxPairs: number;
  #index: GroupIndex | undefined;

  constructor(
    scope: QueryScope,
    ways: ReverseWays,
    tables: ClosureTables,
    maxPairs = Number.MAX_SAFE_INTEGER,
  ) {
    this.#scope = scope;
    this.#ways = ways;
    this.#tables = tables;
    this.#list = scope.binding.scratch.list;
    this.#maxPairs = maxPairs;
  }

  /** The sets of the target relation, unsorted. */
  get members(): IntList {
    return this.#tables.members;
  }

  get target(): RelationIndex {
    return this.#ways.target;
  }

  /** Hops from the set to the subject, or -1 when it is not a member. */
  hops(node: Node): number {
    return this.#tables.seen.get(node, this.target);
  }

  of(subject: SubjectNode, index?: GroupIndex): this {
    this.#index = index?.follow(this.#scope.graph, this.#ways) === true ? index : undefined;
    const isIndexed = this.#index !== undefined;
    this.#tables.clear();
    this.#enter(subject);
    if (isIndexed && this.#index === undefined) return this.of(subject);
    this.#walk();
    return this;
  }

  #enter(subject: SubjectNode): void {
    if (subject.kind === 'userset') {
      this.#reach(subject.node, subject.relation, 0);
      return;
    }
    for (const entry of this.#ways.entries(subject.type)) {
      if (entry.isWildcard) this.#follow(subject.wildcard, entry, 0);
      else if (subject.kind === 'object') this.#follow(subject.node, entry, 0);
    }
  }

  #walk(): void {
    const { queue, seen } = this.#tables;
    for (let at = 0; at < queue.length && this.isWhole; at += 2) {
      const node = queue.at(at);
      const relation = queue.at(at + 1);
      const ways = this.#ways.overEdges[relation] ?? [];
      if (ways.length === 0) continue;
      const hops = seen.get(node, relation) + 1;
      for (const way of ways) this.#follow(node, way, hops);
    }
  }

  #follow(node: Node, way: ReverseWay, hops: number): void {
    const { kind, admission, to } = way;
    const { graph, budget } = this.#scope;
    if (admission.plain) {
      const list = this.#list;
      graph.openObjects(node, kind, list);
      const { words, start, length } = list;
      if (length > 0) budget.step(length);
      for (let i = start; i < start + length && this.isWhole; i++) {
        this.#reach(words[i] ?? 0, to, hops);
      }
    }
    if (graph.hasGuarded) this.#followGuarded(node, way, hops);
  }

  #followGuarded(node: Node, { kind, index, admission, to }: ReverseWay, hops: number): void {
    const { graph, budget } = this.#scope;
    graph.someGuardedObject(node, kind, (object: Node, facts: EdgeFacts) => {
      budget.step();
      const edge = { object, kind: index, subject: node };
      const verdict = edgeVerdict(this.#scope, admission, facts, edge);
      if (verdict.kind === 'true') this.#reach(object, to, hops);
      else if (verdict !== FALSE) this.isWhole = false;
      return !this.isWhole;
    });
  }

  #reach(node: Node, relation: RelationIndex, hops: number): void {
    if (this.#index !== undefined) {
      this.#reachIndexed(this.#index, node, relation, hops);
      return;
    }
    const { seen, queue, members } = this.#tables;
    if (!seen.add(node, relation, hops)) return;
    if (relation === this.#ways.target) members.push(node);
    queue.push(node);
    queue.push(relation);
    // At once, so that the queue stays in the order of hops and each set is reached by the fewest.
    for (const computed of this.#ways.computed[relation] ?? []) this.#reach(node, computed, hops);
    if (seen.size > this.#maxPairs) this.isWhole = false;
  }

  #reachIndexed(index: GroupIndex, node: Node, relation: RelationIndex, hops: number): void {
    const { budget } = this.#scope;
    const list = index.list(this.#ways, node, relation, budget);
    if (list === UNSURE) {
      this.#index = undefined;
    } else if (list === ITSELF) {
      this.#add(node, hops);
    } else {
      const { words } = index;
      const length = words[list] ?? 0;
      budget.step(length);
      for (let at = list + 1; at <= list + 2 * length; at += 2) {
        this.#add(words[at] ?? 0, hops + (words[at + 1] ?? 0));
      }
    }
  }

  #add(node: Node, hops: number): void {
    const { seen, members } = this.#tables;
    if (!seen.addLeast(node, this.#ways.target, hops)) return;
    members.push(node);
    if (seen.size > this.#maxPairs) this.isWhole = false;
  }
}
