/**
 * What it costs that nginx asks before each request: an nginx that asks nobody, one that asks a
 * server that says yes to everything, and one that asks Pemba.
 */
import { writeAttachments, writeModel } from '../src/operations/models.js';
import { createStore } from '../src/operations/stores.js';
import { modelFromDsl } from '../src/schema/dsl.js';
import { ChunkRows } from '../src/storage/chunk-rows.js';
import { importChunk } from '../src/storage/import-tuples.js';
import type { RelationTuple } from '../src/tuple/tuple.js';
import { openAssembly } from './assembly.js';
import type { Benchmark, Ground } from './ground.js';
import { HttpLoad } from './http-load.js';
import { interleave } from './measure.js';
import { freePort, hasNginx, startGateway, startNeighbours } from './nginx.js';
import type { Asked } from './nginx.js';
import type { Program } from './program.js';
import { COMPARISON, column, comparisonRow } from './report.js';
import type { Row, Table } from './report.js';
import { startPemba } from './servers.js';
import type { ServerStart } from './servers.js';
import { userTokens } from './user-tokens.js';

const CONNECTIONS = [1, 64];
const ORDERS = 500;
const SHOPS = 10;
const USER = { kind: 'object', type: 'user', id: 'anne' } as const;

const MODEL = `model
  schema 1.1
type user
type shop
  relations
    define blocked: [user]
type order
  relations
    define shop: [shop]
    define customer: [user]
    define can_read: customer but not blocked from shop
`;

const ROUTES = {
  routes: [{ path: '/orders/{order}', methods: ['GET'], require: ['order:{path.order}#can_read'] }],
};

export const edgeBenchmark: Benchmark = {
  name: 'edge',
  async run(ground) {
    if (!hasNginx()) {
      ground.say('edge: left out, as there is no nginx on this machine: apt-get install nginx');
      return [];
    }
    const { url, storeId } = await storeOrders(ground);
    const { settings, tokenOf } = await userTokens(ground, 'shop');
    const [pemba, generator] = await Promise.all([
      startPemba(ground, { url, workers: 1, settings }),
      ground.program('load-program.js'),
    ]);
    const [service, allowing] = [await freePort(), await freePort()];
    const neighbours = await startNeighbours(ground, { service, allowing });
    const behind = async (asked: Asked): Promise<ServerStart> =>
      startGateway(ground, { port: await freePort(), service, asked });
    const gateways = {
      nobody: await behind('nobody'),
      allowing: await behind(new URL(`http://127.0.0.1:${allowing}/`)),
      pemba: await behind(new URL(`${pemba.url}/stores/${storeId}/edge/nginx`)),
    };
    const authorization = `Bearer ${await tokenOf('user:anne', 1)}`;
    const rows: Row[] = [];
    for (const connections of CONNECTIONS) {
      rows.push(...(await compare(ground, generator, { gateways, connections, authorization })));
    }
    const started = [...Object.values(gateways), neighbours, pemba, generator];
    await Promise.all(started.map((one) => one.stop()));
    return [tableOf(rows)];
  },
};

interface Compared {
  readonly gateways: Readonly<Record<'nobody' | 'allowing' | 'pemba', ServerStart>>;
  readonly connections: number;
  readonly authorization: string;
}

async function compare(
  { scale }: Ground,
  generator: Program,
  { gateways, connections, authorization }: Compared,
): Promise<readonly Row[]> {
  const loadOf = (gateway: ServerStart): HttpLoad =>
    new HttpLoad(generator, gateway, {
      path: '/',
      paths: Array.from({ length: ORDERS }, (_, i) => `/orders/${i}`),
      bodies: Array.from({ length: ORDERS }, () => ''),
      connections,
      forMs: scale.loadMs,
      authorization,
    });
  const pairs = [
    ['who allows all, by nobody', 'allowing', 'nobody'],
    ['Pemba, by nobody', 'pemba', 'nobody'],
    ['Pemba, by who allows all', 'pemba', 'allowing'],
  ] as const;
  const rows: Row[] = [];
  for (const [name, asked, by] of pairs) {
    const [reference, subject] = [loadOf(gateways[by]), loadOf(gateways[asked])];
    const comparison = await interleave(reference.run(), subject.run(), scale.runs);
    const row = { ...comparisonRow(comparison), kept: 100 / comparison.ratio };
    rows.push({ ...row, case: `${name}, ${connections} connection(s)` });
  }
  return rows;
}

const tableOf = (rows: readonly Row[]): Table => ({
  title: 'requests through nginx that asks',
  note:
    'The file of docs/gateways, connections kept. The reference is the nginx that asks the other one; ' +
    '`kept` is its throughput by that.',
  columns: [column('case', 'asks', 'text'), ...COMPARISON, column('kept', 'kept', 'percent')],
  rows,
});

function* tuples(): Generator<RelationTuple> {
  for (let i = 0; i < ORDERS; i++) {
    const object = { type: 'order', id: String(i) };
    const subject = { kind: 'object', type: 'shop', id: String(i % SHOPS) } as const;
    yield { object, relation: 'customer', subject: USER };
    yield { object, relation: 'shop', subject };
  }
}

async function storeOrders(
  ground: Ground,
): Promise<{ readonly url: string; readonly storeId: string }> {
  const url = await ground.database('edge');
  const { engine, close } = await openAssembly(url);
  try {
    const { id: storeId } = await createStore(engine, 'edge');
    await writeModel(engine, storeId, modelFromDsl(MODEL));
    await writeAttachments(engine, storeId, { route_table: ROUTES }, {});
    await importChunk(engine.database, storeId, ChunkRows.of(tuples()), new Date());
    return { url, storeId };
  } finally {
    await close();
  }
}
