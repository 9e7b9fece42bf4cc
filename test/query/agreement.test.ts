/**
 * The engine against the definition (`test/reference/evaluator.ts`), in new random worlds on every
 * run. The seed stands in the test's name; `PEMBA_SEED=<seed> npm test` repeats the run, and the
 * report of a failure says how to repeat its world alone.
 */
import { describe, expect, it } from '@jest/globals';

import { compareWorld } from '../reference/compare.js';
import type { Negation } from '../reference/models.js';
import { makeEngine } from '../reference/pemba-engine.js';
import { randomWorld } from '../reference/worlds.js';

const SEED_MAX = 2 ** 31;
const seed = Number(process.env['PEMBA_SEED'] ?? Math.floor(Math.random() * SEED_MAX));

const RUNS: readonly (readonly [Negation, number])[] = [
  ['stratified', 300],
  ['free', 60],
];

describe(`agreement with the definition (PEMBA_SEED=${seed})`, () => {
  it.each(RUNS)('holds in worlds with negation %s', (negation, worlds) => {
    const asked = { check: 0, batch: 0, listObjects: 0, listUsers: 0, expand: 0 };
    for (let index = 0; index < worlds; index += 1) {
      const world = randomWorld(seed + index, negation);
      const { report, queries } = compareWorld(world, makeEngine, world.seed);
      if (report !== undefined) throw new Error(report);
      for (const kind of ['check', 'batch', 'listObjects', 'listUsers', 'expand'] as const) {
        asked[kind] += queries[kind];
      }
    }
    // Nothing agrees that was not asked.
    for (const count of Object.values(asked)) expect(count).toBeGreaterThan(worlds);
  });
});
