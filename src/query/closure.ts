/**
 * The sets of one monotone relation that a subject is in, found backwards from the subject: its
 * groups, their groups, and so on, each with the number of hops. Objects often name many groups and
 * subjects are in few, so this is the short side of most questions "is the subject in any of the
 * groups that this object names?".
 *
 * A closure over more pairs than `MAX_PAIRS` is given up: the walk from the object decides then.
 */
import { NodeList } from '../graph/reader.js';
import type { EdgeFacts, Node } from '../graph/reader.js';
import type { Admission, KindIndex, RelationIndex } from '../schema/plan.js';
import { edgeVerdict } from './scope.js';
import type { QueryScope } from './scope.js';
import type { ClosureTables } from './scratch.js';
import type { SubjectNode } from './subject.js';
import { FALSE } from './truth.js';

/** A subject in ten thousand groups: half a millisecond to find them all. */
const MAX_PAIRS = 10_000;

export class Closure {
  /** The sets of the target relation, unsorted. */
  readonly members: readonly Node[];
  /** Whether all was seen: no condition failed, and there were not too many. */
  isWhole = true;
  readonly #scope: QueryScope;
  readonly #target: RelationIndex;
  readonly #contributors: Uint8Array;
  readonly #tables: ClosureTables;
  readonly #list = new NodeList();

  constructor(scope: QueryScope, subject: SubjectNode, target: RelationIndex) {
    this.#scope = scope;
    this.#target = target;
    this.#contributors = scope.binding.reach.contributors(target);
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
    for (const { relation, set } of this.#scope.binding.reach.entryPoints(subject.type)) {
      if (this.#contributors[relation] !== 1) continue;
      if (set.form === 'wildcard') {
        this.#follow(subject.wildcard, set.kind, set.admission, relation, 0);
      } else if (subject.kind === 'object') {
        this.#follow(subject.node, set.kind, set.admission, relation, 0);
      }
    }
  }

  #leave(node: Node, relation: RelationIndex): void {
    const hops = this.#tables.seen.get(node, relation);
    for (const reference of this.#scope.binding.reach.references(relation)) {
      if (this.#contributors[reference.by] !== 1) continue;
      switch (reference.kind) {
        case 'computed':
          this.#reach(node, reference.by, hops);
          break;
        case 'userset':
          this.#follow(node, reference.set.kind, reference.set.admission, reference.by, hops + 1);
          break;
        case 'from':
          this.#follow(node, reference.path.kind, reference.path.admission, reference.by, hops + 1);
          break;
      }
    }
  }

  #follow(
    node: Node,
    kindIndex: KindIndex,
    admission: Admission,
    relation: RelationIndex,
    hops: number,
  ): void {
    const { graph, binding, budget } = this.#scope;
    const kind = binding.kind(kindIndex);
    if (admission.plain) {
      const list = this.#list;
      graph.openObjects(node, kind, list);
      const { words, start, length } = list;
      if (length > 0) budget.step(length);
      for (let i = start; i < start + length; i++) this.#reach(words[i] ?? 0, relation, hops);
    }
    if (!graph.hasGuarded) return;
    graph.someGuardedObject(node, kind, (object: Node, facts: EdgeFacts) => {
      budget.step();
      const edge = { object, kind: kindIndex, subject: node };
      const verdict = edgeVerdict(this.#scope, admission, facts, edge);
      if (verdict.kind === 'true') this.#reach(object, relation, hops);
      else if (verdict !== FALSE) this.isWhole = false;
      return !this.isWhole;
    });
  }

  #reach(node: Node, relation: RelationIndex, hops: number): void {
    const { seen, queue, members } = this.#tables;
    if (!seen.add(node, relation, hops)) return;
    if (relation === this.#target) members.push(node);
    queue.push(node, relation);
    if (seen.size > MAX_PAIRS) this.isWhole = false;
  }
}
