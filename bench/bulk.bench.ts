/**
 * All tuples of the world into the embedded database and out again, each by one request. The client
 * is this process; what the server and PostgreSQL take of the processors is counted apart, as other
 * work on the machine falsifies the rate and hardly that.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { Client } from 'pg';
import { newStore, openAssembly } from './assembly.js';
import { BareTable } from './bare-table.js';
import { tuplesOf } from './data.js';
import type { Benchmark, Ground } from './ground.js';
import { processorMs } from './processor-time.js';
import { column } from './report.js';
import type { Row } from './report.js';
import { SEED } from './scale.js';
import { startPemba } from './servers.js';
import { bodyOf } from './wire-bodies.js';

const PIECE = 10_000;
const RSS_EVERY_MS = 100;

export const bulkBenchmark: Benchmark = {
  name: 'bulk',
  async run(ground) {
    const url = await ground.database('bulk');
    const postmaster = await postmasterOf(url);
    const rows: Row[] = [];
    rows.push({ case: 'COPY into a bare table', ...(await bareCopy(ground, url, postmaster)) });
    await checkpoint(url);
    const { engine, close } = await openAssembly(url);
    const { storeId } = await newStore(engine);
    await close();
    const server = await startPemba(ground, { url, workers: 1 });
    const watched = { server: server.pid, postmaster };
    const target = `${server.url}/stores/${storeId}`;
    // Made before: it takes a third as long as the import.
    const bodies = [...pieces(ground)].map((piece) =>
      Buffer.from(`${bodyOf.importLines(piece)}\n`),
    );
    rows.push({
      case: 'import, HTTP',
      ...(await measured(watched, () => importAll(bodies, target))),
    });
    rows.push({ case: 'export, HTTP', ...(await measured(watched, () => exportAll(target))) });
    await server.stop();
    return [
      {
        title: 'a world in and out',
        note: 'One request each. Processor time is per tuple, of all cores.',
        columns: [
          column('case', 'case', 'text'),
          column('tuples', 'tuples', 'count'),
          column('rate', 'per second', 'perSecond'),
          column('node', 'node', 'ns'),
          column('postgres', 'postgres', 'ns'),
          column('memory', 'memory at most', 'bytes'),
        ],
        rows,
      },
    ];
  },
};

interface Watched {
  readonly server: number | undefined;
  readonly postmaster: number;
}

/** `work` returns how many tuples it moved. */
async function measured(
  { server, postmaster }: Watched,
  work: () => Promise<number>,
): Promise<Row> {
  let memory = 0;
  const timer = setInterval(() => {
    if (server !== undefined) memory = Math.max(memory, residentBytes(server));
  }, RSS_EVERY_MS);
  const times = (): readonly number[] =>
    [server, postmaster].map((pid) => (pid === undefined ? 0 : (processorMs(pid) ?? 0)));
  const before = times();
  const start = performance.now();
  const tuples = await work();
  const ms = performance.now() - start;
  clearInterval(timer);
  const [node = 0, postgres = 0] = times().map(
    (after, i) => ((after - (before[i] ?? 0)) * 1e6) / tuples,
  );
  return {
    tuples,
    rate: (tuples * 1000) / ms,
    node: server === undefined ? null : node,
    postgres,
    memory: server === undefined ? null : memory,
  };
}

function* pieces({ scale }: Ground): Generator<Parameters<typeof bodyOf.importLines>[0]> {
  let piece = [];
  for (const tuple of tuplesOf(scale.size, SEED)) {
    piece.push(tuple);
    if (piece.length < PIECE) continue;
    yield piece;
    piece = [];
  }
  if (piece.length > 0) yield piece;
}

async function bareCopy(ground: Ground, url: string, postmaster: number): Promise<Row> {
  const bare = await BareTable.open(url, 1);
  const seen = new Set<string>();
  const row = await measured({ server: undefined, postmaster }, async () => {
    for (const piece of pieces(ground)) {
      // A world repeats some tuples, which a bare table does not take.
      const fresh = piece.filter((tuple) => seen.size < seen.add(JSON.stringify(tuple)).size);
      await bare.copy(0, fresh);
    }
    return seen.size;
  });
  await bare.close();
  return row;
}

/** By `node:http`: what a web stream costs the client is not the server's. */
async function importAll(bodies: readonly Buffer[], target: string): Promise<number> {
  const headers = { 'content-type': 'application/x-ndjson' };
  const sent = request(`${target}/import`, { method: 'POST', headers });
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
  await pipeline(bodies, sent);
  const [response] = await answered;
  const { written, rejected } = (await json(response)) as Readonly<Record<string, number>>;
  if (written === undefined || rejected !== 0)
    throw new Error(`the import: ${response.statusCode}`);
  return written;
}

async function exportAll(target: string): Promise<number> {
  const response = await fetch(`${target}/export`);
  if (!response.ok || response.body === null) throw new Error(`the export: ${response.status}`);
  let lines = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++;
  }
  // The last line says that it ended well.
  return lines - 1;
}

const residentBytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;

/** What was written before goes to disk now, not in the time of what is measured next. */
async function checkpoint(url: string): Promise<void> {
  const client = new Client(url);
  await client.connect();
  await client.query('CHECKPOINT');
  await client.end();
}

/** The parent of the process that serves a connection. */
async function postmasterOf(url: string): Promise<number> {
  const client = new Client(url);
  await client.connect();
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const status = readFileSync(`/proc/${rows[0]?.pid}/status`, 'utf8');
  await client.end();
  return Number(/PPid:\s+(\d+)/.exec(status)?.[1]);
}
