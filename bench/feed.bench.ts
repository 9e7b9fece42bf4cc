/** From a write in one process to an answer with it in another. */
import { newStore, openAssembly } from './assembly.js';
import type { Benchmark, Ground } from './ground.js';
import { interleave, median, timingOf } from './measure.js';
import type { Run, Timing } from './measure.js';
import type { Program } from './program.js';
import type { Sent } from './replica-program.js';
import { column } from './report.js';
import type { Row } from './report.js';

export const feedBenchmark: Benchmark = {
  name: 'feed',
  async run(ground) {
    const { writer, reader } = await openProcesses(ground);
    const { notices, runs } = ground.scale;
    let serial = 0;
    const acknowledgements: Timing[] = [];
    const run =
      (send: string, watch: string, noted?: Timing[]): Run =>
      async () => {
        const latencies: number[] = [];
        const sinceAcknowledged: number[] = [];
        for (let i = 0; i < notices; i++) {
          const n = serial++;
          await reader.call(watch, n);
          const { sentAt, acknowledgedAt } = await writer.call<Sent>(send, n);
          const seenAt = await reader.call<number>('seen');
          latencies.push((seenAt - sentAt) * 1000);
          sinceAcknowledged.push((seenAt - acknowledgedAt) * 1000);
        }
        noted?.push(timingOf(sinceAcknowledged, mean(sinceAcknowledged)));
        return timingOf(latencies, mean(latencies));
      };
    const noticed = await interleave(
      run('notify', 'listen'),
      run('write', 'watch', acknowledgements),
      runs,
    );
    await writer.stop();
    await reader.stop();
    const measured = acknowledgements.slice(1); // the first run warmed up
    const middle = (of: (timing: Timing) => number): number => median(measured.map(of));
    const rows: Row[] = [
      { case: 'sent → visible elsewhere', ...noticed },
      {
        case: 'acknowledged → visible elsewhere',
        p50: middle(({ p50 }) => p50),
        p95: middle(({ p95 }) => p95),
        p99: middle(({ p99 }) => p99),
        perOperation: middle(({ perOperation }) => perOperation),
      },
    ];
    return [
      {
        title: 'a change in another process',
        note:
          'The reference is a bare NOTIFY, from its sending to its arrival. Below 0: seen there ' +
          'before the writer heard of its own commit.',
        columns: COLUMNS,
        rows,
      },
    ];
  },
};

const COLUMNS = [
  column('case', 'case', 'text'),
  column('perOperation', 'mean', 'ns'),
  column('p50', 'p50', 'ns'),
  column('p95', 'p95', 'ns'),
  column('p99', 'p99', 'ns'),
  column('reference', 'reference', 'ns'),
  column('ratio', 'ratio', 'ratio'),
  column('p50Ratio', 'of p50s', 'ratio'),
];

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

async function openProcesses(
  ground: Ground,
): Promise<{ readonly writer: Program; readonly reader: Program }> {
  const url = await ground.database('feed');
  const { engine, close } = await openAssembly(url);
  const store = await newStore(engine);
  await close();
  const [writer, reader] = await Promise.all([
    ground.program('replica-program.js'),
    ground.program('replica-program.js'),
  ]);
  await writer.call('open', { ...store, url });
  await reader.call('open', { ...store, url });
  return { writer, reader };
}
