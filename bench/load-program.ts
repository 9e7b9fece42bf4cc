/** The load generator, in a process of its own. */
import { timingOf } from './measure.js';
import type { Timing } from './measure.js';
import { HttpConnection, requestOf } from './http-connection.js';
import type { RequestHead } from './http-connection.js';
import { answerCalls } from './program.js';

/** In a body, stands for a number that no other request has. */
export const SERIAL = '{serial}';

export interface Load extends RequestHead {
  readonly url: string;
  readonly path: string;
  /** Of each body, where they differ. */
  readonly paths?: readonly string[];
  /** Sent in turn; an empty one is asked for by GET. */
  readonly bodies: readonly string[];
  readonly connections: number;
  readonly forMs: number;
}

export interface LoadResult {
  readonly timing: Timing;
  readonly requests: number;
  /** Of this process, to see whether it was the one at its limit. */
  readonly processorMs: number;
  readonly elapsedMs: number;
}

let serial = 0;

function requestMaker({ url, path, paths = [], bodies, ...head }: Load): (i: number) => Buffer {
  const target = new URL(url);
  const isSerial = bodies.some((body) => body.includes(SERIAL));
  if (isSerial) {
    return (i) => {
      const body = bodies[i % bodies.length] ?? '';
      return requestOf(target, path, body.replaceAll(SERIAL, String(serial++)), head);
    };
  }
  const requests = bodies.map((body, i) => requestOf(target, paths[i] ?? path, body, head));
  return (i) => requests[i % requests.length] ?? Buffer.alloc(0);
}

async function run(load: Load): Promise<LoadResult> {
  const request = requestMaker(load);
  const target = new URL(load.url);
  const connections = await Promise.all(
    Array.from({ length: load.connections }, () => HttpConnection.open(target)),
  );
  const samples: number[] = [];
  let sent = 0;
  const processor = process.cpuUsage();
  const start = performance.now();
  const end = start + load.forMs;
  const drive = async (connection: HttpConnection): Promise<void> => {
    for (let at = performance.now(); at < end;) {
      await connection.exchange(request(sent++));
      const now = performance.now();
      samples.push((now - at) * 1e6);
      at = now;
    }
  };
  try {
    await Promise.all(connections.map(drive));
  } finally {
    for (const connection of connections) connection.close();
  }
  const elapsedMs = performance.now() - start;
  const { user, system } = process.cpuUsage(processor);
  return {
    timing: timingOf(samples, (elapsedMs * 1e6) / samples.length),
    requests: samples.length,
    processorMs: (user + system) / 1000,
    elapsedMs,
  };
}

answerCalls({ run });
