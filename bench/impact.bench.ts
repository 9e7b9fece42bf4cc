/** How long it takes to tell whose access another model changes, and how long it holds its thread. */
import { Binding } from '../src/query/binding.js';
import { Budget } from '../src/query/budget.js';
import { Impact } from '../src/query/impact/impact.js';
import type { Side } from '../src/query/impact/joint-plan.js';
import type { QueryScope } from '../src/query/scope.js';
import { modelFromDsl } from '../src/schema/dsl.js';
import { compilePlan } from '../src/schema/plan.js';
import type { ResidentGraph } from '../src/graph/resident.js';
import { SCHEMA, buildGraph } from './data.js';
import type { Benchmark } from './ground.js';
import { column } from './report.js';
import type { Row } from './report.js';
import { SEED } from './scale.js';

interface Case {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

const CASES: readonly Case[] = [
  {
    name: 'one relation, under `and`',
    from: 'approver and (editor or owner)',
    to: 'approver and (editor or owner or viewer)',
  },
  {
    name: 'one relation, no `but not`',
    from: '(viewer or editor or owner or view from parent) but not banned',
    to: 'viewer or editor or owner or view from parent',
  },
  {
    name: 'viewers of folders own no view',
    from: 'define view: viewer or view from parent\ntype document',
    to: 'define view: view from parent or viewer\n    define extra: viewer\ntype document',
  },
  {
    name: 'folders inherit no more',
    from: 'define view: viewer or view from parent\ntype document',
    to: 'define view: viewer\ntype document',
  },
  {
    name: 'groups in groups no more',
    from: '[user, group#member]\ntype folder',
    to: '[user]\ntype folder',
  },
];

const LIMITS = {
  maxDepth: 25,
  maxSteps: Infinity,
  maxMs: Infinity,
  maxConditionCost: 10_000,
  maxTreeNodes: 10_000,
};

export const impactBenchmark: Benchmark = {
  name: 'impact',
  run({ scale }) {
    const graph = buildGraph(scale.size, SEED);
    const rows = CASES.map((each) => measure(graph, each));
    const table = {
      title: `another model for ${graph.tupleCount} tuples`,
      note: 'Pairs of a user and an object whose check comes to something else, all counted.',
      columns: [
        column('case', 'case', 'text'),
        column('nanoseconds', 'time', 'ns'),
        column('longest', 'longest step', 'ns'),
        column('gained', 'gained', 'count'),
        column('lost', 'lost', 'count'),
        column('grownBytes', 'memory', 'bytes'),
      ],
      rows,
    } as const;
    return Promise.resolve([table]);
  },
};

function measure(graph: ResidentGraph, { name, from, to }: Case): Row {
  if (!SCHEMA.includes(from)) throw new Error(`the schema does not say '${from}'`);
  const bindings = {
    before: new Binding(compilePlan(modelFromDsl(SCHEMA).model), graph.kinds),
    after: new Binding(compilePlan(modelFromDsl(SCHEMA.replace(from, to)).model), graph.kinds),
  };
  const scopeOf = (side: Side): QueryScope => ({
    binding: bindings[side],
    graph,
    context: {},
    now: 0,
    budget: new Budget(LIMITS, () => performance.now()),
  });
  const memory = (): number => process.memoryUsage.rss();
  const before = memory();
  let most = before;
  const start = performance.now();
  let last = start;
  let longest = 0;
  const totals = { gained: 0, lost: 0 };
  const impact = new Impact({ before: scopeOf('before'), after: scopeOf('after') }, scopeOf, {
    maxSamples: 20,
    maxSamplesOfObject: 5,
    maxChecks: 100_000,
    maxSetBytes: 256 * 2 ** 20,
  });
  for (const event of impact.run()) {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (event.kind !== 'relation') continue;
    most = Math.max(most, memory());
    totals.gained += event.named.gained;
    totals.lost += event.named.lost;
  }
  const nanoseconds = (performance.now() - start) * 1e6;
  return { case: name, nanoseconds, longest: longest * 1e6, ...totals, grownBytes: most - before };
}
