/**
 * The benchmarks, one after the other:
 *
 *   npm run bench -- [engine memory http authentication authzen edge permits delegation writes bulk
 *                    feed impact growth overload]
 *                    [--size small|1M|10M] [--runs N] [--json FILE]
 *
 * README.md tells what each figure means.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { authenticationBenchmark } from './authentication.bench.js';
import { authzenBenchmark } from './authzen.bench.js';
import { bulkBenchmark } from './bulk.bench.js';
import { delegationBenchmark } from './delegation.bench.js';
import { edgeBenchmark } from './edge.bench.js';
import { engineBenchmark } from './engine.bench.js';
import { feedBenchmark } from './feed.bench.js';
import { Ground } from './ground.js';
import type { Benchmark } from './ground.js';
import { growthBenchmark } from './growth.bench.js';
import { httpBenchmark } from './http.bench.js';
import { impactBenchmark } from './impact.bench.js';
import { describe, thisMachine } from './machine.js';
import { memoryBenchmark } from './memory.bench.js';
import { overloadBenchmark } from './overload.bench.js';
import { UsageError, readOptions } from './options.js';
import type { Options } from './options.js';
import { permitsBenchmark } from './permits.bench.js';
import { render } from './report.js';
import type { Table } from './report.js';
import { writesBenchmark } from './writes.bench.js';

const BENCHMARKS: readonly Benchmark[] = [
  engineBenchmark,
  memoryBenchmark,
  httpBenchmark,
  authenticationBenchmark,
  authzenBenchmark,
  edgeBenchmark,
  permitsBenchmark,
  delegationBenchmark,
  writesBenchmark,
  bulkBenchmark,
  feedBenchmark,
  impactBenchmark,
  growthBenchmark,
  overloadBenchmark,
];

interface Result {
  readonly name: string;
  readonly seconds: number;
  readonly tables: readonly Table[];
}

const say = (line: string): void => {
  process.stderr.write(`bench: ${line}\n`);
};

async function runAll({ names, scale }: Options, ground: Ground): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const { name, run } of BENCHMARKS.filter((benchmark) => names.includes(benchmark.name))) {
    say(`${name}, size ${scale.name}, ${scale.runs} runs …`);
    const start = performance.now();
    const tables = await run(ground);
    const seconds = (performance.now() - start) / 1000;
    for (const table of tables) console.log(render({ ...table, title: `${name}: ${table.title}` }));
    results.push({ name, seconds, tables });
  }
  return results;
}

async function main(): Promise<number> {
  const now = new Date();
  const options = readOptions(
    BENCHMARKS.map(({ name }) => name),
    now,
  );
  const machine = thisMachine(now);
  console.log(`${describe(machine)}\n`);
  const ground = new Ground(options.scale, say);
  closeOnSignals(ground);
  try {
    const benchmarks = await runAll(options, ground);
    const { name: size, runs } = options.scale;
    mkdirSync(dirname(options.jsonFile), { recursive: true });
    const json = JSON.stringify({ machine, size, runs, benchmarks }, undefined, 2);
    writeFileSync(options.jsonFile, `${json}\n`);
    say(`figures in ${options.jsonFile}`);
    return 0;
  } finally {
    await ground.close();
  }
}

const interruption = new AbortController();

/** What was being measured fails then, and that ends the program in its order. */
function closeOnSignals(ground: Ground): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      interruption.abort();
      void ground.close().finally(() => process.exit(1));
    });
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  if (interruption.signal.aborted) process.exit(1);
  if (!(error instanceof UsageError)) throw error;
  say(error.message);
  process.exitCode = 2;
}
