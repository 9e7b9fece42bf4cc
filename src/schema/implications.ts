/**
 * The implications of a model: for each branch of a rule that holds because a service acts for the
 * user, which service that is and which rights of the user it takes besides. Of
 *
 *   define can_reserve: staff from warehouse or (can_place from order and acting_for from seller)
 *
 * the branch in parentheses is one: the service is the item's seller, and the user must have
 * `can_place` on the item's order. Alternatives beside a branch are no part of it; operands of `and`
 * and what is taken away by `but not` are.
 *
 * What is found comes from the rule itself. Relations that merely pass an implication on are for
 * `reach.ts` to tell.
 */
import { ACTING_FOR } from '../tuple/delegation.js';
import { moduleOf } from './model.js';
import type { Model, RelationDefinition, Rewrite, TypeDefinition } from './model.js';
import { rewriteText } from './rewrite-text.js';

export interface RelationRef {
  readonly type: string;
  readonly relation: string;
  /** Who owns it, in a model of modules. */
  readonly module: string | undefined;
}

/** What the user must have besides: one operand of an `and`. */
export interface Need {
  readonly rule: string;
  /** The relations that it speaks of. */
  readonly relations: readonly RelationRef[];
}

export interface Implication extends RelationRef {
  /** The branch, as the DSL has it. */
  readonly rule: string;
  /** The relation of the type whose tuples name the service; undefined where the object is one. */
  readonly serviceRelation: string | undefined;
  readonly needs: readonly Need[];
}

export interface Implications {
  readonly list: readonly Implication[];
  /** Whether these are all. */
  readonly isComplete: boolean;
}

export function implicationsOf(model: Model): Implications {
  const { list, isComplete } = branchesOf(model);
  return { list: list.map((branch) => implicationOf(model, branch)), isComplete };
}

export interface ImplicationChanges {
  readonly added: readonly Implication[];
  readonly removed: readonly Implication[];
}

/** What the second model implies and the first does not, and the other way round. */
export function implicationChanges(before: Model | undefined, after: Model): ImplicationChanges {
  const old = byIdentity(before);
  const young = byIdentity(after);
  return {
    added: [...young].flatMap(([key, one]) => (old.has(key) ? [] : [one])),
    removed: [...old].flatMap(([key, one]) => (young.has(key) ? [] : [one])),
  };
}

const byIdentity = (model: Model | undefined): ReadonlyMap<string, Implication> =>
  new Map(model && implicationsOf(model).list.map((one) => [identity(one), one]));

const identity = ({ type, relation, rule }: Implication): string => `${type}#${relation}: ${rule}`;

/** A relation's rewrite, or something in it. */
export interface RelationPart {
  readonly type: TypeDefinition;
  readonly relation: RelationDefinition;
  readonly rewrite: Rewrite;
}

/** A way through a rewrite to a place that says `acting_for`: the rewrite without alternatives to it. */
export interface Branch extends RelationPart {
  /** Where it ends. */
  readonly leaf: Rewrite;
  /** The other operands of each `and` on the way. */
  readonly needs: readonly Rewrite[];
}

/**
 * Parts of all branches together. A model has some ten thousand parts at most, and branches share few
 * of them, unless a rule is made to multiply.
 */
const PARTS_MAX = 100_000;

export interface Branches {
  readonly list: readonly Branch[];
  readonly isComplete: boolean;
}

export function branchesOf(model: Model): Branches {
  const list: Branch[] = [];
  let parts = 0;
  for (const branch of allBranches(model)) {
    parts += partCount(branch.rewrite);
    if (parts > PARTS_MAX) return { list, isComplete: false };
    list.push(branch);
  }
  return { list, isComplete: true };
}

function partCount(rewrite: Rewrite): number {
  switch (rewrite.kind) {
    case 'direct':
    case 'computed':
    case 'from':
      return 1;
    case 'union':
    case 'intersection':
      return rewrite.operands.reduce((sum, operand) => sum + partCount(operand), 1);
    case 'exclusion':
      return 1 + partCount(rewrite.base) + partCount(rewrite.subtract);
  }
}

function* allBranches(model: Model): Generator<Branch> {
  const service = model.types.get(ACTING_FOR.type);
  if (service?.relations.has(ACTING_FOR.relation) !== true) return;
  for (const type of model.types.values()) {
    for (const relation of type.relations.values()) {
      if (type === service && relation.name === ACTING_FOR.relation) continue;
      for (const way of waysIn(relation.rewrite, (leaf) => saysActingFor(type, relation, leaf))) {
        yield { type, relation, ...way };
      }
    }
  }
}

type Way = Pick<Branch, 'rewrite' | 'leaf' | 'needs'>;

/** What is subtracted never makes anybody a member, so no way goes there. */
function* waysIn(rewrite: Rewrite, isEnd: (leaf: Rewrite) => boolean): Generator<Way> {
  switch (rewrite.kind) {
    case 'direct':
    case 'computed':
    case 'from':
      if (isEnd(rewrite)) yield { rewrite, leaf: rewrite, needs: [] };
      return;
    case 'union':
      for (const operand of rewrite.operands) yield* waysIn(operand, isEnd);
      return;
    case 'intersection':
      yield* waysThrough(rewrite.operands, isEnd);
      return;
    case 'exclusion':
      for (const way of waysIn(rewrite.base, isEnd)) {
        yield { ...way, rewrite: { ...rewrite, base: way.rewrite } };
      }
  }
}

/** Of an `and`: by the first operand that has any, for each holds only together with the others. */
function* waysThrough(
  operands: readonly Rewrite[],
  isEnd: (leaf: Rewrite) => boolean,
): Generator<Way> {
  for (const [i, operand] of operands.entries()) {
    let isWay = false;
    for (const way of waysIn(operand, isEnd)) {
      isWay = true;
      yield {
        leaf: way.leaf,
        rewrite: { kind: 'intersection', operands: operands.with(i, way.rewrite) },
        needs: [...way.needs, ...operands.toSpliced(i, 1)],
      };
    }
    if (isWay) return;
  }
}

function saysActingFor(type: TypeDefinition, relation: RelationDefinition, leaf: Rewrite): boolean {
  switch (leaf.kind) {
    case 'from':
      return leaf.relation === ACTING_FOR.relation && holdsServices(type, leaf.tupleset);
    case 'computed':
      return leaf.relation === ACTING_FOR.relation && type.name === ACTING_FOR.type;
    case 'direct':
      return relation.restrictions.some(isActingForSet);
    default:
      return false;
  }
}

/** Whether the objects that the relation's tuples name can be services. */
export const holdsServices = (type: TypeDefinition, relation: string): boolean =>
  type.relations
    .get(relation)
    ?.restrictions.some(({ type: name, kind }) => name === ACTING_FOR.type && kind === 'object') ===
  true;

const isActingForSet = ({ type, relation }: RelationDefinition['restrictions'][number]): boolean =>
  type === ACTING_FOR.type && relation === ACTING_FOR.relation;

function implicationOf(model: Model, branch: Branch): Implication {
  const { type, relation, rewrite, leaf, needs } = branch;
  const { restrictions } = relation;
  const onTheWay = leaf.kind === 'direct' ? restrictions.filter(isActingForSet) : restrictions;
  return {
    ...refTo(model, type.name, relation.name),
    rule: rewriteText(rewrite, onTheWay),
    serviceRelation: serviceRelationOf(relation, leaf),
    needs: needs.map((need) => ({
      rule: rewriteText(need, restrictions),
      relations: [...relationsIn(model, { type, relation, rewrite: need })],
    })),
  };
}

function serviceRelationOf(relation: RelationDefinition, leaf: Rewrite): string | undefined {
  if (leaf.kind === 'from') return leaf.tupleset;
  return leaf.kind === 'direct' ? relation.name : undefined;
}

const refTo = (model: Model, type: string, relation: string): RelationRef => ({
  type,
  relation,
  module: moduleOf(model, type, relation),
});

/** What the part refers to in places that can make somebody a member. */
export function* relationsIn(model: Model, part: RelationPart): Generator<RelationRef> {
  const { type, relation, rewrite } = part;
  switch (rewrite.kind) {
    case 'direct':
      for (const { kind, ...set } of relation.restrictions) {
        if (kind === 'userset') yield refTo(model, set.type, set.relation);
      }
      return;
    case 'computed':
      yield refTo(model, type.name, rewrite.relation);
      return;
    case 'from': {
      const held = type.relations.get(rewrite.tupleset)?.restrictions ?? [];
      for (const name of new Set(held.map((restriction) => restriction.type))) {
        if (model.types.get(name)?.relations.has(rewrite.relation) !== true) continue;
        yield refTo(model, name, rewrite.relation);
      }
      return;
    }
    case 'union':
    case 'intersection':
      for (const operand of rewrite.operands)
        yield* relationsIn(model, { ...part, rewrite: operand });
      return;
    case 'exclusion':
      yield* relationsIn(model, { ...part, rewrite: rewrite.base });
  }
}
