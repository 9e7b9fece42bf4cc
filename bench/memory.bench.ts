/** What a tuple takes in memory, how fast a store is loaded, how soon a server answers. */
import type { Benchmark, Ground } from './ground.js';
import { interleave, median } from './measure.js';
import type { Run } from './measure.js';
import { COMPARISON, column, comparisonRow } from './report.js';
import type { Row, Table } from './report.js';
import { startEcho, startPemba } from './servers.js';
import type { ServerStart } from './servers.js';
import type { Copied, Loaded } from './snapshot-program.js';
import type { StoredWorld } from './stored-world.js';
import { documentKey } from './landmarks.js';
import { user } from './data.js';
import { bodyOf } from './wire-bodies.js';

export const memoryBenchmark: Benchmark = {
  name: 'memory',
  async run(ground) {
    const world = await ground.world();
    return [...(await loading(ground, world)), await starting(ground, world)];
  },
};

async function loading(ground: Ground, world: StoredWorld): Promise<readonly Table[]> {
  const source = { url: world.url, storeId: world.storeId };
  const loads: Loaded[] = [];
  const inFreshProcess = async <Result>(method: string): Promise<Result> => {
    const program = await ground.program('snapshot-program.js', ['--expose-gc']);
    try {
      return await program.call<Result>(method, source);
    } finally {
      await program.stop();
    }
  };
  const load: Run = async () => {
    const loaded = await inFreshProcess<Loaded>('load');
    loads.push(loaded);
    return onlyTotal((loaded.seconds * 1e9) / loaded.tuples);
  };
  const copy: Run = async () => {
    const { seconds } = await inFreshProcess<Copied>('copy');
    return onlyTotal((seconds * 1e9) / world.tuples);
  };
  const comparison = await interleave(copy, load, ground.scale.runs);
  const rate: Table = {
    title: 'loading a store from PostgreSQL',
    note: 'Per tuple. The reference is COPY of the same rows to nowhere. Fresh processes.',
    columns: [column('case', 'case', 'text'), ...TOTALS],
    rows: [{ case: 'snapshot into a graph', ...comparisonRow(comparison) }],
  };
  const perTuple = (bytes: (loaded: Loaded) => number): number =>
    median(loads.map((loaded) => bytes(loaded) / loaded.tuples));
  const space: Table = {
    title: 'space',
    note: 'Used by the graph, and what a process grows by: code, heap and reserve included.',
    columns: [
      column('tuples', 'tuples', 'count'),
      column('graphBytes', 'graph', 'bytes'),
      column('graphPerTuple', 'a tuple', 'bytes'),
      column('residentBytes', 'process', 'bytes'),
      column('residentPerTuple', 'a tuple', 'bytes'),
    ],
    rows: [
      {
        tuples: world.tuples,
        graphBytes: median(loads.map((loaded) => loaded.graphBytes)),
        graphPerTuple: perTuple((loaded) => loaded.graphBytes),
        residentBytes: median(loads.map((loaded) => loaded.residentBytes)),
        residentPerTuple: perTuple((loaded) => loaded.residentBytes),
      },
    ],
  };
  return [space, rate];
}

async function starting(ground: Ground, world: StoredWorld): Promise<Table> {
  const path = `/stores/${world.storeId}/check`;
  const body = bodyOf.check(documentKey(0, 'view', user(0)), world.modelId);
  const listening: number[] = [];
  const firstAnswer =
    (start: () => Promise<ServerStart>, heard: number[]): Run =>
    async () => {
      const began = performance.now();
      const server = await start();
      heard.push(performance.now() - began);
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(server.url + path, { method: 'POST', headers, body });
      if (!answer.ok) throw new Error(await answer.text());
      await answer.text();
      const ms = performance.now() - began;
      await server.stop();
      return onlyTotal(ms * 1e6);
    };
  const echo = firstAnswer(() => startEcho(ground), []);
  const pemba = firstAnswer(() => startPemba(ground, { url: world.url, workers: 1 }), listening);
  const comparison = await interleave(echo, pemba, ground.scale.runs);
  return {
    title: 'start',
    note: 'From the start of the process. The reference is a bare Fastify server to its first answer.',
    columns: [column('case', 'case', 'text'), ...TOTALS],
    rows: [
      { case: 'listening', perOperation: median(listening) * 1e6 },
      { case: 'first check, the store loaded for it', ...comparisonRow(comparison) },
    ] satisfies Row[],
  };
}

/** A run of one operation has no percentiles. */
const onlyTotal = (ns: number): Awaited<ReturnType<Run>> => ({
  perOperation: ns,
  p50: NaN,
  p95: NaN,
  p99: NaN,
});

const TOTALS = COMPARISON.filter(({ key }) => !/^p\d/.test(key));
