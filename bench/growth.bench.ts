/** How checks and memory grow with the graph, and an HTTP server's answers with its clients. */
import { Asker } from './asker.js';
import type { Benchmark, Ground } from './ground.js';
import { checkCase, HTTP_COLUMNS, measureCase, startRivals, stopRivals } from './http.bench.js';
import { interleave, timedLoop } from './measure.js';
import { pointerChase } from './pointer-chase.js';
import { Questions } from './questions.js';
import { COMPARISON, column, comparisonRow } from './report.js';
import type { Row } from './report.js';
import { SEED } from './scale.js';
import type { WorldSize } from './data.js';
import { surveyedGraph } from './survey.js';

const CONNECTIONS = [1, 4, 16, 64] as const;

export const growthBenchmark: Benchmark = {
  name: 'growth',
  async run(ground) {
    const bySize: Row[] = [];
    for (const size of ground.scale.ladder) bySize.push(await measureSize(ground, size));
    const world = await ground.world();
    const rivals = await startRivals(ground, world, 1);
    const byClients: Row[] = [];
    for (const connections of CONNECTIONS) {
      const row = await measureCase(ground, rivals, checkCase(ground, world, connections));
      byClients.push({ ...row, case: `check, ${connections} connection(s)` });
    }
    await stopRivals(rivals);
    return [
      {
        title: 'by tuples: mixed checks, half yes',
        note: 'The reference is one dependent random read of an array as large as the graph.',
        columns: [
          column('tuples', 'tuples', 'count'),
          column('bytes', 'graph', 'bytes'),
          column('bytesPerTuple', 'a tuple', 'bytes'),
          ...COMPARISON,
        ],
        rows: bySize,
      },
      {
        title: 'by clients: check over HTTP',
        note: 'The reference is a bare Fastify server with as many clients.',
        columns: HTTP_COLUMNS,
        rows: byClients,
      },
    ];
  },
};

async function measureSize({ scale }: Ground, size: WorldSize): Promise<Row> {
  const { graph, survey } = surveyedGraph(size, SEED);
  const asker = new Asker(graph);
  const keys = new Questions(asker, survey, scale).mixed();
  const comparison = await interleave(
    timedLoop(pointerChase(graph.bytes), scale.loopMs),
    timedLoop((first, count) => {
      let yes = 0;
      for (let i = first; i < first + count; i++) {
        const key = keys[i % keys.length];
        if (key !== undefined && asker.check(key)) yes++;
      }
      return yes;
    }, scale.loopMs),
    scale.runs,
  );
  return {
    tuples: graph.tupleCount,
    bytes: graph.bytes,
    bytesPerTuple: graph.bytes / graph.tupleCount,
    ...comparisonRow(comparison),
  };
}
