/**
 * Random worlds: a model, and a history of writes and deletes over a handful of objects, so few
 * that nests, diamonds and cycles arise by themselves. Besides tuples as an ordinary write would
 * admit them there are some that the model does not admit (as if written under an earlier one),
 * some that have expired or expire at this very instant, and conditions whose parameters are bound
 * by the tuple, by the request, by both, or by nobody.
 */
import type { Model, SubjectRestriction } from '../../src/schema/model.js';
import { isOfTuple } from '../../src/tuple/attributes.js';
import type { AttributesChange, StoreChange } from '../../src/tuple/attributes.js';
import { formatTupleKey } from '../../src/tuple/tuple.js';
import type {
  JsonObject,
  JsonValue,
  ObjectRef,
  RelationTuple,
  Subject,
  TupleChange,
  TupleCondition,
} from '../../src/tuple/tuple.js';
import { isAdmitted } from './admission.js';
import {
  ATTRIBUTES,
  CONDITION_NAMES,
  FIT_VALUES,
  UNFIT_VALUES,
  parametersOf,
  readsAttributes,
} from './conditions.js';
import type { Surroundings, World } from './engine.js';
import { randomModel } from './models.js';
import type { Negation } from './models.js';
import { Random } from './random.js';

export interface GeneratedWorld extends World {
  readonly seed: number;
  readonly negation: Negation;
  /** Applied in order; everything is asked again after each. */
  readonly steps: readonly (readonly StoreChange[])[];
  readonly surroundings: readonly Surroundings[];
  /** What queries name: the objects of the tuples, and some that no tuple names. */
  readonly objects: readonly ObjectRef[];
}

export const NO_SURROUNDINGS: Surroundings = { context: {}, contextualTuples: [] };

const NOW = 1_000_000;
/** Tuples for each writable node: sparse worlds answer mostly no, dense ones are all cycles. */
const DENSITIES = [0.5, 1, 2, 4];
/** Enough for the largest worlds to be dense, few enough for a thousand worlds in a minute. */
const TUPLES_MAX = 120;
/** Many are for what an engine keeps from one question to the next, and a world of them takes long. */
const EXTRA_STEPS = [0, 1, 1, 2, 2, 5];

/** Keeps the stored tuples, by their keys, in step with the changes. */
export function applyTo(stored: Map<string, RelationTuple>, changes: readonly StoreChange[]): void {
  for (const change of changes.filter(isOfTuple)) {
    const key = formatTupleKey(change.tuple);
    if (change.operation === 'delete') stored.delete(key);
    else stored.set(key, change.tuple);
  }
}

/** Only contextual tuples name the one; the other is named by queries alone. */
const NEWCOMER = 'newcomer';
const OUTSIDERS = [NEWCOMER, 'stranger'];

interface Population {
  readonly random: Random;
  readonly model: Model;
  /** Type → the ids its tuples use. */
  readonly ids: ReadonlyMap<string, readonly string[]>;
  /** The relations that can be written, of all types. */
  readonly writable: readonly {
    readonly type: string;
    readonly relation: string;
    readonly restrictions: readonly SubjectRestriction[];
  }[];
}

export function randomWorld(seed: number, negation: Negation = 'stratified'): GeneratedWorld {
  const random = new Random(seed);
  const model = randomModel(random, negation);
  const population = populate(random, model);
  const first = randomWrites(population, tupleCount(population));
  const live = new Map<string, RelationTuple>();
  const steps: (readonly StoreChange[])[] = [
    [...recordWrites(live, first), ...randomAttributes(population, [0, 0.4, 0.8])],
  ];
  const deleted: RelationTuple[] = [];
  for (let extra = random.pick(EXTRA_STEPS); extra > 0; extra -= 1) {
    const changes = randomChanges(population, live, deleted);
    steps.push([...changes, ...randomAttributes(population, [0, 0.1])]);
  }
  return {
    seed,
    negation,
    model,
    now: NOW,
    steps,
    surroundings: [
      { ...NO_SURROUNDINGS, context: randomContext(population) },
      randomSurroundings(population, live),
    ],
    objects: [...population.ids]
      .flatMap(([type, ids]) => ids.map((id) => ({ type, id })))
      .concat([...model.types.keys()].flatMap((type) => OUTSIDERS.map((id) => ({ type, id })))),
  };
}

/** Of a share of all objects, outsiders among them, where the model asks for any. */
function randomAttributes(
  { random, model, ids }: Population,
  shares: readonly number[],
): readonly AttributesChange[] {
  if (![...model.conditions.keys()].some(readsAttributes)) return [];
  const share = random.pick(shares);
  const entities = [...ids].flatMap(([type, each]) =>
    [...each, ...OUTSIDERS].map((id) => ({ type, id })),
  );
  return entities
    .filter(() => random.chance(share))
    .map((entity) => ({
      operation: 'attributes',
      entity,
      attributes: random.pick([undefined, ...ATTRIBUTES]),
    }));
}

function tupleCount({ random, ids, writable }: Population): number {
  const nodes = writable.reduce((sum, { type }) => sum + (ids.get(type)?.length ?? 0), 0);
  return Math.min(Math.ceil(nodes * random.pick(DENSITIES)), TUPLES_MAX);
}

function populate(random: Random, model: Model): Population {
  const ids = [...model.types.keys()].map((type) => {
    const names = type === 'user' ? ['anne', 'bob', 'cleo'] : ['1', '2', '3', '4'];
    return [type, names.slice(0, random.between(2, names.length))] as const;
  });
  const writable = [...model.types.values()].flatMap((type) =>
    [...type.relations.values()]
      .filter((relation) => relation.restrictions.length > 0)
      .map(({ name, restrictions }) => ({ type: type.name, relation: name, restrictions })),
  );
  return { random, model, ids: new Map(ids), writable };
}

/** Applies the writes to `live`; a tuple whose key is there already is left out. */
function recordWrites(
  live: Map<string, RelationTuple>,
  tuples: readonly RelationTuple[],
): readonly TupleChange[] {
  return tuples.flatMap((tuple): readonly TupleChange[] => {
    const key = formatTupleKey(tuple);
    if (live.has(key)) return [];
    live.set(key, tuple);
    return [{ operation: 'write', tuple }];
  });
}

function randomChanges(
  population: Population,
  live: Map<string, RelationTuple>,
  deleted: RelationTuple[],
): readonly TupleChange[] {
  const { random } = population;
  const changes: TupleChange[] = [];
  for (let count = random.between(1, 12); count > 0; count -= 1) {
    if (deleted.length > 0 && random.chance(0.2)) {
      changes.push(...recordWrites(live, [random.pick(deleted)]));
      continue;
    }
    const key = live.size > 0 && random.chance(0.6) ? random.pick([...live.keys()]) : undefined;
    const old = key === undefined ? undefined : live.get(key);
    if (key === undefined || old === undefined) {
      changes.push(...recordWrites(live, randomWrites(population, 1)));
    } else if (random.chance(0.8)) {
      live.delete(key);
      deleted.push(old);
      const { object, relation, subject } = old;
      changes.push({ operation: 'delete', tuple: { object, relation, subject } });
    } else {
      for (const again of restated(population, old)) {
        const tuple = { ...again, ...randomExpiry(random) };
        live.set(key, tuple);
        changes.push({ operation: 'write', tuple });
      }
    }
  }
  return changes;
}

function randomWrites(population: Population, count: number): readonly RelationTuple[] {
  const { random } = population;
  return Array.from({ length: count }, () => {
    const tuple = random.chance(0.07) ? outdatedTuple(population) : admittedTuple(population);
    return { ...tuple, ...randomExpiry(random) };
  });
}

function randomExpiry(random: Random): { readonly expiresAt?: number } {
  return random.chance(0.12) ? { expiresAt: NOW + random.between(-1, 1) } : {};
}

function admittedTuple(population: Population): RelationTuple {
  const { random } = population;
  const { type, relation, restrictions } = random.pick(population.writable);
  const restriction = random.pick(restrictions);
  const subject = randomSubject(population, restriction);
  // Another restriction's condition will do if it is for the same type of subject.
  const names = restrictions
    .filter((each) => each.type === restriction.type)
    .flatMap((each) => each.condition ?? []);
  const name = names.length > 0 && random.chance(0.2) ? random.pick(names) : restriction.condition;
  const condition = name === undefined ? {} : { condition: randomCondition(random, name) };
  return { object: randomObject(population, type), relation, subject, ...condition };
}

/** What an earlier model may have admitted: another subject, relation, condition or type. */
function outdatedTuple(population: Population): RelationTuple {
  const { random, model } = population;
  const { object, relation, subject } = admittedTuple(population);
  const name = random.pick([...model.conditions.keys(), 'retired']);
  switch (random.between(0, 5)) {
    case 0:
      return { object, relation: 'retired', subject };
    case 1:
      return { object, relation, subject, condition: { name, context: {} } };
    case 2:
      return { object: { type: 'robot', id: '1' }, relation, subject };
    case 3:
      return { object, relation, subject: { kind: 'wildcard', type: subject.type } };
    case 4: {
      const group = randomObject(population, random.pick([...population.ids.keys()]));
      return { object, relation, subject: { kind: 'userset', ...group, relation: 'retired' } };
    }
    default: {
      const other = random.pick(random.pick(population.writable).restrictions);
      return { object, relation, subject: randomSubject(population, other) };
    }
  }
}

function randomSubject(population: Population, restriction: SubjectRestriction): Subject {
  const { type, kind, relation } = restriction;
  switch (kind) {
    case 'object':
      return { kind, ...randomObject(population, type) };
    case 'wildcard':
      return { kind, type };
    case 'userset':
      return { kind, ...randomObject(population, type), relation };
  }
}

function randomObject({ random, ids }: Population, type: string): ObjectRef {
  return { type, id: random.pick(ids.get(type) ?? ['1']) };
}

function randomCondition(random: Random, name: string): TupleCondition {
  const bound = parametersOf(name).filter(() => random.chance(0.5));
  return { name, context: Object.fromEntries(bound.map((each) => [each, fitValue(random, each)])) };
}

function fitValue(random: Random, parameter: string): JsonValue {
  return random.pick(FIT_VALUES[parameter] ?? []);
}

function randomContext({ random }: Population): JsonObject {
  const parameters = [...new Set(CONDITION_NAMES.flatMap(parametersOf))];
  const boundShare = random.pick([0, 0.5, 0.9]);
  return Object.fromEntries(
    parameters
      .filter(() => random.chance(boundShare))
      .map((parameter) => {
        const isFit = random.chance(0.9);
        const value = isFit
          ? fitValue(random, parameter)
          : random.pick(UNFIT_VALUES[parameter] ?? []);
        return [parameter, value];
      }),
  );
}

/** Some contextual tuples are new, some stand in the place of a stored one. */
function randomSurroundings(
  population: Population,
  live: ReadonlyMap<string, RelationTuple>,
): Surroundings {
  const { random } = population;
  const ids = [...population.ids].map(([type, each]) => [type, [...each, NEWCOMER]] as const);
  const widened = { ...population, ids: new Map(ids) };
  const tuples = [
    ...Array.from({ length: random.between(1, 6) }, () => admittedTuple(widened)),
    ...random.sample([...live.values()], 6).flatMap((each) => restated(population, each)),
  ];
  const byKey = new Map(tuples.map((each) => [formatTupleKey(each), each]));
  return { context: randomContext(population), contextualTuples: [...byKey.values()] };
}

/** The tuple's key with another condition or none, whatever the model admits; at most one. */
function restated({ random, model }: Population, tuple: RelationTuple): readonly RelationTuple[] {
  const { object, relation, subject } = tuple;
  const conditions = [...model.conditions.keys()].map((name) => randomCondition(random, name));
  const candidates = [
    { object, relation, subject },
    ...conditions.map((condition) => ({ object, relation, subject, condition })),
  ];
  return random.sample(
    candidates.filter((each) => isAdmitted(model, each)),
    1,
  );
}
