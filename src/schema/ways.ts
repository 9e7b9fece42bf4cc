/**
 * The part of a plan in which membership is plain reachability: a relation is *monotone* if neither
 * it nor anything that flows into it says `and` or `but not`. Then it is enough to find one way from
 * the object to the subject, each set needs a visit at most once, and the walk may start at either
 * end. The rest is left to the tabled evaluation.
 *
 * For one form of subject, the ways out of a monotone relation are flat: computed usersets are
 * followed here and now, and ways that cannot lead to such a subject are left out.
 */
import type { Admission, Expression, KindIndex, Plan, RelationIndex } from './plan.js';
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

export class MonotoneWays {
  readonly #plan: Plan;
  readonly #reach: Reach;
  readonly #monotone: Uint8Array;
  readonly #ways = new Map<string, (Ways | undefined)[]>();

  constructor(plan: Plan, reach: Reach) {
    this.#plan = plan;
    this.#reach = reach;
    this.#monotone = monotoneRelations(plan);
  }

  isMonotone(relation: RelationIndex): boolean {
    return this.#monotone[relation] === 1;
  }

  /** By relation, filled as they are asked for; see `ways`. */
  table(subjectType: string, form: string): (Ways | undefined)[] {
    const key = `${subjectType}#${form}`;
    let table = this.#ways.get(key);
    if (table === undefined) {
      table = [];
      this.#ways.set(key, table);
    }
    return table;
  }

  /** `form` is '' for an object or a wildcard, else the relation of the userset. */
  ways(relation: RelationIndex, subjectType: string, form: string): Ways {
    const table = this.table(subjectType, form);
    return (table[relation] ??= this.#collect(relation, subjectType, form));
  }

  #collect(relation: RelationIndex, subjectType: string, form: string): Ways {
    const reached = this.#reach.reachedFrom(subjectType, form);
    const ends: End[] = [];
    const usersets: Way[] = [];
    const parents: Way[] = [];
    const same = new Set<RelationIndex>();
    const visit = (index: RelationIndex): void => {
      const found = this.#plan.relations[index];
      if (found === undefined || same.has(index)) return;
      same.add(index);
      expression(found.expression);
    };
    const expression = (node: Expression): void => {
      switch (node.kind) {
        case 'direct':
          for (const set of node.sets) {
            if (set.form === 'userset') {
              if (reached[set.target] === 1) usersets.push(set);
            } else if (form === '' && set.subjectType === subjectType) {
              const { kind, admission } = set;
              ends.push({ kind, admission, isWildcard: set.form === 'wildcard' });
            }
          }
          return;
        case 'computed':
          visit(node.target);
          return;
        case 'from':
          parents.push(...node.paths.filter(({ target }) => reached[target] === 1));
          return;
        case 'union':
          node.operands.forEach(expression);
          return;
        case 'intersection':
        case 'exclusion':
          throw new RangeError(`relation ${relation} is not monotone`);
      }
    };
    visit(relation);
    return { ends, usersets, parents, same: [...same] };
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
