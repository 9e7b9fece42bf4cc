/** The rules about what a relation's rewrite and restrictions refer to: all of it must exist. */
import { hasDirect } from './model.js';
import type {
  Model,
  RelationDefinition,
  Rewrite,
  SubjectRestriction,
  TypeDefinition,
} from './model.js';
import { didYouMean } from './nearest.js';
import type { Part, Positions } from './positions.js';
import { quote } from './problem.js';
import type { ModelProblem } from './problem.js';
import { restrictionText } from './rewrite-text.js';

export function* referenceProblems(
  model: Model,
  positions: Positions | undefined,
): Generator<ModelProblem> {
  for (const type of model.types.values()) {
    for (const relation of type.relations.values()) {
      const check = new RelationCheck(model, type, relation, positions);
      yield* check.rewrite(relation.rewrite);
      yield* check.assignability();
      for (const restriction of relation.restrictions) yield* check.restriction(restriction);
    }
  }
}

class RelationCheck {
  readonly #model: Model;
  readonly #type: TypeDefinition;
  readonly #relation: RelationDefinition;
  readonly #positions: Positions | undefined;

  constructor(
    model: Model,
    type: TypeDefinition,
    relation: RelationDefinition,
    positions: Positions | undefined,
  ) {
    this.#model = model;
    this.#type = type;
    this.#relation = relation;
    this.#positions = positions;
  }

  *rewrite(rewrite: Rewrite): Generator<ModelProblem> {
    switch (rewrite.kind) {
      case 'direct':
        return;
      case 'computed':
        yield* this.#computed(rewrite);
        return;
      case 'from':
        yield* this.#from(rewrite);
        return;
      case 'union':
      case 'intersection': {
        if (rewrite.operands.length < 2) {
          const count = rewrite.operands.length === 0 ? 'none' : 'one';
          yield this.#problem(`${rewrite.kind} must have at least two children, it has ${count}`);
        }
        for (const operand of rewrite.operands) yield* this.rewrite(operand);
        return;
      }
      case 'exclusion':
        yield* this.rewrite(rewrite.base);
        yield* this.rewrite(rewrite.subtract);
        return;
    }
  }

  /** Direct part and restrictions come together; in the DSL they cannot be apart. */
  *assignability(): Generator<ModelProblem> {
    const direct = hasDirect(this.#relation.rewrite);
    const restricted = this.#relation.restrictions.length > 0;
    if (direct && !restricted) {
      yield this.#problem(
        "has a direct part ('this') but no type may be written to it: " +
          'list at least one in directly_related_user_types',
      );
    }
    if (!direct && restricted) {
      yield this.#problem(
        'lists directly related types but has no direct part: ' +
          "add 'this' to its rewrite or remove directly_related_user_types",
      );
    }
  }

  *restriction(restriction: SubjectRestriction): Generator<ModelProblem> {
    const { type: name, kind, relation, condition } = restriction;
    const type = this.#model.types.get(name);
    if (type === undefined) {
      const hint = didYouMean(name, this.#model.types.keys());
      yield this.#problem(`type ${quote(name)} is not defined${hint}`, restriction, 'name');
    } else if (kind === 'userset' && !type.relations.has(relation)) {
      yield this.#undefinedRelation(type, relation, restriction);
    }
    if (condition !== undefined && !this.#model.conditions.has(condition)) {
      const hint = didYouMean(condition, this.#model.conditions.keys());
      const message = `condition ${quote(condition)} is not defined${hint}`;
      yield this.#problem(message, restriction, 'condition');
    }
  }

  *#computed(rewrite: Rewrite & { readonly kind: 'computed' }): Generator<ModelProblem> {
    if (rewrite.relation === this.#relation.name) {
      yield this.#problem('is defined by itself: a cycle of one', rewrite);
    } else if (!this.#type.relations.has(rewrite.relation)) {
      yield this.#undefinedRelation(this.#type, rewrite.relation, rewrite);
    }
  }

  *#from(rewrite: Rewrite & { readonly kind: 'from' }): Generator<ModelProblem> {
    const tupleset = this.#type.relations.get(rewrite.tupleset);
    if (tupleset === undefined) {
      yield this.#undefinedRelation(this.#type, rewrite.tupleset, rewrite, 'tupleset');
      return;
    }
    const notPlain = tupleset.restrictions.find(({ kind }) => kind !== 'object');
    if (tupleset.rewrite.kind !== 'direct') {
      yield this.#problem(
        `${quote(tupleset.name)} after 'from' must only be assigned directly, such as ` +
          `[${this.#type.name}]; it is computed`,
        rewrite,
        'tupleset',
      );
    } else if (notPlain !== undefined) {
      yield this.#problem(
        `${quote(tupleset.name)} after 'from' must hold plain objects only; ` +
          `it may hold ${quote(restrictionText(notPlain))}`,
        rewrite,
        'tupleset',
      );
    }
    const parents = new Set(tupleset.restrictions.map(({ type }) => type));
    const parentTypes = [...parents].flatMap((name) => this.#model.types.get(name) ?? []);
    if (parentTypes.length === 0) return;
    if (parentTypes.some(({ relations }) => relations.has(rewrite.relation))) return;
    const hint = didYouMean(
      rewrite.relation,
      parentTypes.flatMap(({ relations }) => [...relations.keys()]),
    );
    const holders = parentTypes.map(({ name }) => quote(name)).join(', ');
    yield this.#problem(
      `relation ${quote(rewrite.relation)} is not defined on any type that ` +
        `${quote(tupleset.name)} holds (${holders})${hint}`,
      rewrite,
    );
  }

  #undefinedRelation(
    type: TypeDefinition,
    name: string,
    node: object,
    part: Part = 'relation',
  ): ModelProblem {
    const hint = didYouMean(name, type.relations.keys());
    const message = `relation ${quote(name)} is not defined on type ${quote(type.name)}${hint}`;
    return this.#problem(message, node, part);
  }

  #problem(message: string, node?: object, part: Part = 'relation'): ModelProblem {
    const position =
      (node && this.#positions?.of(node, part)) ?? this.#positions?.of(this.#relation, 'name');
    return { message, type: this.#type.name, relation: this.#relation.name, position };
  }
}
