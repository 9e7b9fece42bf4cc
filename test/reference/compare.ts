/**
 * Lives through a generated world with an engine, asks it the same questions as the definition
 * after every step, and reports the first disagreement, made small.
 */
import type { RelationTuple } from '../../src/tuple/tuple.js';
import { attributesAfter } from './attributes.js';
import type { Engine, EngineFactory } from './engine.js';
import { Judge } from './judge.js';
import type { Ruling } from './judge.js';
import { printChange, printModel, printQuery } from './print.js';
import { randomQueries } from './queries.js';
import type { Query } from './queries.js';
import { shrink } from './shrink.js';
import type { Case } from './shrink.js';
import { applyTo } from './worlds.js';
import type { GeneratedWorld } from './worlds.js';

export interface Outcome {
  /** Changes applied, of tuples and of attributes. */
  readonly changes: number;
  /** Judged queries of each kind; those that the engine does not offer are not counted. */
  readonly queries: Readonly<Record<Query['kind'], number>>;
  /** The first disagreement in words. */
  readonly report?: string;
}

/** The seed decides which queries are asked. */
export function compareWorld(
  world: GeneratedWorld,
  makeEngine: EngineFactory,
  seed: number,
): Outcome {
  const asked = { check: 0, batch: 0, listObjects: 0, listUsers: 0, expand: 0 };
  const stored = new Map<string, RelationTuple>();
  const engine = makeEngine({ model: world.model, now: world.now });
  let changes = 0;
  for (const [index, step] of world.steps.entries()) {
    try {
      engine.apply(step);
    } catch (cause) {
      throw new Error(`the engine refused step ${index + 1} of world ${world.seed}`, { cause });
    }
    applyTo(stored, step);
    changes += step.length;
    const tuples = [...stored.values()];
    const attributes = attributesAfter(world.steps.slice(0, index + 1));
    const judge = new Judge(world, { tuples, attributes }, engine);
    const queries = randomQueries(world, tuples, seed + index, (check) => judge.truthOf(check));
    for (const query of queries) {
      const ruling = judge.judge(query);
      if (ruling !== 'skipped') asked[query.kind] += 1;
      if (isDisagreement(ruling)) {
        const failing = { steps: world.steps.slice(0, index + 1), query };
        return { changes, queries: asked, report: report(world, makeEngine, failing, ruling) };
      }
    }
  }
  return { changes, queries: asked };
}

type Disagreement = Exclude<Ruling, string>;

const isDisagreement = (ruling: Ruling): ruling is Disagreement => typeof ruling !== 'string';

function report(
  world: GeneratedWorld,
  makeEngine: EngineFactory,
  failing: Case,
  original: Disagreement,
): string {
  const rule = (one: Case): Ruling => judgeAlone(world, makeEngine, one);
  const isRepeatable = isDisagreement(rule(failing));
  const smallest = isRepeatable ? shrink(failing, (one) => isDisagreement(rule(one))) : failing;
  const ruling = isRepeatable ? rule(smallest) : original;
  const { expected, actual } = isDisagreement(ruling) ? ruling : original;
  const option = world.negation === 'free' ? ' --unstratified' : '';
  return [
    `World ${world.seed} disagrees with the definition.`,
    ...(isRepeatable ? [] : ['(Asked alone the query is answered rightly: earlier ones matter.)']),
    printModel(world.model),
    ...smallest.steps.flatMap((step, index) => [`step ${index + 1}`, ...step.map(printChange)]),
    `asked at ${world.now}`,
    ...printQuery(smallest.query),
    `expected: ${expected}`,
    `answered: ${actual}`,
    `repeat:   npm run fuzz -- --schemas 1 --seed ${world.seed}${option}`,
  ].join('\n');
}

function judgeAlone(world: GeneratedWorld, makeEngine: EngineFactory, one: Case): Ruling {
  const stored = new Map<string, RelationTuple>();
  const engine: Engine = makeEngine({ model: world.model, now: world.now });
  for (const step of one.steps) {
    engine.apply(step);
    applyTo(stored, step);
  }
  const attributes = attributesAfter(one.steps);
  return new Judge(world, { tuples: [...stored.values()], attributes }, engine).judge(one.query);
}
