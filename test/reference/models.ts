/**
 * Random models that are always valid: relations exist, tuplesets are purely direct and plain,
 * every relation has an entry point, and no cycle runs through computed relations alone.
 *
 * Relation names stand in one order for the whole model, two names to a level:
 *
 *   computed   refers to a name that stands earlier (hence no cycle of computed relations)
 *   others     refer to names of the same level or a lower one, also on other types
 *   subtract   refers to lower levels only (hence no recursion through `but not`: stratified)
 *
 * With `negation: 'free'` the last two rules are dropped and `but not` may hang on itself.
 */
import type {
  Model,
  RelationDefinition,
  Rewrite,
  SubjectRestriction,
  TypeDefinition,
} from '../../src/schema/model.js';
import { CONDITION_NAMES, conditionDefinition } from './conditions.js';
import { withEntryPoints } from './entry-points.js';
import type { Random } from './random.js';

export type Negation = 'stratified' | 'free';

const TYPE_NAMES = ['group', 'folder', 'document', 'team'];
const TUPLESET_NAMES = ['parent', 'home'];
const RELATION_NAMES = ['member', 'owner', 'editor', 'viewer', 'admin', 'blocked'];
const NAMES_PER_LEVEL = 2;
/** Operators within operators: three are enough for any two to meet under a third. Most rewrites
 * are shallow, as deep ones seldom let anybody through. */
const DEPTHS = [0, 1, 1, 1, 2, 2, 3];
/** Types besides `user`: a few more often than many, so that they meet in one another's tuples. */
const OTHER_TYPE_COUNTS = [1, 1, 2, 2, 3, 4];
/** How many relations are `everyoneBut` some: the free ones are what hangs on itself most often. */
const EXCEPTION_SHARE = { stratified: 0.2, free: 0.5 };
/** Tries at finding another operand; fewer operands result when all tries repeat one. */
const OPERAND_TRIES = 4;

/** What is settled before the rewrites are drawn: who has which relation. */
interface Skeleton {
  readonly random: Random;
  readonly negation: Negation;
  /** Half of the models have none. */
  readonly conditions: readonly string[];
  readonly typeNames: readonly string[];
  /** In the order of the header comment. */
  readonly relationNames: readonly string[];
  /** type → tupleset → the types of its restrictions. */
  readonly tuplesets: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;
  /** type → its relations that are no tuplesets. */
  readonly relations: ReadonlyMap<string, readonly string[]>;
}

/** Where a rewrite is drawn for. */
interface Place {
  readonly type: string;
  readonly relation: string;
  readonly depth: number;
  /** The highest level that may be referred to. */
  readonly levelMax: number;
}

export function randomModel(random: Random, negation: Negation): Model {
  const skeleton = randomSkeleton(random, negation);
  const types = skeleton.typeNames.map((name): TypeDefinition => {
    const tuplesets = [...(skeleton.tuplesets.get(name) ?? [])].map(([tupleset, parents]) =>
      tuplesetRelation(skeleton, tupleset, parents),
    );
    const others = (skeleton.relations.get(name) ?? []).map((relation) =>
      randomRelation(skeleton, name, relation),
    );
    const relations = [...tuplesets, ...others].map((each) => [each.name, each] as const);
    return { name, relations: new Map(relations) };
  });
  const whole = withEntryPoints(new Map(types.map((each) => [each.name, each])));
  const used = skeleton.conditions.filter((name) => isUsed(whole, name));
  return {
    schemaVersion: '1.1',
    types: whole,
    conditions: new Map(used.map((name) => [name, conditionDefinition(name)])),
  };
}

function randomSkeleton(random: Random, negation: Negation): Skeleton {
  const others = random.sample(TYPE_NAMES, random.pick(OTHER_TYPE_COUNTS));
  const typeNames = ['user', ...others];
  const relationNames = random.shuffled(RELATION_NAMES);
  const tuplesets = new Map<string, ReadonlyMap<string, readonly string[]>>();
  const relations = new Map<string, readonly string[]>();
  for (const type of typeNames) {
    const own = new Map<string, readonly string[]>();
    if (type !== 'user' && random.chance(0.7)) {
      for (const name of random.sample(TUPLESET_NAMES, random.between(1, 2))) {
        own.set(name, random.sample(random.chance(0.9) ? others : typeNames, random.between(1, 2)));
      }
    }
    tuplesets.set(type, own);
    const count = type === 'user' ? (random.chance(0.2) ? 1 : 0) : random.between(1, 3);
    const chosen = random.sample(relationNames, count);
    relations.set(
      type,
      relationNames.filter((name) => chosen.includes(name)),
    );
  }
  const conditions = random.chance(0.5) ? random.sample(CONDITION_NAMES, 2) : [];
  return { random, negation, conditions, typeNames, relationNames, tuplesets, relations };
}

function tuplesetRelation(
  skeleton: Skeleton,
  name: string,
  parents: readonly string[],
): RelationDefinition {
  const restrictions = parents.flatMap((type) =>
    perhapsConditional(skeleton, { type, kind: 'object', relation: '' }),
  );
  return { name, rewrite: { kind: 'direct' }, restrictions: distinct(restrictions) };
}

function randomRelation(skeleton: Skeleton, type: string, relation: string): RelationDefinition {
  const { random } = skeleton;
  const levelMax = skeleton.negation === 'free' ? Infinity : levelOf(skeleton, relation);
  const place = { type, relation, depth: random.pick(DEPTHS), levelMax };
  const some = [
    ...computedLeaves(skeleton, { ...place, levelMax: levelMax - 1 }),
    ...fromLeaves(skeleton, { ...place, levelMax: levelMax - 1 }),
  ];
  if (some.length > 0 && random.chance(EXCEPTION_SHARE[skeleton.negation])) {
    return everyoneBut(skeleton, relation, levelMax, some);
  }
  const rewrite = randomRewrite(skeleton, place);
  const restrictions = isDirectAnywhere(rewrite)
    ? randomRestrictions(skeleton, relation, hasDirectSubtract(rewrite) ? levelMax - 1 : levelMax)
    : [];
  return { name: relation, rewrite, restrictions };
}

/** `[user:*, …] but not some`: wildcards with exceptions, which chance alone makes too seldom. */
function everyoneBut(
  skeleton: Skeleton,
  relation: string,
  levelMax: number,
  some: readonly Rewrite[],
): RelationDefinition {
  const everyone = { type: 'user', kind: 'wildcard', relation: '' } as const;
  const others = randomRestrictions(skeleton, relation, levelMax);
  return {
    name: relation,
    rewrite: {
      kind: 'exclusion',
      base: { kind: 'direct' },
      subtract: skeleton.random.pick(some),
    },
    restrictions: distinct([everyone, ...others]),
  };
}

/** Tuplesets have no rewrite to recur through: they stand below every level. */
function levelOf(skeleton: Skeleton, relation: string): number {
  return Math.floor(skeleton.relationNames.indexOf(relation) / NAMES_PER_LEVEL);
}

function randomRewrite(skeleton: Skeleton, place: Place): Rewrite {
  const { random } = skeleton;
  if (place.depth === 0 || random.chance(0.25)) return randomLeaf(skeleton, place);
  const inner = { ...place, depth: place.depth - 1 };
  const lower = { ...inner, levelMax: place.levelMax - 1 };
  const kind = random.pick(['union', 'intersection', 'exclusion', 'exclusion'] as const);
  const operands = new Map<string, Rewrite>();
  for (let tries = 0; tries < OPERAND_TRIES; tries += 1) {
    if (operands.size >= 2 && (kind === 'exclusion' || random.chance(0.6))) break;
    const isSubtract = kind === 'exclusion' && operands.size === 1;
    const operand = randomRewrite(skeleton, isSubtract ? lower : inner);
    operands.set(JSON.stringify(operand), operand);
  }
  const [first, second] = operands.values();
  if (first === undefined || second === undefined) return first ?? randomLeaf(skeleton, place);
  if (kind === 'exclusion') return { kind, base: first, subtract: second };
  return { kind, operands: [...operands.values()] };
}

function randomLeaf(skeleton: Skeleton, place: Place): Rewrite {
  const { random } = skeleton;
  const computed = computedLeaves(skeleton, place);
  const from = fromLeaves(skeleton, place);
  const direct: Rewrite = { kind: 'direct' };
  const kinds = [[direct], [direct], computed, from, from].filter((each) => each.length > 0);
  return random.pick(random.pick(kinds));
}

function computedLeaves(skeleton: Skeleton, place: Place): readonly Rewrite[] {
  const rank = skeleton.relationNames.indexOf(place.relation);
  const names = [
    ...(skeleton.tuplesets.get(place.type)?.keys() ?? []),
    ...(skeleton.relations.get(place.type) ?? []).filter(
      (name) =>
        skeleton.relationNames.indexOf(name) < rank && levelOf(skeleton, name) <= place.levelMax,
    ),
  ];
  return names.map((relation) => ({ kind: 'computed', relation }));
}

function fromLeaves(skeleton: Skeleton, place: Place): readonly Rewrite[] {
  const leaves: Rewrite[] = [];
  for (const [tupleset, parents] of skeleton.tuplesets.get(place.type) ?? []) {
    const names = new Set(parents.flatMap((parent) => relationNamesOf(skeleton, parent)));
    for (const relation of names) {
      if (levelOf(skeleton, relation) > place.levelMax) continue;
      // The same relation upwards is the usual recursion: let it come up often.
      const copies = relation === place.relation ? 3 : 1;
      for (let copy = 0; copy < copies; copy += 1)
        leaves.push({ kind: 'from', tupleset, relation });
    }
  }
  return leaves;
}

function relationNamesOf(skeleton: Skeleton, type: string): readonly string[] {
  return [...(skeleton.tuplesets.get(type)?.keys() ?? []), ...(skeleton.relations.get(type) ?? [])];
}

function randomRestrictions(
  skeleton: Skeleton,
  relation: string,
  levelMax: number,
): readonly SubjectRestriction[] {
  const { random } = skeleton;
  const usersets = skeleton.typeNames.flatMap((type) =>
    relationNamesOf(skeleton, type)
      .filter((name) => levelOf(skeleton, name) <= levelMax)
      .flatMap((name) => (name === relation ? [name, name, name] : [name]))
      .map((name): SubjectRestriction => ({ type, kind: 'userset', relation: name })),
  );
  const anyType = (): string => (random.chance(0.8) ? 'user' : random.pick(skeleton.typeNames));
  const chosen: SubjectRestriction[] = [];
  if (random.chance(0.85)) chosen.push({ type: anyType(), kind: 'object', relation: '' });
  if (random.chance(0.5)) chosen.push({ type: anyType(), kind: 'wildcard', relation: '' });
  if (random.chance(0.7)) chosen.push(...random.sample(usersets, random.between(1, 2)));
  if (chosen.length === 0) chosen.push({ type: 'user', kind: 'object', relation: '' });
  return distinct(chosen.flatMap((each) => perhapsConditional(skeleton, each)));
}

/** The restriction as it is, with a condition, or both. */
function perhapsConditional(
  { random, conditions }: Skeleton,
  restriction: SubjectRestriction,
): readonly SubjectRestriction[] {
  if (conditions.length === 0 || random.chance(0.6)) return [restriction];
  const conditional = { ...restriction, condition: random.pick(conditions) };
  return random.chance(0.3) ? [restriction, conditional] : [conditional];
}

function distinct(restrictions: readonly SubjectRestriction[]): readonly SubjectRestriction[] {
  return [...new Map(restrictions.map((each) => [JSON.stringify(each), each])).values()];
}

function isDirectAnywhere(rewrite: Rewrite): boolean {
  return operandsOf(rewrite).some(isDirectAnywhere) || rewrite.kind === 'direct';
}

function hasDirectSubtract(rewrite: Rewrite): boolean {
  if (rewrite.kind === 'exclusion' && isDirectAnywhere(rewrite.subtract)) return true;
  return operandsOf(rewrite).some(hasDirectSubtract);
}

function operandsOf(rewrite: Rewrite): readonly Rewrite[] {
  switch (rewrite.kind) {
    case 'direct':
    case 'computed':
    case 'from':
      return [];
    case 'union':
    case 'intersection':
      return rewrite.operands;
    case 'exclusion':
      return [rewrite.base, rewrite.subtract];
  }
}

function isUsed(types: ReadonlyMap<string, TypeDefinition>, condition: string): boolean {
  return [...types.values()].some((type) =>
    [...type.relations.values()].some((relation) =>
      relation.restrictions.some((each) => each.condition === condition),
    ),
  );
}
