/**
 * Several processes that share the port, each with its replica. The primary serves nothing: it starts
 * the workers, starts another one when one dies, adds up their metrics, and ends them in order.
 *
 *   primary ──fork──▶ worker: 'ready' with its URL, or an exit code before that: nobody starts
 *   worker ──'metrics'──▶ primary asks all workers, adds up ──▶ worker answers its scrape
 */
import cluster from 'node:cluster';
import type { Worker } from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { AggregatorRegistry } from 'prom-client';
import type { PrometheusContentType, Registry } from 'prom-client';
import { PembaError } from './errors.js';
import type { DatabaseAddress } from './storage/database.js';

/** How a worker finds the database that the primary opened. */
const ADDRESS_VARIABLE = 'PEMBA_WORKER_DATABASE';
/** 1, 2, 3 …; who takes the place of a dead one takes its number, too. */
const NUMBER_VARIABLE = 'PEMBA_WORKER_NUMBER';

/** A worker that dies at once, again and again, must not take the machine with it. */
const RESTART_AFTER_MS = 500;

type FromWorker =
  | { readonly kind: 'pemba:ready'; readonly url: string }
  | { readonly kind: 'pemba:metrics'; readonly id: number };
interface FromPrimary {
  readonly kind: 'pemba:metrics';
  readonly id: number;
  readonly text: string;
}

export interface Workers {
  readonly url: string;
  close(): Promise<void>;
}

export interface WorkersOptions {
  readonly count: number;
  readonly address: DatabaseAddress;
  readonly onDeath: (what: string) => void;
}

/** Resolves when every worker serves; rejects when one ends before that. */
export async function startWorkers(options: WorkersOptions): Promise<Workers> {
  cluster.setupPrimary({
    exec: fileURLToPath(new URL('./main.js', import.meta.url)),
    args: [],
    execArgv: ['--enable-source-maps', ...process.execArgv],
  });
  const metrics = new AggregatorRegistry<PrometheusContentType>();
  let isClosing = false;
  const numbers = new WeakMap<Worker, number>();
  const fork = (number: number): Promise<string> => {
    const worker = cluster.fork({
      [ADDRESS_VARIABLE]: JSON.stringify(options.address),
      [NUMBER_VARIABLE]: String(number),
    });
    numbers.set(worker, number);
    answerScrapes(worker, metrics);
    return untilReady(worker);
  };
  const urls = await Promise.all(Array.from({ length: options.count }, (_, i) => fork(i + 1)));
  cluster.on('exit', (worker, code, signal) => {
    if (isClosing) return;
    options.onDeath(
      `worker ${worker.process.pid ?? 0} ended (${signal || code}): starting another`,
    );
    void sleep(RESTART_AFTER_MS).then(() =>
      isClosing ? undefined : fork(numbers.get(worker) ?? 0).catch(() => undefined),
    );
  });
  return {
    url: urls[0] ?? '',
    close: async () => {
      isClosing = true;
      await endWorkers();
    },
  };
}

/** For a start that failed half-way, too. */
export async function endWorkers(): Promise<void> {
  const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
  await Promise.all(
    workers.map(
      (worker) =>
        new Promise<void>((resolve) => {
          worker.once('exit', () => {
            resolve();
          });
          worker.process.kill('SIGTERM');
        }),
    ),
  );
}

function untilReady(worker: Worker): Promise<string> {
  return new Promise((resolve, reject) => {
    const died = (): void => {
      // What was wrong it has said itself.
      reject(new PembaError('cannot_start', 'A worker could not start.'));
    };
    worker.once('exit', died);
    worker.on('message', (message: FromWorker) => {
      if (message.kind !== 'pemba:ready') return;
      worker.off('exit', died);
      resolve(message.url);
    });
  });
}

function answerScrapes(worker: Worker, metrics: AggregatorRegistry<PrometheusContentType>): void {
  worker.on('message', (message: FromWorker) => {
    if (message.kind !== 'pemba:metrics') return;
    const answer = (text: string): void => {
      if (worker.isConnected()) worker.send({ ...message, text } satisfies FromPrimary);
    };
    metrics.clusterMetrics().then(answer, () => {
      answer('');
    });
  });
}

/** The database's address, in a worker; undefined in a process of its own. */
export function workerAddress(env: NodeJS.ProcessEnv): DatabaseAddress | undefined {
  const text = env[ADDRESS_VARIABLE];
  return cluster.isWorker && text !== undefined ? (JSON.parse(text) as DatabaseAddress) : undefined;
}

export function workerNumber(env: NodeJS.ProcessEnv): number | undefined {
  const text = env[NUMBER_VARIABLE];
  return cluster.isWorker && text !== undefined ? Number(text) : undefined;
}

export function announceReady(url: string): void {
  process.send?.({ kind: 'pemba:ready', url } satisfies FromWorker);
}

/** In a worker: lets the primary add up its metrics. Returns how to ask for those of all. */
export function joinMetrics(registry: Registry): () => Promise<string> {
  AggregatorRegistry.setRegistries([registry]);
  // Made for its listener alone, which answers the primary.
  new AggregatorRegistry<PrometheusContentType>();
  return clusterMetrics;
}

let lastScrape = 0;

function clusterMetrics(): Promise<string> {
  const id = ++lastScrape;
  return new Promise((resolve) => {
    const hear = (message: Partial<FromPrimary>): void => {
      if (message.kind !== 'pemba:metrics' || message.id !== id) return;
      process.off('message', hear);
      resolve(message.text ?? '');
    };
    process.on('message', hear);
    process.send?.({ kind: 'pemba:metrics', id } satisfies FromWorker);
  });
}
