/**
 * Which relations follow a change elsewhere, and whether the same way or the opposite one: what is
 * taken away by `but not` widens when that narrows. Of several models at once, each relation refers to
 * all that it refers to in any of them. It over-estimates, as `flows.ts` does, for it sees no tuples.
 */
import type { Place, Reached } from './change.js';
import type { Model, RelationDefinition, Rewrite, TypeDefinition } from './model.js';
import type { Effect } from './normal-form.js';

/** `document#viewer` */
type Name = string;

interface Use {
  readonly by: Name;
  /** Not on the right of a `but not`. */
  readonly isPositive: boolean;
}

const nameOf = (type: string, relation: string): Name => `${type}#${relation}`;

export class Influence {
  readonly #uses = new Map<Name, Use[]>();
  readonly #models: readonly Model[];

  constructor(models: readonly Model[]) {
    this.#models = models;
    for (const model of models) {
      for (const type of model.types.values()) {
        for (const relation of type.relations.values()) {
          this.#collect({ model, type, relation }, relation.rewrite, true);
        }
      }
    }
  }

  /** Where an effect at the place leads, the place itself left out. */
  of(place: Place, effect: Effect): readonly Reached[] {
    const start = this.#startOf(place);
    const found = this.#spread(start, effect);
    if (place.relation !== undefined || place.condition === undefined) {
      for (const name of start) found.delete(name);
    }
    return [...found].map(([name, there]) => {
      const [type = '', relation = ''] = name.split('#');
      return { type, relation, effect: there };
    });
  }

  /** All that any of the relations can change, these included. */
  followersOf(relations: Iterable<string>): ReadonlySet<string> {
    return new Set(this.#spread(relations, { widens: true, narrows: true }).keys());
  }

  #spread(start: Iterable<Name>, effect: Effect): Map<Name, Effect> {
    const found = new Map<Name, Effect>();
    const queue = Array.from(start, (name) => ({ name, effect }));
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const known = found.get(next.name);
      const widens = known?.widens === true || next.effect.widens;
      const narrows = known?.narrows === true || next.effect.narrows;
      if (known?.widens === widens && known.narrows === narrows) continue;
      const reached = { widens, narrows };
      found.set(next.name, reached);
      for (const { by, isPositive } of this.#uses.get(next.name) ?? []) {
        queue.push({
          name: by,
          effect: isPositive ? reached : { widens: narrows, narrows: widens },
        });
      }
    }
    return found;
  }

  /** The relations that a place is, or that it speaks of. */
  #startOf({ type, relation, condition }: Place): ReadonlySet<Name> {
    const names = new Set<Name>();
    for (const model of this.#models) {
      for (const each of model.types.values()) {
        for (const { name, restrictions } of each.relations.values()) {
          const isIt =
            condition === undefined
              ? each.name === type && (relation === undefined || relation === name)
              : restrictions.some((restriction) => restriction.condition === condition);
          const isSubject =
            relation === undefined && restrictions.some((restriction) => restriction.type === type);
          if (isIt || isSubject) names.add(nameOf(each.name, name));
        }
      }
    }
    return names;
  }

  #collect(at: At, rewrite: Rewrite, isPositive: boolean): void {
    const { model, type, relation } = at;
    const by = nameOf(type.name, relation.name);
    const use = (name: Name): void => {
      const uses = this.#uses.get(name);
      if (uses === undefined) this.#uses.set(name, [{ by, isPositive }]);
      else uses.push({ by, isPositive });
    };
    switch (rewrite.kind) {
      case 'direct':
        for (const each of relation.restrictions) {
          if (each.kind === 'userset') use(nameOf(each.type, each.relation));
        }
        return;
      case 'computed':
        use(nameOf(type.name, rewrite.relation));
        return;
      case 'from':
        use(nameOf(type.name, rewrite.tupleset));
        for (const parent of type.relations.get(rewrite.tupleset)?.restrictions ?? []) {
          if (model.types.get(parent.type)?.relations.has(rewrite.relation) === true) {
            use(nameOf(parent.type, rewrite.relation));
          }
        }
        return;
      case 'union':
      case 'intersection':
        for (const operand of rewrite.operands) this.#collect(at, operand, isPositive);
        return;
      case 'exclusion':
        this.#collect(at, rewrite.base, isPositive);
        this.#collect(at, rewrite.subtract, !isPositive);
    }
  }
}

interface At {
  readonly model: Model;
  readonly type: TypeDefinition;
  readonly relation: RelationDefinition;
}
