/**
 * What tests of a model can reach, for each relation:
 *
 *   a branch            a computed set, a way through a tupleset, or one kind of subject in brackets: that
 *                       somebody is in the set by it, or kept out of it, where it stands after `but not`
 *   an operand of `and` that it alone is lacking: else a model without it would pass as well
 *   the relation        that it is refused to somebody
 *
 * and that each condition holds for somebody, and for somebody does not. Whether one of two ways would
 * have been enough makes no difference. `coverage.ts` says when something counts.
 */
import type { Model, RelationDefinition, Rewrite, SubjectRestriction } from '../../schema/model.js';
import type { Position, Positions } from '../../schema/positions.js';
import { restrictionText, rewriteText } from '../../schema/rewrite-text.js';

export interface Goal {
  readonly key: string;
  /** `member from team`, `but not blocked`, `[user:*]` */
  readonly text: string;
  readonly position: Position | undefined;
}

export interface RelationGoals {
  /** `order#can_view` */
  readonly name: string;
  readonly position: Position | undefined;
  readonly goals: readonly Goal[];
}

/** Of a part of a rewrite: the operands that lead to it, by their places. */
export type PartPath = string;

export const branchKey = (relation: string, path: PartPath): string => `${relation} ${path}`;
export const restrictionKey = (relation: string, text: string): string => `${relation} [${text}]`;
export const lackingKey = (relation: string, path: PartPath): string =>
  `${relation} ${path} lacking`;
export const refusedKey = (relation: string): string => `${relation} refused`;
export const conditionKey = (name: string, holds: boolean): string => `${name} ${String(holds)}`;

export const guardedText = (subject: string, condition: string | undefined): string =>
  condition === undefined ? subject : `${subject} with ${condition}`;

export function relationGoals(
  model: Model,
  positions: Positions | undefined,
): readonly RelationGoals[] {
  return [...model.types.values()].flatMap((type) =>
    [...type.relations.values()].map((relation) => {
      const name = `${type.name}#${relation.name}`;
      const position = positions?.of(relation, 'name');
      const parts = new Parts(name, relation, positions).of(relation.rewrite, '', '');
      const refused = { key: refusedKey(name), text: 'refused to anybody', position };
      return { name, position, goals: [...parts, refused] };
    }),
  );
}

class Parts {
  readonly #name: string;
  readonly #relation: RelationDefinition;
  readonly #positions: Positions | undefined;

  constructor(name: string, relation: RelationDefinition, positions: Positions | undefined) {
    this.#name = name;
    this.#relation = relation;
    this.#positions = positions;
  }

  /** `prefix` stands before the text of a part. */
  of(rewrite: Rewrite, path: PartPath, prefix: string): readonly Goal[] {
    switch (rewrite.kind) {
      case 'direct':
        return this.#relation.restrictions.map((each) => this.#restriction(each, prefix));
      case 'computed':
      case 'from':
        return [
          {
            key: branchKey(this.#name, path),
            text: prefix + this.#text(rewrite),
            position: this.#positions?.of(rewrite, 'relation'),
          },
        ];
      case 'union':
        return rewrite.operands.flatMap((each, i) => this.of(each, `${path}.${i}`, prefix));
      case 'intersection':
        return rewrite.operands.flatMap((each, i) => [
          ...this.of(each, `${path}.${i}`, prefix),
          {
            key: lackingKey(this.#name, `${path}.${i}`),
            text: `${prefix}only ${this.#text(each)} lacking`,
            position: this.#positionOf(each),
          },
        ]);
      case 'exclusion':
        return [
          ...this.of(rewrite.base, `${path}.0`, prefix),
          ...this.of(rewrite.subtract, `${path}.1`, `${prefix}but not `),
        ];
    }
  }

  #restriction(restriction: SubjectRestriction, prefix: string): Goal {
    const text = guardedText(restrictionText(restriction), restriction.condition);
    return {
      key: restrictionKey(this.#name, text),
      text: `${prefix}[${text}]`,
      position: this.#positions?.of(restriction, 'name'),
    };
  }

  #text(rewrite: Rewrite): string {
    return rewriteText(rewrite, this.#relation.restrictions);
  }

  #positionOf(rewrite: Rewrite): Position | undefined {
    return this.#positions?.of(rewrite, 'relation') ?? this.#positions?.of(this.#relation, 'name');
  }
}
