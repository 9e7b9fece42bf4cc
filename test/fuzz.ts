/**
 * The engine against the definition for as many random worlds as there is time for:
 *
 *   npm run fuzz -- --schemas 5000 [--seed 1] [--unstratified]
 *
 * World `n` of a run has the seed `seed + n`, so that each can be repeated alone. Ends with exit
 * code 1 at the first disagreement, after telling it in its smallest form.
 */
import { randomInt } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';

import { compareWorld } from './reference/compare.js';
import { makeEngine } from './reference/pemba-engine.js';
import { randomWorld } from './reference/worlds.js';

const SCHEMAS_DEFAULT = 1000;
const SEED_MAX = 2 ** 31;
/** Often enough to see that it is alive. */
const PROGRESS_MS = 3000;

const { values: options } = parseArgs({
  options: {
    schemas: { type: 'string', default: String(SCHEMAS_DEFAULT) },
    seed: { type: 'string' },
    unstratified: { type: 'boolean', default: false },
  },
});

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`--${name} ${text}`);
  return value;
}

function main(): number {
  const schemas = wholeNumber('schemas', options.schemas);
  const seed = options.seed === undefined ? randomInt(SEED_MAX) : wholeNumber('seed', options.seed);
  const negation = options.unstratified ? 'free' : 'stratified';
  console.log(`${schemas} schemas from seed ${seed}, negation ${negation}`);
  const total = { schemas: 0, changes: 0, queries: 0 };
  const start = performance.now();
  let lastProgress = start;
  const figures = (): string => {
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const { schemas: done, changes, queries } = total;
    return `${done} schemas, ${changes} tuple changes, ${queries} queries, ${seconds} s`;
  };
  while (total.schemas < schemas) {
    const world = randomWorld(seed + total.schemas, negation);
    const { changes, queries, report } = compareWorld(world, makeEngine, world.seed);
    total.schemas += 1;
    total.changes += changes;
    total.queries += Object.values(queries).reduce((sum, count) => sum + count, 0);
    if (report !== undefined) {
      console.error(`\n${report}\n\nafter ${figures()}`);
      return 1;
    }
    if (performance.now() - lastProgress >= PROGRESS_MS) {
      lastProgress = performance.now();
      console.log(figures());
    }
  }
  console.log(`all agree: ${figures()}`);
  return 0;
}

process.exitCode = main();
