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
 * - Nothing provisional is ever negated. A set for which that would matter is left to
 *   `grounding.ts`, which solves the equations of all sets it can rest on, on the path or not.
 *
 * ONLY-FALSE-IS-ASSUMED: whatever a verdict rests on is settled, or is a set on the path, read
 * without a negation and taken for false. Hence
 *
 * - true is right at once: more members elsewhere cannot take away from it.
 * - A set that was taken for false by nobody but itself is right: no shortest derivation of a member
 *   goes through that membership itself. It is right about undefined and failed, too, as all that
 *   was negated on the way is settled.
 *
 * Keeping an undefined verdict with its `cut` instead was tried and is wrong. Where `and` or a false
 * base decides provisionally, the `cut` of the other operand is dropped; rightly for false, but what
 * is undefined rests on that operand all the same. And with every `cut` kept, sets come out
 * undefined that are not. Where no relation hangs on its own negation none of this ever happens.
 *
 * CUT-IS-PROVISIONAL: no verdict with a `cut` is ever kept beyond the set it was cut at. A plain
 * visited set would be simpler and is wrong: under `and` and `but not` a set that was only met, not
 * finished, would count as finished for the other operand.
 *
 * Where a relation is monotone none of this is needed: `membership.ts` decides, unless it cannot.
 *
 * Every verdict holds for one subject, so a new subject needs a new evaluation.
 */
import { strict as assert } from 'node:assert';
import { PembaError } from '../errors.js';
import type { Node } from '../graph/reader.js';
import type { DirectSet, Expression, RelationIndex } from '../schema/plan.js';
import { Grounding } from './grounding.js';
import { Leaves } from './leaves.js';
import type { Way } from './leaves.js';
import type { QueryScope } from './scope.js';
import type { SubjectNode } from './subject.js';
import { FALSE, TRUE, both, either, except, failed, falseAt } from './truth.js';
import type { Finding, Verdict } from './truth.js';
import { VerdictTable } from './verdict-table.js';

/** Sets under evaluation at once; each takes a few stack frames, and Node has about 10,000. */
const MAX_NESTED_SETS = 1000;

export class Evaluation {
  readonly leaves: Leaves;
  /** Made when first needed: most checks never are in want of it. */
  #table: VerdictTable | undefined;

  constructor(scope: QueryScope, subject: SubjectNode) {
    scope.binding.scratch.takeOver(this);
    this.leaves = new Leaves(scope, subject);
  }

  /** The settled verdict on a set. */
  verdict(object: Node, relation: RelationIndex): Verdict {
    const { scratch, monotone } = this.leaves.scope.binding;
    scratch.assertOwner(this);
    return monotone.isMonotone(relation) || monotone.mayRecur(relation)
      ? this.#set(object, relation, 0)
      : this.#alone(object, relation);
  }

  /** The settled verdict on a part of what defines a set of the object. */
  judge(object: Node, expression: Expression): Verdict {
    this.leaves.scope.binding.scratch.assertOwner(this);
    const found = this.#expression(object, expression, 0);
    // With no set under evaluation nothing is provisional, and nothing else is unresolved.
    assert(found.kind !== 'unresolved', 'an expression by itself comes to a verdict');
    return found;
  }

  /** The verdict on a set that no other one under evaluation can come back to. */
  #alone(object: Node, relation: RelationIndex): Verdict {
    return this.leaves.plainly(object, relation) ?? this.#open(object, relation, 0);
  }

  #set(object: Node, relation: RelationIndex, depth: number): Verdict {
    const leaf = this.leaves.set(object, relation, depth);
    if (leaf !== undefined) return leaf;
    const table = this.#tabled();
    const key = table.key(object, relation);
    const known = table.known(key, depth);
    if (known !== undefined) return known;
    const place = table.place(key);
    if (place !== undefined) return falseAt(place);
    const { maxDepth } = this.leaves.scope.budget.limits;
    if (depth >= maxDepth) return failed({ kind: 'too_deep', maxDepth });
    if (table.pathLength >= MAX_NESTED_SETS) {
      throw new PembaError('query_too_deep', `the query nested more than ${MAX_NESTED_SETS} sets`, {
        facts: { maxNestedSets: MAX_NESTED_SETS },
      });
    }
    return table.fill(key, depth, () => this.#open(object, relation, depth));
  }

  #open(object: Node, relation: RelationIndex, depth: number): Verdict {
    const found = this.#expression(object, this.leaves.expressionOf(relation), depth);
    if (found.kind !== 'unresolved') return found;
    return new Grounding(this.leaves, this.#tabled()).verdict(object, relation, depth);
  }

  #tabled(): VerdictTable {
    const { budget, binding } = this.leaves.scope;
    return (this.#table ??= new VerdictTable(budget, binding.plan.relations.length));
  }

  #expression(object: Node, expression: Expression, depth: number): Finding {
    switch (expression.kind) {
      case 'direct':
        return some(expression.sets, (set) => this.#directSet(object, set, depth));
      case 'computed':
        return this.#set(object, expression.target, depth);
      case 'from':
        return some(expression.paths, (path) => this.#through(object, path, depth));
      case 'union':
        return (
          this.leaves.union(object, expression, depth) ??
          some(expression.operands, (operand) => this.#expression(object, operand, depth))
        );
      case 'intersection':
        return this.#intersection(object, expression.operands, depth);
      case 'exclusion': {
        const base = this.#expression(object, expression.base, depth);
        if (base === FALSE) return FALSE;
        return except(base, this.#expression(object, expression.subtract, depth));
      }
    }
  }

  #intersection(object: Node, operands: readonly Expression[], depth: number): Finding {
    let found: Finding = TRUE;
    for (const operand of operands) {
      found = both(found, this.#expression(object, operand, depth));
      if (found === FALSE) return FALSE;
    }
    return found;
  }

  #directSet(object: Node, set: DirectSet, depth: number): Finding {
    if (set.form !== 'userset') return this.leaves.named(object, set);
    return this.leaves.usersets(object, set, depth) ?? this.#through(object, set, depth);
  }

  /** Membership in the target relation of any node that the object's edges of a kind lead to. */
  #through(object: Node, way: Way, depth: number): Finding {
    let found: Finding = FALSE;
    this.leaves.someEnd(object, way, (node, edge) => {
      found = either(found, both(edge, this.#set(node, way.target, depth + 1)));
      return found.kind === 'true';
    });
    return found;
  }
}

function some<Item>(items: readonly Item[], judge: (item: Item) => Finding): Finding {
  let found: Finding = FALSE;
  for (const item of items) {
    found = either(found, judge(item));
    if (found.kind === 'true') return found;
  }
  return found;
}
