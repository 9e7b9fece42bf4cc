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
  readonly #recurring: Uint8Array;
  readonly #unions = new Map<Expression, WaysIndex>();
  readonly #unionExpressions: Expression[] = [];

  constructor(plan: Plan, reach: Reach) {
    this.#plan = plan;
    this.#reach = reach;
    const references = referredTo(plan);
    this.#monotone = monotoneRelations(plan, references);
    this.#recurring = recurringRelations(references);
    for (const { index, expression } of plan.relations) {
      if (!this.isMonotone(index)) this.#findUnions(expression);
    }
  }

  isMonotone(relation: RelationIndex): boolean {
    return this.#monotone[relation] === 1;
  }

  /** False where no set of the relation can be met below itself, whatever the tuples. */
  mayRecur(relation: RelationIndex): boolean {
    return this.#recurring[relation] === 1;
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

/** By relation, those that it refers to, as often as it does and in whatever position. */
function referredTo(plan: Plan): RelationIndex[][] {
  const collect = (node: Expression): RelationIndex[] => {
    switch (node.kind) {
      case 'direct':
        return node.sets.flatMap((set) => (set.form === 'userset' ? set.target : []));
      case 'computed':
        return [node.target];
      case 'from':
        return node.paths.map(({ target }) => target);
      case 'union':
      case 'intersection':
        return node.operands.flatMap(collect);
      case 'exclusion':
        return [...collect(node.base), ...collect(node.subtract)];
    }
  };
  return plan.relations.map(({ expression }) => collect(expression));
}

function monotoneRelations(plan: Plan, references: readonly RelationIndex[][]): Uint8Array {
  const monotone = new Uint8Array(plan.relations.length).fill(1);
  const usedBy = references.map((): RelationIndex[] => []);
  references.forEach((targets, by) => {
    for (const target of targets) usedBy[target]?.push(by);
  });
  const queue = plan.relations.flatMap(({ index, expression }) =>
    isUnion(expression) ? [] : index,
  );
  for (let relation = queue.pop(); relation !== undefined; relation = queue.pop()) {
    if (monotone[relation] === 0) continue;
    monotone[relation] = 0;
    queue.push(...(usedBy[relation] ?? []));
  }
  return monotone;
}

/** Whether there is no `and` and no `but not` in it; what it refers to is another question. */
function isUnion(node: Expression): boolean {
  switch (node.kind) {
    case 'direct':
    case 'computed':
    case 'from':
      return true;
    case 'union':
      return node.operands.every(isUnion);
    case 'intersection':
    case 'exclusion':
      return false;
  }
}

/** All relations, but not those that only relations outside refer to: these are on no cycle. */
function recurringRelations(references: readonly RelationIndex[][]): Uint8Array {
  const recurring = new Uint8Array(references.length).fill(1);
  const users = new Int32Array(references.length);
  for (const target of references.flat()) users[target] = (users[target] ?? 0) + 1;
  const queue = Array.from(references.keys()).filter((relation) => users[relation] === 0);
  for (let relation = queue.pop(); relation !== undefined; relation = queue.pop()) {
    recurring[relation] = 0;
    for (const target of references[relation] ?? []) {
      const left = (users[target] ?? 0) - 1;
      users[target] = left;
      if (left === 0) queue.push(target);
    }
  }
  return recurring;
}
