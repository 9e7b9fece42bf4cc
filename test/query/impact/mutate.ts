/** Another model that is valid and differs from one in a single place. */
import { DEFAULT_MODEL_LIMITS } from '../../../src/schema/limits.js';
import type {
  Model,
  ModelCondition,
  RelationDefinition,
  Rewrite,
  SubjectRestriction,
  TypeDefinition,
} from '../../../src/schema/model.js';
import { hasDirect } from '../../../src/schema/model.js';
import { validateModel } from '../../../src/schema/validate.js';
import type { Random } from '../../reference/random.js';

const TRIES = 40;

/** The same model when all tries end in one that is not valid. */
export function mutated(random: Random, model: Model): Model {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const other = attempt(random, model);
    if (validateModel(other, { limits: DEFAULT_MODEL_LIMITS }).length === 0) return other;
  }
  return model;
}

function attempt(random: Random, model: Model): Model {
  if (model.conditions.size > 0 && random.chance(0.1)) return withOtherCondition(random, model);
  const type = random.pick([...model.types.values()]);
  const relations = new Map(type.relations);
  const old = relations.size > 0 ? random.pick([...relations.values()]) : undefined;
  const how = random.between(0, 9);
  if (old === undefined || how === 0) {
    const restrictions = [randomRestriction(random, model)];
    relations.set('extra', { name: 'extra', rewrite: { kind: 'direct' }, restrictions });
  } else if (how === 1) {
    relations.delete(old.name);
  } else {
    relations.set(
      old.name,
      random.chance(0.4) ? subjects(random, model, old) : rule(random, model, type, old),
    );
  }
  return { ...model, types: new Map(model.types).set(type.name, { ...type, relations }) };
}

function withOtherCondition(random: Random, model: Model): Model {
  const condition: ModelCondition = random.pick([...model.conditions.values()]);
  const expression = `!(${condition.expression})`;
  return {
    ...model,
    conditions: new Map(model.conditions).set(condition.name, { ...condition, expression }),
  };
}

function subjects(random: Random, model: Model, old: RelationDefinition): RelationDefinition {
  const { restrictions } = old;
  return {
    ...old,
    restrictions: random.chance(0.5)
      ? restrictions.filter((each) => each !== random.pick(restrictions.concat(each)))
      : [...restrictions, randomRestriction(random, model)],
  };
}

function randomRestriction(random: Random, model: Model): SubjectRestriction {
  const type = random.pick([...model.types.values()]);
  const condition =
    model.conditions.size > 0 && random.chance(0.3)
      ? { condition: random.pick([...model.conditions.keys()]) }
      : {};
  const kind = random.pick(['object', 'wildcard', 'userset'] as const);
  if (kind === 'userset' && type.relations.size > 0) {
    return {
      type: type.name,
      kind,
      relation: random.pick([...type.relations.keys()]),
      ...condition,
    };
  }
  return {
    type: type.name,
    kind: kind === 'userset' ? 'object' : kind,
    relation: '',
    ...condition,
  };
}

function rule(
  random: Random,
  model: Model,
  type: TypeDefinition,
  old: RelationDefinition,
): RelationDefinition {
  const { rewrite } = old;
  const inner =
    rewrite.kind === 'union' || rewrite.kind === 'intersection'
      ? rewrite.operands
      : rewrite.kind === 'exclusion'
        ? [rewrite.base, rewrite.subtract]
        : [];
  const next =
    inner.length > 0 && random.chance(0.3)
      ? random.pick(inner)
      : combined(random, rewrite, randomLeaf(random, model, type));
  return { ...old, rewrite: next, restrictions: hasDirect(next) ? old.restrictions : [] };
}

function combined(random: Random, rewrite: Rewrite, leaf: Rewrite): Rewrite {
  const kind = random.pick(['union', 'union', 'intersection', 'exclusion'] as const);
  if (kind === 'exclusion') return { kind, base: rewrite, subtract: leaf };
  return { kind, operands: [rewrite, leaf] };
}

function randomLeaf(random: Random, model: Model, type: TypeDefinition): Rewrite {
  const computed = [...type.relations.keys()].map((relation): Rewrite => ({
    kind: 'computed',
    relation,
  }));
  const from = [...type.relations.values()].flatMap(({ name, restrictions }) =>
    restrictions
      .filter(({ kind }) => kind === 'object')
      .flatMap((parent) => [...(model.types.get(parent.type)?.relations.keys() ?? [])])
      .map((relation): Rewrite => ({ kind: 'from', tupleset: name, relation })),
  );
  return random.pick([...computed, ...from, ...from]);
}
