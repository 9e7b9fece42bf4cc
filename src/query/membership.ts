/**
 * Membership in monotone relations: breadth-first from the object through its parents, and at each
 * set the two questions that end it. Is the subject itself among the set's subjects? Is one of the
 * groups that the set names among the subject's groups (`closure.ts`)? The first is a binary search,
 * the second goes through the shorter of the two lists.
 *
 * Breadth-first finds the fewest hops, so "too deep" does not depend on the order of tuples: only a
 * membership that has no way within the limit is too deep.
 *
 * `undefined` is no verdict: a condition on the way could not be evaluated, or the closure was too
 * large. The tabled evaluation, which can tell what that means, has to decide.
 */
import { PLAIN } from '../graph/reader.js';
import type { EdgeFacts, EdgeKind, Node, NodeList } from '../graph/reader.js';
import { contains } from '../graph/set-cursor.js';
import type { SetCursor } from '../graph/set-cursor.js';
import type { RelationIndex } from '../schema/plan.js';
import type { Way, WaysIndex } from '../schema/ways.js';
import type { Action, Actions } from './actions.js';
import { Closure } from './closure.js';
import type { IntList } from './int-list.js';
import type { NodeSet } from './node-set.js';
import { edgeVerdict } from './scope.js';
import type { QueryScope } from './scope.js';
import type { BoundForm } from './bound-form.js';
import { endOf, isOneOf } from './subject.js';
import type { SubjectNode } from './subject.js';
import { FALSE, TRUE, failed } from './truth.js';
import type { Verdict } from './truth.js';

/** A subject in ten thousand groups: half a millisecond to find them all. */
const MAX_GROUPS = 10_000;

/** What of a set's usersets and parents was found: the fewest hops to the subject, or none. */
const NONE = Number.MAX_SAFE_INTEGER;

interface LinkedClosure {
  readonly closure: Closure;
  readonly next: LinkedClosure | undefined;
}

export class Membership {
  readonly #scope: QueryScope;
  readonly #subject: SubjectNode;
  readonly #form: BoundForm;
  readonly #seen: NodeSet;
  readonly #queue: IntList;
  readonly #list: NodeList;
  readonly #cursor: SetCursor;
  /** The one made last, linked to those made before. */
  #closures: LinkedClosure | undefined;
  /** A condition on the way could not be evaluated. */
  #isUncertain = false;

  constructor(scope: QueryScope, subject: SubjectNode, form: BoundForm) {
    const { seen, queue, list, cursor } = scope.binding.scratch;
    this.#scope = scope;
    this.#subject = subject;
    this.#form = form;
    this.#seen = seen;
    this.#queue = queue;
    this.#list = list;
    this.#cursor = cursor;
  }

  /** `depth` is the number of hops that were made before. */
  verdict(object: Node, ways: WaysIndex, depth: number): Verdict | undefined {
    const { maxDepth } = this.#scope.budget.limits;
    this.#begin();
    this.#enter(object, ways, depth);
    let fewest = NONE;
    for (let at = 0; at < this.#queue.length; at += 3) {
      const node = this.#queue.at(at);
      const hops = this.#queue.at(at + 2);
      if (hops >= fewest) break;
      const found = this.#look(node, this.#form.actions(this.#queue.at(at + 1)), hops);
      if (found < maxDepth) return TRUE;
      fewest = Math.min(fewest, found);
      if (this.#isUncertain) return undefined;
    }
    return fewest === NONE ? FALSE : failed({ kind: 'too_deep', maxDepth });
  }

  /** Whether one of the usersets that the object names over a way has the subject. */
  through(object: Node, way: Way, depth: number): Verdict | undefined {
    const { maxDepth } = this.#scope.budget.limits;
    this.#begin();
    const hops = depth + 1 + this.#hopsThrough(object, way);
    if (hops < maxDepth) return TRUE;
    if (this.#isUncertain) return undefined;
    return hops < NONE ? failed({ kind: 'too_deep', maxDepth }) : FALSE;
  }

  /** The subject's sets of a monotone relation; whole or not. */
  closure(target: RelationIndex): Closure {
    let linked = this.#closures;
    while (linked !== undefined && linked.closure.target !== target) linked = linked.next;
    if (linked === undefined) {
      const { binding } = this.#scope;
      const tables = binding.scratch.closureTables();
      const closure = new Closure(this.#scope, binding.reverseWays(target), tables, MAX_GROUPS);
      linked = { closure: closure.of(this.#subject, binding.groups), next: this.#closures };
      this.#closures = linked;
    }
    return linked.closure;
  }

  /** Hops to the subject by way of this set's own subjects and usersets; its parents are queued. */
  #look(node: Node, actions: Actions, hops: number): number {
    if (isOneOf(this.#subject, node, actions.same)) return hops;
    const cursor = this.#cursor;
    const { byKind } = actions;
    let fewest = NONE;
    this.#scope.budget.step();
    this.#scope.graph.openKinds(node, cursor);
    while (cursor.next()) {
      for (let action = byKind[cursor.kind]; action !== undefined; action = action.next) {
        const found = cursor.isGuarded
          ? this.#actGuarded(node, cursor.kind, action, hops)
          : action.admission.plain
            ? this.#actPlain(node, cursor.kind, action, hops)
            : NONE;
        if (found === hops) return hops;
        if (found < fewest) fewest = found;
      }
    }
    return fewest;
  }

  #actPlain(node: Node, kind: EdgeKind, action: Action, hops: number): number {
    const { words, start, length } = this.#cursor;
    switch (action.does) {
      case 'end': {
        const end = endOf(this.#subject, action.isWildcard);
        return contains(words, start, length, end) ? hops : NONE;
      }
      case 'userset':
        return hops + 1 + this.#fewestInCommon(node, kind, this.#cursor, action.target);
      case 'parent':
        this.#scope.budget.step(length);
        for (let i = start; i < start + length; i++) {
          this.#enter(words[i] ?? 0, action.target, hops + 1);
        }
        return NONE;
    }
  }

  #actGuarded(object: Node, kind: EdgeKind, action: Action, hops: number): number {
    const { graph, budget } = this.#scope;
    if (action.does === 'end') {
      const end = endOf(this.#subject, action.isWildcard);
      const facts = graph.edge(object, kind, end);
      if (facts === undefined || facts === PLAIN) return NONE;
      return this.#holds(action, object, end, facts) ? hops : NONE;
    }
    let fewest = NONE;
    graph.someGuardedSubject(object, kind, (node, facts) => {
      budget.step();
      if (action.does === 'parent') {
        if (this.#holds(action, object, node, facts)) this.#enter(node, action.target, hops + 1);
      } else {
        const through = this.#closure(action.target).hops(node);
        if (through >= 0 && through < fewest && this.#holds(action, object, node, facts)) {
          fewest = through;
        }
      }
      return this.#isUncertain;
    });
    return hops + 1 + fewest;
  }

  /** The fewest hops from a userset that the object names to the subject, or NONE. */
  #hopsThrough(object: Node, way: Way): number {
    const { graph, binding } = this.#scope;
    const kind = binding.kind(way.kind);
    let fewest = NONE;
    if (way.admission.plain) {
      graph.openSubjects(object, kind, this.#list);
      if (this.#list.length > 0) {
        fewest = this.#fewestInCommon(object, kind, this.#list, way.target);
      }
    }
    if (!graph.hasGuarded) return fewest;
    const action = { ...way, does: 'userset' as const, next: undefined };
    return Math.min(fewest, this.#actGuarded(object, kind, action, -1));
  }

  #fewestInCommon(
    object: Node,
    kind: EdgeKind,
    { words, start, length }: Pick<NodeList, 'words' | 'start' | 'length'>,
    target: RelationIndex,
  ): number {
    const closure = this.#closure(target);
    const { members } = closure;
    let fewest = NONE;
    if (members.length * 8 < length) {
      this.#scope.budget.step(members.length);
      for (let i = 0; i < members.length; i++) {
        const node = members.at(i);
        const hops = closure.hops(node);
        if (hops < fewest && this.#scope.graph.hasPlain(object, kind, node)) fewest = hops;
      }
      return fewest;
    }
    this.#scope.budget.step(length);
    for (let i = start; i < start + length; i++) {
      const hops = closure.hops(words[i] ?? 0);
      if (hops >= 0 && hops < fewest) fewest = hops;
    }
    return fewest;
  }

  #begin(): void {
    this.#seen.clear();
    this.#queue.clear();
    this.#isUncertain = false;
  }

  #enter(node: Node, ways: WaysIndex, hops: number): void {
    if (!this.#seen.add(node, ways, hops)) return;
    this.#queue.push(node);
    this.#queue.push(ways);
    this.#queue.push(hops);
  }

  #holds(
    { kind, admission }: Pick<Way, 'kind' | 'admission'>,
    object: Node,
    subject: Node,
    facts: EdgeFacts,
  ): boolean {
    const verdict = edgeVerdict(this.#scope, admission, facts, { object, kind, subject });
    if (verdict.kind === 'failed') this.#isUncertain = true;
    return verdict.kind === 'true';
  }

  #closure(target: RelationIndex): Closure {
    const closure = this.closure(target);
    if (!closure.isWhole) this.#isUncertain = true;
    return closure;
  }
}
