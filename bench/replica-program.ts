/** One of two processes on one database, that writes or that watches for what the other wrote. */
import { Client } from 'pg';
import { check } from '../src/operations/check.js';
import { write } from '../src/operations/write.js';
import type { RelationTuple } from '../src/tuple/tuple.js';
import { openAssembly } from './assembly.js';
import type { BenchStore, OpenAssembly } from './assembly.js';
import { user } from './data.js';
import { answerCalls } from './program.js';

export interface Sent {
  /** Microseconds of the clock that all processes of the machine share. */
  readonly sentAt: number;
  readonly acknowledgedAt: number;
}

const CHANNEL = 'bench_notice';

let assembly: OpenAssembly | undefined;
let listener: Client | undefined;
let store: BenchStore | undefined;
let seen: Promise<number> | undefined;

/** In every process of the machine the same; microseconds, as a message can carry them. */
const sharedClock = (): number => Number(process.hrtime.bigint() / 10n) / 100;

async function open(given: BenchStore & { readonly url: string }): Promise<void> {
  store = given;
  assembly = await openAssembly(given.url);
  listener = new Client(given.url);
  await listener.connect();
  await listener.query(`LISTEN ${CHANNEL}`);
  // Loads the store.
  await isVisible(-1);
}

const opened = (): BenchStore & { readonly engine: OpenAssembly['engine']; client: Client } => {
  if (assembly === undefined || store === undefined || listener === undefined) {
    throw new Error('not open');
  }
  return { ...store, engine: assembly.engine, client: listener };
};

const tupleOf = (n: number): RelationTuple => ({
  object: { type: 'document', id: `notice-${n}` },
  relation: 'viewer',
  subject: user(n),
});

async function isVisible(n: number): Promise<boolean> {
  const { engine, storeId, modelId } = opened();
  const answer = await check(engine, {
    storeId,
    modelId,
    key: { ...tupleOf(n), relation: 'view' },
    consistency: { kind: 'minimize_latency' },
    contextualTuples: [],
    context: {},
  });
  return answer.result;
}

async function writeOne(n: number): Promise<Sent> {
  const { engine, storeId, modelId } = opened();
  const sentAt = sharedClock();
  await write(engine, {
    storeId,
    modelId,
    deletes: [],
    writes: [tupleOf(n)],
    onMissing: 'error',
    onDuplicate: 'error',
  });
  return { sentAt, acknowledgedAt: sharedClock() };
}

/** Asks its own graph again and again, in each turn of the event loop; never the database. */
async function untilVisible(n: number): Promise<number> {
  while (!(await isVisible(n))) await new Promise(setImmediate);
  return sharedClock();
}

async function notify(n: number): Promise<Sent> {
  const sentAt = sharedClock();
  await opened().client.query('SELECT pg_notify($1, $2)', [CHANNEL, String(n)]);
  return { sentAt, acknowledgedAt: sharedClock() };
}

/** Keeps the event loop turning as `untilVisible` does: a process that sleeps wakes up later. */
async function untilNotified(): Promise<number> {
  let heardAt: number | undefined;
  opened().client.once('notification', () => {
    heardAt = sharedClock();
  });
  for (;;) {
    if (heardAt !== undefined) return heardAt;
    await new Promise(setImmediate);
  }
}

answerCalls(
  {
    open,
    write: writeOne,
    notify,
    watch: (n: number): void => {
      seen = untilVisible(n);
    },
    listen: (): void => {
      seen = untilNotified();
    },
    seen: () => seen,
  },
  async () => {
    await listener?.end();
    await assembly?.close();
  },
);
