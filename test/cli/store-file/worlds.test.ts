/** Random worlds, written as store files that expect what the definition says of them. */
import { expect, it } from '@jest/globals';
import { tupleToWire } from '../../../src/api/openfga/wire.js';
import { runStoreFile } from '../../../src/cli/store-file/run.js';
import { admissionProblem } from '../../../src/schema/admit.js';
import { compilePlan } from '../../../src/schema/plan.js';
import { modelToWire } from '../../../src/schema/wire.js';
import { formatObject, formatSubject, formatTupleKey } from '../../../src/tuple/tuple.js';
import type { RelationTuple } from '../../../src/tuple/tuple.js';
import { attributesAfter } from '../../reference/attributes.js';
import { Reference } from '../../reference/evaluator.js';
import { Random } from '../../reference/random.js';
import { applyTo, randomWorld } from '../../reference/worlds.js';
import { reading } from './store-files.js';

const WORLDS = 20;
const CHECKS = 100;

it('random worlds answer as the definition says', async () => {
  const first = Math.floor(Math.random() * 1e6);
  const counts = { true: 0, false: 0 };
  for (let seed = first; seed < first + WORLDS; seed++) {
    const world = randomWorld(seed);
    const plan = compilePlan(world.model);
    const stored = new Map<string, RelationTuple>();
    for (const step of world.steps) applyTo(stored, step);
    const tuples = [...stored.values()].filter(
      (tuple) => admissionProblem(plan, tuple) === undefined,
    );
    const attributes = attributesAfter(world.steps);
    const context = world.surroundings[0]?.context ?? {};
    const reference = new Reference({ ...world, tuples, context, attributes });
    const random = new Random(seed);
    const subjects = tuples.map(({ subject }) => subject);
    const checks = plan.relations.flatMap(({ type, name }) =>
      world.objects
        .filter((object) => object.type === type)
        .flatMap((object) =>
          random.sample(subjects, 4).flatMap((subject) => {
            const truth = reference.truth(object, name, subject);
            if (truth === 'error') return [];
            const assertions = { [name]: truth === 'true' };
            counts[truth === 'true' ? 'true' : 'false']++;
            const asked = { user: formatSubject(subject), object: formatObject(object) };
            return { ...asked, context, assertions };
          }),
        ),
    );
    const file = {
      model_file: 'model.json',
      now: new Date(world.now).toISOString(),
      attributes: Object.fromEntries(attributes),
      tests: [{ name: 't', tuples: tuples.map(tupleToWire), check: random.sample(checks, CHECKS) }],
    };
    const result = await runStoreFile('world.fga.yaml', {
      ...reading({
        'world.fga.yaml': JSON.stringify(file),
        'model.json': JSON.stringify(modelToWire(world.model)),
      }),
      clock: () => performance.now(),
    });
    expect({ seed, problems: result.problems }).toEqual({ seed, problems: [] });
    const wrong = result.tests.flatMap(({ failures }) => failures);
    expect({ seed, wrong }).toEqual({ seed, wrong: [] });
    expect(new Set(tuples.map(formatTupleKey)).size).toBe(tuples.length);
  }
  expect(counts.true).toBeGreaterThan(WORLDS);
  expect(counts.false).toBeGreaterThan(WORLDS);
});
