/**
 * What can be told about a subject without evaluating further sets: that it is the set itself, that
 * the model gives it no way in, that the set's edges name it, and every membership that
 * `membership.ts` decides. `undefined` is no verdict: the set, or the expression, has to be opened.
 *
 * The walk (`evaluation.ts`) and the equations (`grounding.ts`) end in the same leaves.
 */
import type { Node } from '../graph/reader.js';
import type { Admission, DirectSet, Expression, KindIndex, RelationIndex } from '../schema/plan.js';
import type { BoundForm } from './bound-form.js';
import { Membership } from './membership.js';
import { edgeVerdict } from './scope.js';
import type { QueryScope } from './scope.js';
import type { SubjectNode } from './subject.js';
import { FALSE, TRUE } from './truth.js';
import type { Verdict } from './truth.js';

/** Edges of one kind, over which members of a relation at their other end become members. */
export interface Way {
  readonly kind: KindIndex;
  readonly admission: Admission;
  readonly target: RelationIndex;
}

type Union = Expression & { readonly kind: 'union' };
type Userset = DirectSet & { readonly form: 'userset' };

export class Leaves {
  readonly scope: QueryScope;
  readonly subject: SubjectNode;
  readonly form: BoundForm;
  readonly membership: Membership;
  readonly #reached: Uint8Array;

  constructor(scope: QueryScope, subject: SubjectNode) {
    const { binding } = scope;
    const form = binding.form(subject.type, subject.kind === 'userset' ? subject.relationName : '');
    this.scope = scope;
    this.subject = subject;
    this.form = form;
    this.membership = new Membership(scope, subject, form);
    this.#reached = form.reached;
  }

  /** A set, as far as no edge need be looked at. */
  plainly(object: Node, relation: RelationIndex): Verdict | undefined {
    this.scope.budget.step();
    if (this.#isSubject(object, relation)) return TRUE;
    return this.isReached(relation) ? undefined : FALSE;
  }

  set(object: Node, relation: RelationIndex, depth: number): Verdict | undefined {
    const verdict = this.plainly(object, relation);
    if (verdict !== undefined || !this.scope.binding.monotone.isMonotone(relation)) return verdict;
    return this.membership.verdict(object, relation, depth);
  }

  union(object: Node, expression: Union, depth: number): Verdict | undefined {
    const ways = this.scope.binding.monotone.unionIndex(expression);
    return ways === undefined ? undefined : this.membership.verdict(object, ways, depth);
  }

  usersets(object: Node, set: Userset, depth: number): Verdict | undefined {
    if (!this.scope.binding.monotone.isMonotone(set.target)) return undefined;
    return this.membership.through(object, set, depth);
  }

  /** Whether the object's edges name the subject itself. */
  named(object: Node, set: DirectSet): Verdict {
    const subject = this.subject;
    if (subject.kind === 'userset' || subject.type !== set.subjectType) return FALSE;
    if (set.form === 'wildcard') return this.#edge(object, set, subject.wildcard);
    return subject.kind === 'object' ? this.#edge(object, set, subject.node) : FALSE;
  }

  /** Visits the other ends of the object's edges that may hold, until `visit` returns true. */
  someEnd(object: Node, way: Way, visit: (node: Node, edge: Verdict) => boolean): void {
    if (!this.isReached(way.target)) return;
    const { scope } = this;
    scope.graph.someSubject(object, scope.binding.kind(way.kind), (node, facts) => {
      scope.budget.step();
      const step = { object, kind: way.kind, subject: node };
      const edge = edgeVerdict(scope, way.admission, facts, step);
      return edge !== FALSE && visit(node, edge);
    });
  }

  expressionOf(relation: RelationIndex): Expression {
    const found = this.scope.binding.plan.relations[relation];
    if (found === undefined) throw new RangeError(`no relation ${relation} in the plan`);
    return found.expression;
  }

  isReached(relation: RelationIndex): boolean {
    return this.#reached[relation] === 1;
  }

  #edge(object: Node, { kind, admission }: DirectSet, subject: Node): Verdict {
    const facts = this.scope.graph.edge(object, this.scope.binding.kind(kind), subject);
    if (facts === undefined) return FALSE;
    return edgeVerdict(this.scope, admission, facts, { object, kind, subject });
  }

  #isSubject(object: Node, relation: RelationIndex): boolean {
    const subject = this.subject;
    return subject.kind === 'userset' && subject.node === object && subject.relation === relation;
  }
}
