/**
 * The sets of one monotone relation that a subject is in, found backwards from the subject: its
 * groups, their groups, and so on, each with the number of hops. Objects often name many groups and
 * subjects are in few, so this is the short side of most questions "is the subject in any of the
 * groups that this object names?".
 *
 * A closure over more pairs than `maxPairs` is given up: the walk from the object decides then. A list
 * of all objects that a subject can reach is such a closure, too, and takes them all.
 */
import { NodeList } from '../graph/reader.js';
import type { EdgeFacts, Node } from '../graph/reader.js';
import type { RelationIndex } from '../schema/plan.js';
import type { ReverseWay, ReverseWays } from './reverse-ways.js';
import { edgeVerdict } from './scope.js';
import type { QueryScope } from './scope.js';
import type { ClosureTables } from './scratch.js';
import type { SubjectNode } from './subject.js';
import { FALSE } from './truth.js';

export class Closure {
  /** The sets of the target relation, unsorted. */
  readonly members: readonly Node[];
  /** Whether all was seen: no condition failed, and there were not too many. */
  isWhole = true;
  readonly #scope: QueryScope;
  readonly #target: RelationIndex;
  readonly #ways: ReverseWays;
  readonly #tables: ClosureTables;
  readonly #list = new NodeList();
  readonly #maxPairs: number;

  constructor(
    scope: QueryScope,
    subject: SubjectNode,
    target: RelationIndex,
    maxPairs = Number.MAX_SAFE_INTEGER,
  ) {
    this.#maxPairs = maxPairs;
    this.#scope = scope;
    this.#target = target;
    this.#ways = scope.binding.reverseWays(target);
    this.#tables = scope.binding.scratch.closureTables();
    this.members = this.#tables.members;
    this.#enter(subject);
    const { queue } = this.#tables;
    for (let at = 0; at < queue.length && this.isWhole; at += 2) {
      this.#leave(queue[at] ?? 0, queue[at + 1] ?? 0);
    }
  }

  /** Hops from the set to the subject, or -1 when it is not a member. */
  hops(node: Node): number {
    return this.#tables.seen.get(node, this.#target);
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

  #leave(node: Node, relation: RelationIndex): void {
    const hops = this.#tables.seen.get(node, relation);
    for (const way of this.#ways.overEdges[relation] ?? []) this.#follow(node, way, hops + 1);
  }

  #follow(node: Node, way: ReverseWay, hops: number): void {
    const { kind, admission, to } = way;
    const { graph, budget } = this.#scope;
    if (admission.plain) {
      const list = this.#list;
      graph.openObjects(node, kind, list);
      const { words, start, length } = list;
      if (length > 0) budget.step(length);
      for (let i = start; i < start + length; i++) this.#reach(words[i] ?? 0, to, hops);
    }
    if (!graph.hasGuarded) return;
    graph.someGuardedObject(node, kind, (object: Node, facts: EdgeFacts) => {
      budget.step();
      const edge = { object, kind: way.index, subject: node };
      const verdict = edgeVerdict(this.#scope, admission, facts, edge);
      if (verdict.kind === 'true') this.#reach(object, to, hops);
      else if (verdict !== FALSE) this.isWhole = false;
      return !this.isWhole;
    });
  }

  #reach(node: Node, relation: RelationIndex, hops: number): void {
    const { seen, queue, members } = this.#tables;
    if (!seen.add(node, relation, hops)) return;
    if (relation === this.#target) members.push(node);
    queue.push(node, relation);
    // At once, so that the queue stays in the order of hops and each set is reached by the fewest.
    for (const computed of this.#ways.computed[relation] ?? []) this.#reach(node, computed, hops);
    if (seen.size > this.#maxPairs) this.isWhole = false;
  }
}
