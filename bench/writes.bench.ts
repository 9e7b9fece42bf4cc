/** Writes, through HTTP and without it, and the bulk path, beside what PostgreSQL alone takes. */
import { write } from '../src/operations/write.js';
import { ChunkRows } from '../src/storage/chunk-rows.js';
import { importChunk } from '../src/storage/import-tuples.js';
import type { RelationTuple, Subject } from '../src/tuple/tuple.js';
import { newStore, openAssembly } from './assembly.js';
import type { BenchStore, OpenAssembly } from './assembly.js';
import { BareTable } from './bare-table.js';
import { drive } from './clients.js';
import { user } from './data.js';
import type { Benchmark, Ground } from './ground.js';
import { HttpLoad } from './http-load.js';
import { SERIAL } from './load-program.js';
import { interleave, timingOf } from './measure.js';
import type { Run, Timing } from './measure.js';
import { COMPARISON, column, comparisonRow } from './report.js';
import type { Row, Table } from './report.js';
import { startPemba } from './servers.js';
import { CHUNK } from './stored-world.js';
import { bodyOf } from './wire-bodies.js';

const CLIENTS = [1, 64] as const;
const TUPLES = [1, 100] as const;
const COLUMNS = [column('case', 'case', 'text'), ...COMPARISON];

export const writesBenchmark: Benchmark = {
  name: 'writes',
  async run(ground) {
    const url = await ground.database('writes');
    const direct = await openAssembly(url);
    try {
      const store = await newStore(direct.engine);
      const rows: Row[] = [];
      for (const clients of CLIENTS) {
        const bare = await BareTable.open(url, clients);
        const reference = insertRun(ground, bare, clients);
        for (const tuples of TUPLES) {
          const name = `${tuples} a request, ${clients} client(s)`;
          const subject = operationRun(ground, direct, store, { clients, tuples });
          const comparison = await interleave(reference, subject, ground.scale.runs);
          rows.push({ case: `operation, ${name}`, ...comparisonRow(comparison) });
        }
        await bare.close();
      }
      rows.push(...(await httpRows(ground, url)));
      return [
        {
          title: 'tuples written',
          note:
            'Per tuple; percentiles per request. The reference is one INSERT a transaction into a ' +
            'bare table, by as many connections as there are clients.',
          columns: COLUMNS,
          rows,
        },
        await importing(ground, direct, url),
      ];
    } finally {
      await direct.close();
    }
  },
};

interface Writers {
  readonly clients: number;
  readonly tuples: number;
}

let serial = 0;

const freshTuples = (count: number): readonly RelationTuple[] => {
  const id = serial++;
  return Array.from({ length: count }, (_, n) => tupleOf(`direct-${id}-${n}`, user(n)));
};

const tupleOf = (documentName: string, subject: Subject): RelationTuple => ({
  object: { type: 'document', id: documentName },
  relation: 'viewer',
  subject,
});

const insertRun =
  ({ scale }: Ground, bare: BareTable, clients: number): Run =>
  () =>
    drive(clients, scale.loadMs, 1, async (client) => {
      for (const tuple of freshTuples(1)) await bare.insert(client, tuple);
    });

const operationRun =
  (
    { scale }: Ground,
    { engine }: OpenAssembly,
    { storeId, modelId }: BenchStore,
    { clients, tuples }: Writers,
  ): Run =>
  () =>
    drive(clients, scale.loadMs, tuples, () =>
      write(engine, {
        storeId,
        modelId,
        deletes: [],
        writes: freshTuples(tuples),
        onMissing: 'error',
        onDuplicate: 'error',
      }),
    );

async function httpRows(ground: Ground, url: string): Promise<readonly Row[]> {
  // Only one process writes to a store: the other would have to follow.
  const { engine, close } = await openAssembly(url);
  const { storeId, modelId } = await newStore(engine);
  await close();
  const server = await startPemba(ground, { url, workers: 1 });
  const generator = await ground.program('load-program.js');
  const rows: Row[] = [];
  for (const clients of CLIENTS) {
    const bare = await BareTable.open(url, clients);
    for (const tuples of TUPLES) {
      const keys = Array.from({ length: tuples }, (_, n) =>
        tupleOf(`http-${SERIAL}-${n}`, user(n)),
      );
      const load = new HttpLoad(generator, server, {
        path: `/stores/${storeId}/write`,
        bodies: [bodyOf.write(keys, modelId)],
        connections: clients,
        forMs: ground.scale.loadMs,
      });
      const reference = insertRun(ground, bare, clients);
      const comparison = await interleave(reference, load.run(tuples), ground.scale.runs);
      const name = `HTTP, ${tuples} a request, ${clients} client(s)`;
      rows.push({ case: name, ...comparisonRow(comparison) });
    }
    await bare.close();
  }
  await generator.stop();
  await server.stop();
  return rows;
}

async function importing(ground: Ground, { engine }: OpenAssembly, url: string): Promise<Table> {
  // Of its own, because nobody has it open: no replica follows the import.
  const { storeId } = await newStore(engine);
  const { chunks, runs } = ground.scale;
  const rows: Row[] = [];
  for (const atOnce of [1, 2]) {
    const bare = await BareTable.open(url, atOnce);
    const copy = chunksRun(chunks, atOnce, (chunk, lane) => bare.copy(lane, chunk));
    const take = chunksRun(chunks, atOnce, (chunk) =>
      importChunk(engine.database, storeId, ChunkRows.of(chunk), new Date()),
    );
    const comparison = await interleave(copy, take, runs);
    rows.push({ case: `import, ${atOnce} chunk(s) at once`, ...comparisonRow(comparison) });
    await bare.close();
  }
  rows.push(await httpImportRow(ground, url));
  return {
    title: `bulk import, chunks of ${CHUNK.toLocaleString('en-GB')}`,
    note: 'Per tuple; percentiles per chunk. The reference is COPY into a bare table.',
    columns: COLUMNS,
    rows,
  };
}

/** All chunks in one request, as a client would send them; of one whole run there is one sample. */
async function httpImportRow(ground: Ground, url: string): Promise<Row> {
  const { engine, close } = await openAssembly(url);
  const { storeId } = await newStore(engine);
  await close();
  const { chunks, runs } = ground.scale;
  const server = await startPemba(ground, { url, workers: 1 });
  const bare = await BareTable.open(url, 1);
  const copy = chunksRun(chunks, 1, (chunk) => bare.copy(0, chunk));
  const post = async (): Promise<Timing> => {
    const count = chunks * CHUNK;
    const body = bodyOf.importLines(freshTuples(count));
    const start = performance.now();
    const response = await fetch(`${server.url}/stores/${storeId}/import`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body,
    });
    const { written } = (await response.json()) as { readonly written: number };
    if (written !== count) throw new Error(`${written} of ${count} tuples were written`);
    const elapsedNs = (performance.now() - start) * 1e6;
    return timingOf([elapsedNs], elapsedNs / count);
  };
  const comparison = await interleave(copy, post, runs);
  await bare.close();
  await server.stop();
  return { case: 'import, HTTP, all in one request', ...comparisonRow(comparison) };
}

/** The tuples are made before the clock starts. */
const chunksRun =
  (
    count: number,
    atOnce: number,
    take: (chunk: readonly RelationTuple[], lane: number) => Promise<unknown>,
  ): Run =>
  async () => {
    const waiting = Array.from({ length: count }, () => freshTuples(CHUNK));
    const samples: number[] = [];
    const start = performance.now();
    const lane = async (number: number): Promise<void> => {
      for (let chunk = waiting.pop(); chunk !== undefined; chunk = waiting.pop()) {
        const at = performance.now();
        await take(chunk, number);
        samples.push((performance.now() - at) * 1e6);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, (_, number) => lane(number)));
    return timingOf(samples, ((performance.now() - start) * 1e6) / (count * CHUNK));
  };
