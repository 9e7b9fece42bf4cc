/** Checks over HTTP, beside a bare Fastify server that takes and gives the same JSON. */
import type { TupleKey } from '../src/tuple/tuple.js';
import { Random, user } from './data.js';
import type { Benchmark, Ground } from './ground.js';
import { BUSY_COLUMNS, HttpLoad } from './http-load.js';
import { documentKey } from './landmarks.js';
import { interleave } from './measure.js';
import type { Program } from './program.js';
import { COMPARISON, column, comparisonRow } from './report.js';
import type { Row } from './report.js';
import { startEcho, startPemba } from './servers.js';
import type { ServerStart } from './servers.js';
import { bodyOf } from './wire-bodies.js';
import type { StoredWorld } from './stored-world.js';

const MANY_CONNECTIONS = 64;
const BATCH = 50;
/** Enough that a body is not always the same, few enough to hand to the generator. */
const BODIES = 500;
const BATCH_BODIES = 50;

export interface HttpCase {
  readonly name: string;
  readonly path: string;
  readonly bodies: readonly string[];
  readonly connections: number;
  readonly perRequest: number;
}

export interface Rivals {
  readonly generator: Program;
  readonly pemba: ServerStart;
  readonly echo: ServerStart;
}

export const HTTP_COLUMNS = [column('case', 'case', 'text'), ...COMPARISON, ...BUSY_COLUMNS];

export const httpBenchmark: Benchmark = {
  name: 'http',
  async run(ground) {
    const world = await ground.world();
    const cases = [
      checkCase(ground, world, 1),
      checkCase(ground, world, MANY_CONNECTIONS),
      batchCase(ground, world, 1),
      batchCase(ground, world, MANY_CONNECTIONS),
    ];
    const rows: Row[] = [];
    for (const workers of [1, 2]) {
      const rivals = await startRivals(ground, world, workers);
      for (const httpCase of cases) {
        const row = await measureCase(ground, rivals, httpCase);
        rows.push({ ...row, case: `${httpCase.name}, ${workers} worker(s)` });
      }
      await stopRivals(rivals);
    }
    return [
      {
        title: 'requests on one machine with their generator',
        note:
          'Per check; percentiles per request. The reference is a bare Fastify server, 1 process, ' +
          'same bodies.',
        columns: HTTP_COLUMNS,
        rows,
      },
    ];
  },
};

export async function startRivals(
  ground: Ground,
  world: StoredWorld,
  workers: number,
): Promise<Rivals> {
  const [generator, pemba, echo] = await Promise.all([
    ground.program('load-program.js'),
    startPemba(ground, { url: world.url, workers }),
    startEcho(ground),
  ]);
  // So that every worker has loaded the store: connections go to them in turn.
  const { path, bodies } = checkCase(ground, world, MANY_CONNECTIONS);
  const load = { path, bodies, connections: MANY_CONNECTIONS, forMs: ground.scale.loadMs };
  await new HttpLoad(generator, pemba, load).run()();
  return { generator, pemba, echo };
}

export async function stopRivals({ generator, pemba, echo }: Rivals): Promise<void> {
  await Promise.all([generator.stop(), pemba.stop(), echo.stop()]);
}

export async function measureCase(
  { scale }: Ground,
  { generator, pemba, echo }: Rivals,
  { path, bodies, connections, perRequest }: HttpCase,
): Promise<Row> {
  const load = { path, bodies, connections, forMs: scale.loadMs };
  const reference = new HttpLoad(generator, echo, load);
  const subject = new HttpLoad(generator, pemba, load);
  const comparison = await interleave(
    reference.run(perRequest),
    subject.run(perRequest),
    scale.runs,
  );
  return { ...comparisonRow(comparison), ...subject.busy() };
}

export function checkCase(ground: Ground, world: StoredWorld, connections: number): HttpCase {
  const bodies = randomKeys(ground, BODIES).map((key) => bodyOf.check(key, world.modelId));
  const path = `/stores/${world.storeId}/check`;
  return { name: `check, ${connections} connection(s)`, path, bodies, connections, perRequest: 1 };
}

function batchCase(ground: Ground, world: StoredWorld, connections: number): HttpCase {
  const keys = randomKeys(ground, BATCH * BATCH_BODIES);
  const bodies = Array.from({ length: BATCH_BODIES }, (_, i) =>
    bodyOf.batch(keys.slice(i * BATCH, (i + 1) * BATCH), world.modelId),
  );
  return {
    name: `batch-check of ${BATCH}, ${connections} connection(s)`,
    path: `/stores/${world.storeId}/batch-check`,
    bodies,
    connections,
    perRequest: BATCH,
  };
}

export function randomKeys({ scale }: Ground, count: number): readonly TupleKey[] {
  const random = new Random(19);
  const { documents, users } = scale.size;
  return Array.from({ length: count }, () =>
    documentKey(random.below(documents), 'view', user(random.zipf(users))),
  );
}
