/** Whether random worlds are worth asking. */
import { describe, expect, it } from '@jest/globals';
import { validator } from '@openfga/syntax-transformer';

import type { Model, Rewrite, SubjectRestriction } from '../../src/schema/model.js';
import { isOfTuple } from '../../src/tuple/attributes.js';
import { formatTupleKey } from '../../src/tuple/tuple.js';
import type { RelationTuple } from '../../src/tuple/tuple.js';
import { isAdmitted, isLive } from './admission.js';
import { attributesAfter } from './attributes.js';
import { Reference, union } from './evaluator.js';
import type { Negation } from './models.js';
import { applyTo, randomWorld } from './worlds.js';
import type { GeneratedWorld } from './worlds.js';

/** Fixed, so that this file tells the same every day. */
const SEEDS = Array.from({ length: 200 }, (_, index) => index + 1);

const NEGATIONS: readonly Negation[] = ['stratified', 'free'];

type Wire = Parameters<typeof validator.validateJSON>[0];

function toWire(model: Model): Wire {
  return {
    schema_version: model.schemaVersion,
    type_definitions: [...model.types.values()].map((type) => ({
      type: type.name,
      relations: Object.fromEntries(
        [...type.relations.values()].map((each) => [each.name, rewriteToWire(each.rewrite)]),
      ),
      metadata: {
        relations: Object.fromEntries(
          [...type.relations.values()].map((each) => [
            each.name,
            { directly_related_user_types: restrictionsToWire(each.restrictions) },
          ]),
        ),
      },
    })),
  } as Wire;
}

function rewriteToWire(rewrite: Rewrite): object {
  switch (rewrite.kind) {
    case 'direct':
      return { this: {} };
    case 'computed':
      return { computedUserset: { relation: rewrite.relation } };
    case 'from':
      return {
        tupleToUserset: {
          tupleset: { relation: rewrite.tupleset },
          computedUserset: { relation: rewrite.relation },
        },
      };
    case 'union':
    case 'intersection':
      return { [rewrite.kind]: { child: rewrite.operands.map(rewriteToWire) } };
    case 'exclusion':
      return {
        difference: {
          base: rewriteToWire(rewrite.base),
          subtract: rewriteToWire(rewrite.subtract),
        },
      };
  }
}

/** Without conditions: the validator stumbles over them in tuplesets. */
function restrictionsToWire(restrictions: readonly SubjectRestriction[]): readonly object[] {
  const bare = restrictions.map(({ type, kind, relation }) => ({
    type,
    ...(kind === 'wildcard' ? { wildcard: {} } : {}),
    ...(kind === 'userset' ? { relation } : {}),
  }));
  return [...new Map(bare.map((each) => [JSON.stringify(each), each])).values()];
}

/** Every truth in the world's last state, for every subject that a tuple names. */
function truthsOf(world: GeneratedWorld): Record<string, number> {
  const stored = new Map<string, RelationTuple>();
  applyTo(stored, world.steps.flat());
  const counts = { true: 0, false: 0, error: 0, undefined: 0 };
  for (const at of world.surroundings) {
    const tuples = union(stored.values(), at.contextualTuples);
    const attributes = attributesAfter(world.steps);
    const reference = new Reference({ ...world, tuples, context: at.context, attributes });
    for (const { subject } of reference.tuples) {
      for (const object of reference.objects) {
        for (const relation of world.model.types.get(object.type)?.relations.keys() ?? []) {
          counts[reference.truth(object, relation, subject)] += 1;
        }
      }
    }
  }
  return counts;
}

describe('a random world', () => {
  it('is the same each time for its seed', () => {
    expect(randomWorld(7)).toEqual(randomWorld(7));
    expect(randomWorld(7)).not.toEqual(randomWorld(8));
  });

  it.each(NEGATIONS)('has a model that OpenFGA calls valid (%s)', (negation) => {
    for (const seed of SEEDS) {
      const { model } = randomWorld(seed, negation);
      expect(() => {
        validator.validateJSON(toWire(model));
      }).not.toThrow();
    }
  });

  it('declares the conditions that its restrictions name, and no others', () => {
    for (const seed of SEEDS) {
      const { model } = randomWorld(seed);
      const named = [...model.types.values()]
        .flatMap((type) => [...type.relations.values()])
        .flatMap((relation) => relation.restrictions.flatMap((each) => each.condition ?? []));
      expect(new Set(named)).toEqual(new Set(model.conditions.keys()));
    }
  });

  it('brings contextual tuples as a request may bring them', () => {
    for (const seed of SEEDS) {
      const { model, surroundings } = randomWorld(seed);
      for (const { contextualTuples } of surroundings) {
        expect(contextualTuples.every((each) => isAdmitted(model, each))).toBe(true);
        expect(new Set(contextualTuples.map(formatTupleKey)).size).toBe(contextualTuples.length);
      }
    }
  });

  it('deletes only what is there', () => {
    for (const seed of SEEDS) {
      const live = new Set<string>();
      for (const change of randomWorld(seed).steps.flat().filter(isOfTuple)) {
        const key = formatTupleKey(change.tuple);
        if (change.operation === 'write') live.add(key);
        else expect(live.delete(key)).toBe(true);
      }
    }
  });

  it('has undefined truths only where negation is free', () => {
    const sum = { stratified: 0, free: 0 };
    for (const negation of NEGATIONS) {
      for (const seed of SEEDS) {
        sum[negation] += truthsOf(randomWorld(seed, negation))['undefined'] ?? 0;
      }
    }
    expect(sum.stratified).toBe(0);
    expect(sum.free).toBeGreaterThan(0);
  });
});

describe('random worlds together', () => {
  const worlds = SEEDS.map((seed) => randomWorld(seed));

  it('answer yes, no and with an error often enough to tell engines apart', () => {
    const total = { true: 0, false: 0, error: 0 };
    for (const truths of worlds.map(truthsOf)) {
      total.true += truths['true'] ?? 0;
      total.false += truths['false'] ?? 0;
      total.error += truths['error'] ?? 0;
    }
    const all = total.true + total.false + total.error;
    expect(total.true / all).toBeGreaterThan(0.05);
    expect(total.error / all).toBeGreaterThan(0.005);
  });

  it('hold outdated and expired tuples, deletes, and replaced conditions', () => {
    const changes = worlds.flatMap((world) =>
      world.steps.flat().map((change) => ({ world, change })),
    );
    const writes = changes.flatMap(({ world, change }) =>
      change.operation === 'write' ? [{ ...world, tuple: change.tuple }] : [],
    );
    expect(writes.some(({ model, tuple }) => !isAdmitted(model, tuple))).toBe(true);
    expect(writes.some(({ now, tuple }) => !isLive(tuple, now))).toBe(true);
    expect(writes.some(({ now, tuple }) => tuple.expiresAt === now)).toBe(true);
    expect(changes.some(({ change }) => change.operation === 'delete')).toBe(true);
    expect(writes.length).toBeGreaterThan(new Set(writes.map(nameInWorld)).size);
  });

  it('give attributes, change and take them, where a condition asks for any', () => {
    const given = worlds.map(({ steps }) => steps.flat().filter((each) => !isOfTuple(each)));
    const withSome = given.filter((changes) => changes.length > 0);
    expect(withSome.length / worlds.length).toBeGreaterThan(0.1);
    expect(withSome.some((changes) => attributesAfter([changes]).size < changes.length)).toBe(true);
  });
});

describe('the edges that nest sets', () => {
  /** Of a relation's usersets, and of tuplesets: their conditions and expiries. */
  const nesting = { userset: [] as RelationTuple[], parent: [] as RelationTuple[] };
  for (const { model, steps } of SEEDS.map((seed) => randomWorld(seed))) {
    const tuplesets = new Set(
      [...model.types.values()].flatMap((type) =>
        [...type.relations.values()].flatMap(({ rewrite }) => tuplesetsOf(rewrite)),
      ),
    );
    for (const change of steps.flat().filter(isOfTuple)) {
      if (change.operation === 'delete' || !isAdmitted(model, change.tuple)) continue;
      if (change.tuple.subject.kind === 'userset') nesting.userset.push(change.tuple);
      else if (tuplesets.has(change.tuple.relation)) nesting.parent.push(change.tuple);
    }
  }

  it.each(['userset', 'parent'] as const)('are conditional, and expire (%s)', (form) => {
    const tuples = nesting[form];
    const conditional = tuples.filter(({ condition }) => condition !== undefined);
    const expiring = tuples.filter(({ expiresAt }) => expiresAt !== undefined);
    const both = conditional.filter(({ expiresAt }) => expiresAt !== undefined);
    expect(conditional.length / tuples.length).toBeGreaterThan(0.05);
    expect(expiring.length / tuples.length).toBeGreaterThan(0.05);
    expect(both.length).toBeGreaterThan(0);
  });
});

function tuplesetsOf(rewrite: Rewrite): readonly string[] {
  switch (rewrite.kind) {
    case 'direct':
    case 'computed':
      return [];
    case 'from':
      return [rewrite.tupleset];
    case 'union':
    case 'intersection':
      return rewrite.operands.flatMap(tuplesetsOf);
    case 'exclusion':
      return [rewrite.base, rewrite.subtract].flatMap(tuplesetsOf);
  }
}

const nameInWorld = ({
  seed,
  tuple,
}: {
  readonly seed: number;
  readonly tuple: RelationTuple;
}): string => `${seed} ${formatTupleKey(tuple)}`;
