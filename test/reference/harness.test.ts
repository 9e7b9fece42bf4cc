/** Whether the harness finds what it is there to find. */
import { describe, expect, it } from '@jest/globals';

import { compareWorld } from './compare.js';
import type { EngineFactory } from './engine.js';
import { BUGS, walkerWith } from './walker.js';
import { randomWorld } from './worlds.js';

/** Fixed, so that this file tells the same every day; `agreement.test.ts` draws new ones. */
const FIRST_SEED = 1;
/** Within which every bug is found; most are in the first ten. */
const WORLDS = 150;
/** The walker is slow. Three thousand worlds were compared once, without a difference. */
const WORLDS_OF_THE_WALKER = 50;
/** What a failure needs at most once it is shrunk; unshrunk worlds hold some twenty tuples. */
const TUPLES_OF_A_REPORT = 8;

/** The report of the first world that finds fault with the engine. */
function firstReport(makeEngine: EngineFactory, worlds: number): string | undefined {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + worlds; seed += 1) {
    const { report } = compareWorld(randomWorld(seed), makeEngine, seed);
    if (report !== undefined) return report;
  }
  return undefined;
}

describe('the harness', () => {
  it('agrees with an independent evaluator that walks instead of solving equations', () => {
    expect(firstReport(walkerWith(undefined), WORLDS_OF_THE_WALKER)).toBeUndefined();
  });

  it.each(BUGS)('finds an evaluator whose bug is: %s', (bug) => {
    const report = firstReport(walkerWith(bug), WORLDS) ?? 'nothing found';
    expect(report).toMatch(/^World \d+ disagrees/);
    const tuples = report.split('\n').filter((line) => /^([+-]|contextual) /.test(line));
    expect(tuples.length).toBeLessThanOrEqual(TUPLES_OF_A_REPORT);
  });

  it('tells the seed with which the disagreement comes again', () => {
    const makeEngine = walkerWith('wildcard matches usersets');
    const report = firstReport(makeEngine, WORLDS) ?? '';
    const seed = Number(/--seed (\d+)$/.exec(report)?.[1]);
    expect(compareWorld(randomWorld(seed), makeEngine, seed).report).toBe(report);
  });

  it('reports an engine that throws, and an error that no condition causes', () => {
    const throwing: EngineFactory = (world) => ({
      ...bound(walkerWith(undefined)(world)),
      check: () => {
        throw new Error('out of luck');
      },
    });
    const tired: EngineFactory = (world) => ({
      ...bound(walkerWith(undefined)(world)),
      listUsers: () => ({ error: 'query_too_large' }),
    });
    expect(firstReport(throwing, 1)).toContain('out of luck');
    expect(firstReport(tired, 1)).toContain('answered: error query_too_large');
  });
});

/** The engine's methods as properties that can be spread. */
function bound(engine: ReturnType<EngineFactory>): ReturnType<EngineFactory> {
  return {
    apply: (changes) => {
      engine.apply(changes);
    },
    check: (query) => engine.check(query),
    batch: (queries) => engine.batch(queries),
    listObjects: (query) => engine.listObjects(query),
    listUsers: (query) => engine.listUsers(query),
    expand: (query) => engine.expand(query),
  };
}
