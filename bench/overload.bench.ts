/** More clients than a process can answer, with the shedding of overload and without. */
import { formatSubject } from '../src/tuple/tuple.js';
import { user } from './data.js';
import type { Benchmark, Ground } from './ground.js';
import type { Crowd, CrowdResult } from './overload-program.js';
import type { Program } from './program.js';
import { column } from './report.js';
import type { Row } from './report.js';
import { startPemba } from './servers.js';
import type { ServerStart } from './servers.js';
import type { StoredWorld } from './stored-world.js';

/** Sees some hundred documents: a few milliseconds. */
const ASKED_FOR = 100;

/** As many as keep a process busy and wait for little. */
const ENOUGH = 4;
const OVERLOAD = 4;
const PATIENCE_MS = 1000;
const LOADING_MS = 60_000;
/** As the refusal tells them to: each asks once a second. */
const PAUSE_MS = 1000;

/** Shorter on a small scale, where it would take thousands of clients to exhaust a second. */
const patienceOf = ({ scale }: Ground): number => Math.min(PATIENCE_MS, 2 * scale.loadMs);

export const overloadBenchmark: Benchmark = {
  name: 'overload',
  async run(ground) {
    const world = await ground.world();
    const patienceMs = patienceOf(ground);
    const generator = await ground.program('overload-program.js');
    const patient = await startPemba(ground, { url: world.url, workers: 1 });
    const shedding = await startPemba(ground, {
      url: world.url,
      workers: 1,
      settings: { PEMBA_MAX_LOOP_DELAY_MS: String(patienceMs / 4) },
    });
    const ask = asker(ground, world, generator);
    // The first loads the store, for which nobody here has the patience.
    await ask(shedding, 1, LOADING_MS);
    await ask(patient, 1, LOADING_MS);
    const most = await ask(shedding, ENOUGH);
    // So many that each would wait four times as long as it has patience for.
    const perSecond = most.answered / most.seconds;
    const crowd = Math.ceil((OVERLOAD * perSecond * patienceMs) / 1000);
    const rows = [
      rowOf(`${ENOUGH} clients`, most, most),
      rowOf(`${crowd} clients, shedding`, await ask(shedding, crowd), most),
      rowOf(`${crowd} clients, not shedding`, await ask(patient, crowd), most),
      rowOf(`${ENOUGH} clients, after that`, await ask(shedding, ENOUGH), most),
    ];
    await Promise.all([generator.stop(), shedding.stop(), patient.stop()]);
    return [
      {
        title: 'long lists for clients that give up after a second',
        note: 'Answers in time, a second; percentiles are theirs. The first line is the reference.',
        columns: COLUMNS,
        rows,
      },
    ];
  },
};

const COLUMNS = [
  column('case', 'case', 'text'),
  column('perSecond', 'per second', 'perSecond'),
  column('share', 'of the first', 'percent'),
  column('p50', 'p50', 'ns'),
  column('p99', 'p99', 'ns'),
  column('refused', 'refused', 'perSecond'),
  column('givenUp', 'given up', 'perSecond'),
];

const asker =
  (ground: Ground, { storeId, modelId }: StoredWorld, generator: Program) =>
  ({ url }: ServerStart, clients: number, patienceMs = patienceOf(ground)): Promise<CrowdResult> =>
    generator.call<CrowdResult>('run', {
      url,
      path: `/stores/${storeId}/list-objects`,
      body: JSON.stringify({
        authorization_model_id: modelId,
        type: 'document',
        relation: 'view',
        user: formatSubject(user(ASKED_FOR)),
      }),
      clients,
      patienceMs,
      pauseMs: PAUSE_MS,
      warmUpMs: Math.min(2 * PATIENCE_MS, 5 * ground.scale.loadMs),
      forMs: 4 * ground.scale.loadMs,
    } satisfies Crowd);

const rowOf = (name: string, result: CrowdResult, most: CrowdResult): Row => ({
  case: name,
  perSecond: result.answered / result.seconds,
  share: (100 * result.answered) / result.seconds / (most.answered / most.seconds),
  p50: result.timing.p50,
  p99: result.timing.p99,
  refused: result.refused / result.seconds,
  givenUp: result.givenUp / result.seconds,
});
