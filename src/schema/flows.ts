/**
 * Which stored tuples can change who is in a set, from a plan alone: by the object type and the
 * relation they are written to, `document#viewer`. Unlike `reach.ts`, which asks who can ever be a
 * member, this looks at both sides of `but not`.
 *
 * Both answers over-estimate, so what is not in them cannot matter, whatever the other tuples say.
 */
import type { Expression, Plan, RelationIndex } from './plan.js';

export interface Flows {
  /** Adding one of these may let somebody in. */
  readonly added: ReadonlySet<string>;
  /** Removing one of these may, because somebody was kept out by it. */
  readonly removed: ReadonlySet<string>;
}

export const NO_FLOWS: Flows = { added: new Set(), removed: new Set() };

/** Expressions belong to one plan, and go with it. */
const known = new WeakMap<Expression, Flows>();

export const flowKind = (type: string, relation: string): string => `${type}#${relation}`;

/** Into the sets that an expression of the plan defines. */
export function flowsOf(plan: Plan, expression: Expression): Flows {
  let flows = known.get(expression);
  if (flows === undefined) {
    flows = new FlowCollector(plan, expression);
    known.set(expression, flows);
  }
  return flows;
}

/** `type#relation` of the tuples that may let somebody into a set of this relation when added. */
export function flowsInto(plan: Plan, type: string, relation: string): ReadonlySet<string> {
  const found = plan.relation(type, relation);
  return found === undefined ? NO_FLOWS.added : flowsOf(plan, found.expression).added;
}

class FlowCollector implements Flows {
  readonly added = new Set<string>();
  readonly removed = new Set<string>();
  readonly #plan: Plan;
  readonly #seen = { added: new Set<RelationIndex>(), removed: new Set<RelationIndex>() };

  constructor(plan: Plan, expression: Expression) {
    this.#plan = plan;
    this.#expression(expression, 'added');
  }

  #relation(index: RelationIndex, side: keyof Flows): void {
    const relation = this.#plan.relations[index];
    if (relation === undefined || this.#seen[side].has(index)) return;
    this.#seen[side].add(index);
    this.#expression(relation.expression, side);
  }

  #expression(expression: Expression, side: keyof Flows): void {
    switch (expression.kind) {
      case 'direct':
        for (const set of expression.sets) {
          const [type, relation] = this.#plan.kinds[set.kind] ?? [];
          if (type !== undefined && relation !== undefined) {
            this[side].add(flowKind(type, relation));
          }
          if (set.form === 'userset') this.#relation(set.target, side);
        }
        return;
      case 'computed':
        this.#relation(expression.target, side);
        return;
      case 'from':
        if (expression.paths.length > 0) this.#relation(expression.tupleset, side);
        for (const { target } of expression.paths) this.#relation(target, side);
        return;
      case 'union':
      case 'intersection':
        for (const operand of expression.operands) this.#expression(operand, side);
        return;
      case 'exclusion':
        this.#expression(expression.base, side);
        this.#expression(expression.subtract, side === 'added' ? 'removed' : 'added');
        return;
    }
  }
}
