/**
 * Which relations can flow into which, from a plan alone and without any tuple.
 *
 * Only positive positions count: the right side of `but not` never makes anybody a member. Both
 * answers over-estimate (every operand of `and` counts as if it were enough), so "cannot reach" is
 * certain and "can reach" is a reason to look.
 */
import type { DirectSet, Expression, ParentPath, Plan, RelationIndex } from './plan.js';

/** A relation's positive use of another one, seen from the used one. */
export type Reference =
  | { readonly kind: 'computed'; readonly by: RelationIndex }
  | { readonly kind: 'userset'; readonly by: RelationIndex; readonly set: DirectSet }
  | { readonly kind: 'from'; readonly by: RelationIndex; readonly path: ParentPath };

/** Where the tuples of a subject of some type enter the model. */
export interface EntryPoint {
  readonly relation: RelationIndex;
  readonly set: DirectSet;
}

export class Reach {
  readonly #references: Reference[][];
  readonly #entryPoints = new Map<string, EntryPoint[]>();
  readonly #reachedFrom = new Map<string, Uint8Array>();
  readonly #contributors = new Map<RelationIndex, Uint8Array>();
  readonly #plan: Plan;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#references = plan.relations.map(() => []);
    for (const relation of plan.relations) this.#collect(relation.index, relation.expression);
  }

  references(relation: RelationIndex): readonly Reference[] {
    return this.#references[relation] ?? [];
  }

  entryPoints(subjectType: string): readonly EntryPoint[] {
    return this.#entryPoints.get(subjectType) ?? [];
  }

  /**
   * By relation index, 1 where a subject of this type can be a member: an object or a wildcard
   * (`subjectRelation: ''`), or the userset `type:…#subjectRelation`.
   */
  reachedFrom(subjectType: string, subjectRelation: string): Uint8Array {
    const key = `${subjectType}#${subjectRelation}`;
    const known = this.#reachedFrom.get(key);
    if (known !== undefined) return known;
    const start =
      subjectRelation === ''
        ? this.entryPoints(subjectType).map(({ relation }) => relation)
        : [this.#plan.relation(subjectType, subjectRelation)?.index].filter((i) => i !== undefined);
    const reached = this.#closure(start, (relation) =>
      this.references(relation).map(({ by }) => by),
    );
    this.#reachedFrom.set(key, reached);
    return reached;
  }

  /** By relation index, 1 for the target itself and every relation that can flow into it. */
  contributors(target: RelationIndex): Uint8Array {
    const known = this.#contributors.get(target);
    if (known !== undefined) return known;
    const sources = this.#plan.relations.map((): RelationIndex[] => []);
    this.#references.forEach((references, from) => {
      for (const { by } of references) sources[by]?.push(from);
    });
    const contributors = this.#closure([target], (relation) => sources[relation] ?? []);
    this.#contributors.set(target, contributors);
    return contributors;
  }

  #closure(
    start: readonly RelationIndex[],
    next: (relation: RelationIndex) => readonly RelationIndex[],
  ): Uint8Array {
    const reached = new Uint8Array(this.#plan.relations.length);
    const queue = [...start];
    for (let relation = queue.pop(); relation !== undefined; relation = queue.pop()) {
      if (reached[relation] === 1) continue;
      reached[relation] = 1;
      queue.push(...next(relation));
    }
    return reached;
  }

  #collect(by: RelationIndex, expression: Expression): void {
    switch (expression.kind) {
      case 'direct':
        for (const set of expression.sets) this.#collectSet(by, set);
        return;
      case 'computed':
        this.#references[expression.target]?.push({ kind: 'computed', by });
        return;
      case 'from':
        for (const path of expression.paths) {
          this.#references[path.target]?.push({ kind: 'from', by, path });
        }
        return;
      case 'union':
      case 'intersection':
        for (const operand of expression.operands) this.#collect(by, operand);
        return;
      case 'exclusion':
        this.#collect(by, expression.base);
        return;
    }
  }

  #collectSet(by: RelationIndex, set: DirectSet): void {
    if (set.form === 'userset') {
      this.#references[set.target]?.push({ kind: 'userset', by, set });
      return;
    }
    const entryPoints = this.#entryPoints.get(set.subjectType);
    if (entryPoints === undefined) this.#entryPoints.set(set.subjectType, [{ relation: by, set }]);
    else entryPoints.push({ relation: by, set });
  }
}
