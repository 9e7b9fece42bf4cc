/**
 * A model compiled for evaluation, once and for all stores' graphs: relations get indexes, names in
 * rewrites become references, and every kind of edge that the model admits gets an index too. A plan
 * knows nothing of a graph; `query/binding.ts` maps its indexes to a graph's integers.
 */
import { compileCondition } from '../condition/compile.js';
import type { CompiledCondition } from '../condition/compile.js';
import { PembaError } from '../errors.js';
import { WILDCARD_FORM } from '../tuple/filter.js';
import type { Model, RelationDefinition, Rewrite, SubjectRestriction } from './model.js';

export type RelationIndex = number;
export type KindIndex = number;

/** Which stored edges count: plain ones, and conditional ones whose condition is named here. */
export interface Admission {
  readonly plain: boolean;
  readonly conditions: ReadonlySet<string>;
}

/** The edges of one kind that may be written to a relation. */
export type DirectSet = {
  readonly kind: KindIndex;
  readonly subjectType: string;
  readonly admission: Admission;
} & (
  | { readonly form: 'object' | 'wildcard' }
  | { readonly form: 'userset'; readonly target: RelationIndex }
);

/** One way through a tupleset: over parents of one type to a relation of theirs. */
export interface ParentPath {
  readonly kind: KindIndex;
  readonly parentType: string;
  readonly admission: Admission;
  readonly target: RelationIndex;
}

export type Expression =
  | { readonly kind: 'direct'; readonly sets: readonly DirectSet[] }
  | { readonly kind: 'computed'; readonly target: RelationIndex }
  | {
      readonly kind: 'from';
      readonly tupleset: RelationIndex;
      readonly paths: readonly ParentPath[];
    }
  | { readonly kind: 'union'; readonly operands: readonly Expression[] }
  | { readonly kind: 'intersection'; readonly operands: readonly Expression[] }
  | { readonly kind: 'exclusion'; readonly base: Expression; readonly subtract: Expression };

export interface PlanRelation {
  readonly index: RelationIndex;
  readonly type: string;
  readonly name: string;
  readonly definition: RelationDefinition;
  readonly expression: Expression;
}

/** (object type, relation, subject type, subject form), as `graph/kinds.ts` has it. */
export type PlanKind = readonly [string, string, string, string];

export interface Plan {
  readonly model: Model;
  readonly relations: readonly PlanRelation[];
  readonly kinds: readonly PlanKind[];
  readonly conditions: ReadonlyMap<string, CompiledCondition>;
  /** Whether any condition asks for attributes. */
  readonly readsAttributes: boolean;
  relation(type: string, name: string): PlanRelation | undefined;
}

export function compilePlan(model: Model): Plan {
  return new PlanCompiler(model).compile();
}

class PlanCompiler {
  readonly #model: Model;
  readonly #indexes = new Map<string, Map<string, RelationIndex>>();
  readonly #kinds: PlanKind[] = [];
  readonly #kindIndexes = new Map<string, KindIndex>();

  constructor(model: Model) {
    this.#model = model;
    let next = 0;
    for (const type of model.types.values()) {
      const indexes = new Map<string, RelationIndex>();
      for (const name of type.relations.keys()) indexes.set(name, next++);
      this.#indexes.set(type.name, indexes);
    }
  }

  compile(): Plan {
    const relations: PlanRelation[] = [];
    for (const type of this.#model.types.values()) {
      for (const definition of type.relations.values()) {
        const expression = this.#expression(type.name, definition, definition.rewrite);
        const index = relations.length;
        relations.push({ index, type: type.name, name: definition.name, definition, expression });
      }
    }
    const conditions = new Map<string, CompiledCondition>();
    for (const [name, condition] of this.#model.conditions) {
      conditions.set(name, compileCondition(condition));
    }
    return {
      model: this.#model,
      relations,
      kinds: this.#kinds,
      conditions,
      readsAttributes: [...conditions.values()].some(({ reads }) => reads.size > 0),
      relation: (type, name) => {
        const index = this.#indexes.get(type)?.get(name);
        return index === undefined ? undefined : relations[index];
      },
    };
  }

  #expression(type: string, relation: RelationDefinition, rewrite: Rewrite): Expression {
    switch (rewrite.kind) {
      case 'direct':
        return { kind: 'direct', sets: this.#directSets(type, relation) };
      case 'computed':
        return { kind: 'computed', target: this.#index(type, rewrite.relation) };
      case 'from':
        return this.#from(type, rewrite.tupleset, rewrite.relation);
      case 'union':
      case 'intersection':
        return {
          kind: rewrite.kind,
          operands: rewrite.operands.map((operand) => this.#expression(type, relation, operand)),
        };
      case 'exclusion':
        return {
          kind: 'exclusion',
          base: this.#expression(type, relation, rewrite.base),
          subtract: this.#expression(type, relation, rewrite.subtract),
        };
    }
  }

  #directSets(type: string, relation: RelationDefinition): readonly DirectSet[] {
    const sets = new Map<KindIndex, DirectSet>();
    for (const restriction of relation.restrictions) {
      const { type: subjectType, kind: form } = restriction;
      const kind = this.#kind([type, relation.name, subjectType, formOf(restriction)]);
      const admission = admissionOf(relation, restriction);
      if (sets.has(kind) || admission === undefined) continue;
      const set = { kind, subjectType, admission };
      sets.set(
        kind,
        form === 'userset'
          ? { ...set, form, target: this.#index(subjectType, restriction.relation) }
          : { ...set, form },
      );
    }
    return [...sets.values()];
  }

  #from(type: string, tupleset: string, relation: string): Expression {
    const tuplesetIndex = this.#index(type, tupleset);
    const definition = this.#model.types.get(type)?.relations.get(tupleset);
    const paths: ParentPath[] = [];
    const parentTypes = new Set(definition?.restrictions.map((restriction) => restriction.type));
    for (const parentType of parentTypes) {
      const target = this.#indexes.get(parentType)?.get(relation);
      const admission =
        definition && admissionOf(definition, { type: parentType, kind: 'object', relation: '' });
      if (target === undefined || admission === undefined) continue;
      const kind = this.#kind([type, tupleset, parentType, '']);
      paths.push({ kind, parentType, admission, target });
    }
    return { kind: 'from', tupleset: tuplesetIndex, paths };
  }

  #index(type: string, relation: string): RelationIndex {
    const index = this.#indexes.get(type)?.get(relation);
    if (index === undefined) {
      throw new PembaError('invalid_model', `relation '${type}#${relation}' is not defined`);
    }
    return index;
  }

  #kind(kind: PlanKind): KindIndex {
    const key = kind.join('\u0000');
    const known = this.#kindIndexes.get(key);
    if (known !== undefined) return known;
    this.#kindIndexes.set(key, this.#kinds.length);
    return this.#kinds.push(kind) - 1;
  }
}

const formOf = ({ kind, relation }: SubjectRestriction): string => {
  switch (kind) {
    case 'object':
      return '';
    case 'wildcard':
      return WILDCARD_FORM;
    case 'userset':
      return relation;
  }
};

/**
 * What a relation admits of one form of subject; undefined when nothing. As in OpenFGA, a condition
 * counts when *any* restriction of the same subject type names it.
 */
export function admissionOf(
  relation: RelationDefinition,
  subject: { readonly type: string; readonly kind: string; readonly relation: string },
): Admission | undefined {
  let isAdmitted = false;
  let plain = false;
  let conditions: Set<string> | undefined;
  // Asked of every tuple that is written: lists and sets would be most of what an import throws away.
  for (const { type, kind, relation: form, condition } of relation.restrictions) {
    if (type !== subject.type) continue;
    if (condition !== undefined) (conditions ??= new Set()).add(condition);
    if (kind !== subject.kind || form !== subject.relation) continue;
    isAdmitted = true;
    plain ||= condition === undefined;
  }
  return isAdmitted ? { plain, conditions: conditions ?? NO_CONDITIONS } : undefined;
}

const NO_CONDITIONS: ReadonlySet<string> = new Set();
