/**
 * The part of a plan in which membership is plain reachability: a relation is *monotone* if neither
 * it nor anything that flows into it says `and` or `but not`. Then it is enough to find one way from
 * the object to the subject, each set needs a visit at most once, and the walk may start at either
 * end. The rest is left to the tabled evaluation.
 *
 * For one form of subject, the ways out of a monotone relation are flat: computed usersets are
 * followed here and now, and ways that cannot lead to such a subject are left out.
 */
import type { Admission, DirectSet, Expression, KindIndex, Plan, RelationIndex } from './plan.js';
import type { Reach } from './reach.js';

/** Edges of one kind that may end in the subject itself. */
export interface End {
  readonly kind: KindIndex;
  readonly admission: Admission;
  readonly isWildcard: boolean;
}

/** Edges of one kind to nodes whose members (of a relation) are members. */
export interface Way {
  readonly kind: KindIndex;
  readonly admission: Admission;
  readonly target: RelationIndex;
}

export interface Ways {
  readonly ends: readonly End[];
  readonly usersets: readonly Way[];
  readonly parents: readonly Way[];
  /** This relation and those that it computes from: the subject may be one of these sets. */
  readonly same: readonly RelationIndex[];
}

/**
 * The index of a relation that is monotone, or a number beyond all relations for a union that is,
 * inside a relation that is not: `(viewer or editor or view from parent) but not banned`.
 */
export type WaysIndex = number;

export class MonotoneWays {
  readonly #plan: Plan;
  readonly #reach: Reach;
  readonly #monotone: Uint8Array;
  readonly #unions = new Map<Expression, WaysIndex>();
  readonly #unionExpressions: Expression[] = [];

  constructor(plan: Plan, reach: Reach) {
    this.#plan = plan;
    this.#reach = reach;
    this.#monotone = monotoneRelations(plan);
    for (const { index, expression } of plan.relations) {
      if (!this.isMonotone(index)) this.#findUnions(expression);
    }
  }

  isMonotone(relation: RelationIndex): boolean {
    return this.#monotone[relation] === 1;
  }

  /** Undefined unless it is a monotone union in a relation that is not monotone. */
  unionIndex(expression: Expression): WaysIndex | undefined {
    return this.#unions.get(expression);
  }

  /** `form` is '' for an object or a wildcard, else the relation of the userset. */
  ways(index: WaysIndex, subjectType: string, form: string): Ways {
    const collector = new WaysCollector(this.#plan, this.#reach, subjectType, form);
    const union = this.#unionExpressions[index - this.#plan.relations.length];
    if (union === undefined) collector.relation(index);
    else collector.expression(union);
    return collector;
  }

  #findUnions(expression: Expression): void {
    switch (expression.kind) {
      case 'union':
        if (this.#isMonotoneExpression(expression)) {
          this.#unions.set(expression, this.#plan.relations.length + this.#unions.size);
          this.#unionExpressions.push(expression);
          return;
        }
        expression.operands.forEach((operand) => {
          this.#findUnions(operand);
        });
        return;
      case 'intersection':
        expression.operands.forEach((operand) => {
          this.#findUnions(operand);
        });
        return;
      case 'exclusion':
        this.#findUnions(expression.base);
        this.#findUnions(expression.subtract);
        return;
      case 'direct':
      case 'computed':
      case 'from':
        return;
    }
  }

  #isMonotoneExpression(expression: Expression): boolean {
    switch (expression.kind) {
      case 'direct':
        return expression.sets.every(
          (set) => set.form !== 'userset' || this.isMonotone(set.target),
        );
      case 'computed':
        return this.isMonotone(expression.target);
      case 'from':
        return expression.paths.every(({ target }) => this.isMonotone(target));
      case 'union':
        return expression.operands.every((operand) => this.#isMonotoneExpression(operand));
      case 'intersection':
      case 'exclusion':
        return false;
    }
  }
}

class WaysCollector implements Ways {
  readonly ends: End[] = [];
  readonly usersets: Way[] = [];
  readonly parents: Way[] = [];
  readonly same: RelationIndex[] = [];
  readonly #plan: Plan;
  readonly #reached: Uint8Array;
  readonly #subjectType: string;
  readonly #form: string;

  constructor(plan: Plan, reach: Reach, subjectType: string, form: string) {
    this.#plan = plan;
    this.#reached = reach.reachedFrom(subjectType, form);
    this.#subjectType = subjectType;
    this.#form = form;
  }

  relation(index: RelationIndex): void {
    const found = this.#plan.relations[index];
    if (found === undefined || this.same.includes(index)) return;
    this.same.push(index);
    this.expression(found.expression);
  }

  expression(node: Expression): void {
    switch (node.kind) {
      case 'direct':
        for (const set of node.sets) this.#directSet(set);
        return;
      case 'computed':
        this.relation(node.target);
        return;
      case 'from':
        this.parents.push(...node.paths.filter(({ target }) => this.#reached[target] === 1));
        return;
      case 'union':
        for (const operand of node.operands) this.expression(operand);
        return;
      case 'intersection':
      case 'exclusion':
        throw new RangeError('only what is monotone has ways');
    }
  }

  #directSet(set: DirectSet): void {
    const { kind, admission } = set;
    if (set.form === 'userset') {
      if (this.#reached[set.target] === 1) this.usersets.push(set);
    } else if (this.#form === '' && set.subjectType === this.#subjectType) {
      this.ends.push({ kind, admission, isWildcard: set.form === 'wildcard' });
    }
  }
}

function monotoneRelations(plan: Plan): Uint8Array {
  const monotone = new Uint8Array(plan.relations.length).fill(1);
  const usedBy = plan.relations.map((): RelationIndex[] => []);
  const queue: RelationIndex[] = [];
  const collect = (by: RelationIndex, node: Expression): void => {
    switch (node.kind) {
      case 'direct':
        for (const set of node.sets) if (set.form === 'userset') usedBy[set.target]?.push(by);
        return;
      case 'computed':
        usedBy[node.target]?.push(by);
        return;
      case 'from':
        for (const { target } of node.paths) usedBy[target]?.push(by);
        return;
      case 'union':
        for (const operand of node.operands) collect(by, operand);
        return;
      case 'intersection':
      case 'exclusion':
        queue.push(by);
        return;
    }
  };
  for (const { index, expression } of plan.relations) collect(index, expression);
  for (let relation = queue.pop(); relation !== undefined; relation = queue.pop()) {
    if (monotone[relation] === 0) continue;
    monotone[relation] = 0;
    queue.push(...(usedBy[relation] ?? []));
  }
  return monotone;
}
