/** Delegated checks beside plain ones, and permits minted, over HTTP. */
import { writeModel } from '../src/operations/models.js';
import { createStore } from '../src/operations/stores.js';
import { modelFromDsl } from '../src/schema/dsl.js';
import { ChunkRows } from '../src/storage/chunk-rows.js';
import { importChunk } from '../src/storage/import-tuples.js';
import { parseObject, parseSubject } from '../src/tuple/tuple.js';
import type { RelationTuple } from '../src/tuple/tuple.js';
import { openAssembly } from './assembly.js';
import { Random } from './data.js';
import type { Benchmark, Ground } from './ground.js';
import { BUSY_COLUMNS, HttpLoad } from './http-load.js';
import type { Load } from './load-program.js';
import { interleave } from './measure.js';
import { COMPARISON, column, comparisonRow } from './report.js';
import type { Row, Table } from './report.js';
import { startPemba } from './servers.js';
import { userTokens } from './user-tokens.js';

const CONNECTIONS = 64;
const ORDERS = 20_000;
const CUSTOMERS = 5_000;
const BODIES = 500;

const MODEL = `model
  schema 1.1
type user
type service
  relations
    define acting_for: [user]
type scope
  relations
    define actor: [service]
    define through: [service, service:*] or actor
type shop
  relations
    define blocked: [user]
type order
  relations
    define shop: [shop]
    define customer: [user]
    define can_place: customer but not blocked from shop
type item
  relations
    define order: [order]
    define ordering_service: [service]
    define can_reserve: can_place from order and acting_for from ordering_service
`;

export const delegationBenchmark: Benchmark = {
  name: 'delegation',
  async run(ground) {
    const { url, storeId } = await storeShop(ground);
    const { settings: issuers, tokenOf } = await userTokens(ground, 'orders');
    const settings = {
      ...issuers,
      PEMBA_MASTER_KEY: Buffer.alloc(32, 1).toString('base64'),
      PEMBA_MAX_LIVE_PERMITS: '5000000',
    };
    const [server, generator] = await Promise.all([
      startPemba(ground, { url, workers: 1, settings }),
      ground.program('load-program.js'),
    ]);
    const loadOf = (load: Omit<Load, 'url' | 'connections' | 'forMs'>): HttpLoad =>
      new HttpLoad(generator, server, {
        ...load,
        connections: CONNECTIONS,
        forMs: ground.scale.loadMs,
      });
    const random = new Random(31);
    const orders = Array.from({ length: BODIES }, () => random.below(ORDERS));
    const path = `/stores/${storeId}`;
    const plain = loadOf({ path: `${path}/check`, bodies: orders.map(checkOf) });
    const delegated = loadOf({
      path: `${path}/delegated-check`,
      bodies: orders.map(delegatedCheckOf),
    });
    const minted = loadOf({
      path: `${path}/oauth/token`,
      bodies: await Promise.all(
        orders.map(async (order) => exchangeOf(await tokenOf(customerOf(order), order), order)),
      ),
      contentType: 'application/x-www-form-urlencoded',
    });
    const rows: Row[] = [];
    for (const [name, subject] of [
      ['a delegated check', delegated],
      ['a permit minted', minted],
    ] as const) {
      const comparison = await interleave(plain.run(), subject.run(), ground.scale.runs);
      const row = comparisonRow(comparison);
      rows.push({ case: name, ...row, kept: 100 / comparison.ratio, ...subject.busy() });
    }
    await Promise.all([server.stop(), generator.stop()]);
    return [tableOf(rows)];
  },
};

const tableOf = (rows: readonly Row[]): Table => ({
  title: `asked by ${CONNECTIONS} connections, one process`,
  note:
    'The reference is a plain check of the order; `kept` is its throughput by that. A delegated check ' +
    'asks for the item, and for the ceiling; a permit is decided, proved, signed and watched.',
  columns: [
    column('case', 'case', 'text'),
    ...COMPARISON,
    column('kept', 'kept', 'percent'),
    ...BUSY_COLUMNS,
  ],
  rows,
});

const customerOf = (order: number): string => `user:u${order % CUSTOMERS}`;

const checkOf = (order: number): string =>
  JSON.stringify({
    tuple_key: { user: customerOf(order), relation: 'can_place', object: `order:${order}` },
  });

const delegatedCheckOf = (order: number): string =>
  JSON.stringify({
    tuple_key: { user: customerOf(order), relation: 'can_reserve', object: `item:${order}` },
    actor: 'service:orders',
  });

const exchangeOf = (token: string, order: number): string =>
  new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    audience: 'service:inventory',
    client_id: 'orders',
    authorization_details: JSON.stringify([
      {
        type: 'urn:pemba:permission',
        actions: ['can_reserve'],
        resource: { type: 'item', id: String(order) },
      },
    ]),
  }).toString();

function* tuples(): Generator<RelationTuple> {
  yield tuple('scope:item.can_reserve', 'actor', 'service:orders');
  for (let order = 0; order < ORDERS; order++) {
    yield tuple(`order:${order}`, 'shop', `shop:${order % 50}`);
    yield tuple(`order:${order}`, 'customer', customerOf(order));
    yield tuple(`item:${order}`, 'order', `order:${order}`);
    yield tuple(`item:${order}`, 'ordering_service', 'service:orders');
  }
}

function tuple(objectName: string, relation: string, subjectName: string): RelationTuple {
  const object = parseObject(objectName);
  const subject = parseSubject(subjectName);
  if (object === undefined || subject === undefined) throw new TypeError('names are well formed');
  return { object, relation, subject };
}

async function storeShop(
  ground: Ground,
): Promise<{ readonly url: string; readonly storeId: string }> {
  const url = await ground.database('delegation');
  const { engine, close } = await openAssembly(url);
  try {
    const { id: storeId } = await createStore(engine, 'delegation');
    await writeModel(engine, storeId, modelFromDsl(MODEL));
    await importChunk(engine.database, storeId, ChunkRows.of(tuples()), new Date());
    return { url, storeId };
  } finally {
    await close();
  }
}
