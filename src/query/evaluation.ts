/**
 * Whether one subject is a member of sets (object, relation), by walking from the object.
 *
 * This computes the well-founded model of the tuples: a set that contains itself adds nobody (least
 * fixpoint), and one that depends on its own negation is undefined. It is a tabled depth-first walk:
 *
 * - A set that is met again while it is being evaluated counts as false *for now*. The verdicts on
 *   the way back carry `cut`, the place on the path of the highest set they were cut at, and stay
 *   provisional while that set is being evaluated.
 * - When a set turns out anything but false, the provisional verdicts made under it are forgotten:
 *   they had taken it for false. They are made again, if wanted, from its verdict.
 * - When the highest set of such a group turns out false, they had taken it rightly: all false
 *   verdicts of the group are settled together.
 *
 * CUT-IS-PROVISIONAL: no verdict with a `cut` is ever kept beyond the set it was cut at. A plain
 * visited set would be simpler and is wrong: under `and` and `but not` a set that was only met, not
 * finished, would count as finished for the other operand.
 *
 * Where a relation is monotone none of this is needed: `membership.ts` decides, unless it cannot.
 *
 * Every verdict holds for one subject, so a new subject needs a new evaluation.
 */
import { PembaError } from '../errors.js';
import type { Node } from '../graph/reader.js';
import type { Admission, DirectSet, Expression, KindIndex, RelationIndex } from '../schema/plan.js';
import { Membership } from './membership.js';
import { edgeVerdict } from './scope.js';
import type { QueryScope } from './scope.js';
import type { SubjectNode } from './subject.js';
import { FALSE, TRUE, both, cutOff, either, except, failed } from './truth.js';
import type { Verdict } from './truth.js';
import { VerdictTable } from './verdict-table.js';
import type { Known } from './verdict-table.js';

/** Sets under evaluation at once; each takes a few stack frames, and Node has about 10,000. */
const MAX_NESTED_SETS = 1000;

/** Edges of one kind, over which members of a relation at their other end become members. */
interface Way {
  readonly kind: KindIndex;
  readonly admission: Admission;
  readonly target: RelationIndex;
}

export class Evaluation {
  readonly #scope: QueryScope;
  readonly #subject: SubjectNode;
  readonly #reached: Uint8Array;
  readonly #membership: Membership;
  /** Made when first needed: most checks never are in want of it. */
  #table: VerdictTable | undefined;

  constructor(scope: QueryScope, subject: SubjectNode) {
    const { binding } = scope;
    binding.scratch.takeOver(this);
    const form = binding.form(subject.type, subject.kind === 'userset' ? subject.relationName : '');
    this.#scope = scope;
    this.#subject = subject;
    this.#membership = new Membership(scope, subject, form);
    this.#reached = form.reached;
  }

  /** The settled verdict on a set. */
  verdict(object: Node, relation: RelationIndex): Verdict {
    const { scratch, monotone } = this.#scope.binding;
    scratch.assertOwner(this);
    return monotone.isMonotone(relation) || monotone.mayRecur(relation)
      ? this.#set(object, relation, 0)
      : this.#alone(object, relation);
  }

  /** The verdict on a set that no other one under evaluation can come back to. */
  #alone(object: Node, relation: RelationIndex): Verdict {
    this.#scope.budget.step();
    if (this.#isSubject(object, relation)) return TRUE;
    if (this.#reached[relation] !== 1) return FALSE;
    return this.#expression(object, this.#expressionOf(relation), 0);
  }

  #set(object: Node, relation: RelationIndex, depth: number): Verdict {
    const { binding, budget } = this.#scope;
    budget.step();
    if (this.#isSubject(object, relation)) return TRUE;
    if (this.#reached[relation] !== 1) return FALSE;
    if (binding.monotone.isMonotone(relation)) {
      const verdict = this.#membership.verdict(object, relation, depth);
      if (verdict !== undefined) return verdict;
    }
    const table = (this.#table ??= new VerdictTable(budget));
    const key = object * binding.plan.relations.length + relation;
    const place = table.place(key);
    if (place !== undefined) return cutOff('false', place);
    const known = table.known(key);
    if (known !== undefined && !couldGoDeeper(known, depth)) return known.verdict;
    const { maxDepth } = budget.limits;
    if (depth >= maxDepth) return failed({ kind: 'too_deep', maxDepth });
    if (table.pathLength >= MAX_NESTED_SETS) {
      throw new PembaError('query_too_deep', `the query nested more than ${MAX_NESTED_SETS} sets`, {
        facts: { maxNestedSets: MAX_NESTED_SETS },
      });
    }
    return table.fill(key, depth, () =>
      this.#expression(object, this.#expressionOf(relation), depth),
    );
  }

  #expression(object: Node, expression: Expression, depth: number): Verdict {
    switch (expression.kind) {
      case 'direct':
        return some(expression.sets, (set) => this.#directSet(object, set, depth));
      case 'computed':
        return this.#set(object, expression.target, depth);
      case 'from':
        return some(expression.paths, (path) => this.#through(object, path, depth));
      case 'union': {
        const ways = this.#scope.binding.monotone.unionIndex(expression);
        if (ways !== undefined) {
          const verdict = this.#membership.verdict(object, ways, depth);
          if (verdict !== undefined) return verdict;
        }
        return some(expression.operands, (operand) => this.#expression(object, operand, depth));
      }
      case 'intersection':
        return this.#intersection(object, expression.operands, depth);
      case 'exclusion': {
        const base = this.#expression(object, expression.base, depth);
        if (base === FALSE) return FALSE;
        return except(base, this.#expression(object, expression.subtract, depth));
      }
    }
  }

  #intersection(object: Node, operands: readonly Expression[], depth: number): Verdict {
    let verdict = TRUE;
    for (const operand of operands) {
      verdict = both(verdict, this.#expression(object, operand, depth));
      if (verdict === FALSE) return FALSE;
    }
    return verdict;
  }

  #directSet(object: Node, set: DirectSet, depth: number): Verdict {
    if (set.form === 'userset') {
      const verdict = this.#scope.binding.monotone.isMonotone(set.target)
        ? this.#membership.through(object, set, depth)
        : undefined;
      return verdict ?? this.#through(object, set, depth);
    }
    const subject = this.#subject;
    if (subject.kind === 'userset' || subject.type !== set.subjectType) return FALSE;
    if (set.form === 'wildcard') return this.#edge(object, set, subject.wildcard);
    return subject.kind === 'object' ? this.#edge(object, set, subject.node) : FALSE;
  }

  /** Membership in the target relation of any node that the object's edges of a kind lead to. */
  #through(object: Node, way: Way, depth: number): Verdict {
    if (this.#reached[way.target] !== 1) return FALSE;
    let verdict = FALSE;
    const kind = this.#scope.binding.kind(way.kind);
    this.#scope.graph.someSubject(object, kind, (node, facts) => {
      this.#scope.budget.step();
      const step = { object, kind: way.kind, subject: node };
      const edge = edgeVerdict(this.#scope, way.admission, facts, step);
      if (edge === FALSE) return false;
      verdict = either(verdict, both(edge, this.#set(node, way.target, depth + 1)));
      return verdict.kind === 'true';
    });
    return verdict;
  }

  #edge(object: Node, { kind, admission }: DirectSet, subject: Node): Verdict {
    const facts = this.#scope.graph.edge(object, this.#scope.binding.kind(kind), subject);
    if (facts === undefined) return FALSE;
    return edgeVerdict(this.#scope, admission, facts, { object, kind, subject });
  }

  #isSubject(object: Node, relation: RelationIndex): boolean {
    const subject = this.#subject;
    return subject.kind === 'userset' && subject.node === object && subject.relation === relation;
  }

  #expressionOf(relation: RelationIndex): Expression {
    const found = this.#scope.binding.plan.relations[relation];
    if (found === undefined) throw new RangeError(`no relation ${relation} in the plan`);
    return found.expression;
  }
}

/** A set that was given up as too deep may be within reach by a shorter way. */
function couldGoDeeper({ verdict, depth }: Known, depthNow: number): boolean {
  return verdict.kind === 'failed' && verdict.failure.kind === 'too_deep' && depthNow < depth;
}

function some<Item>(items: readonly Item[], judge: (item: Item) => Verdict): Verdict {
  let verdict = FALSE;
  for (const item of items) {
    verdict = either(verdict, judge(item));
    if (verdict.kind === 'true') return verdict;
  }
  return verdict;
}
