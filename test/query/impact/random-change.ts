/** A world, and another model for it; chance decides what it is that changes. */
import { ResidentGraph } from '../../../src/graph/resident.js';
import { asRevision } from '../../../src/ids.js';
import type { Negation } from '../../reference/models.js';
import { Random } from '../../reference/random.js';
import { randomWorld } from '../../reference/worlds.js';
import type { Change } from './brute-force.js';
import { mutated } from './mutate.js';

export function randomChange(seed: number, negation: Negation): Change {
  const world = randomWorld(seed, negation);
  const random = new Random(seed);
  const graph = new ResidentGraph(asRevision(0), 1);
  world.steps.forEach((changes, i) => {
    graph.apply(asRevision(i + 1), changes);
  });
  let after = random.chance(0.1) ? randomWorld(seed + 1, negation).model : world.model;
  for (let changes = random.between(1, 3); changes > 0; changes -= 1)
    after = mutated(random, after);
  return {
    models: { before: world.model, after },
    graph,
    now: world.now,
    context: random.chance(0.5) ? (world.surroundings[0]?.context ?? {}) : {},
    maxDepth: random.pick([25, 25, 25, 6, 3]),
  };
}
