/** Servers under load, each in processes of its own: Pemba as it is started anywhere, and an echo. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Ground } from './ground.js';

export interface ServerStart {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface PembaOptions {
  /** Of the database. */
  readonly url: string;
  readonly workers: number;
  /** Environment variables. */
  readonly settings?: Readonly<Record<string, string>>;
}

export const startPemba = (
  ground: Ground,
  { url, workers, settings }: PembaOptions,
): Promise<ServerStart> =>
  startServer(ground, '../src/main.js', {
    DATABASE_URL: url,
    PORT: '0',
    PEMBA_EXAMPLE_STORE: 'false',
    PEMBA_WORKERS: String(workers),
    // Here a server is meant to be at its limit.
    PEMBA_MAX_LOOP_DELAY_MS: '0',
    ...settings,
  });

/** A bare Fastify that reads the same bodies and answers in the same form, without thinking. */
export const startEcho = (ground: Ground): Promise<ServerStart> =>
  startServer(ground, 'echo-server.js', {});

/** The line in which a server says that it answers. */
const ANNOUNCEMENT = /answers at (http:\/\/[\w.:[\]]+)/;
const LOOK_MS = 5;
/** A store is loaded later: this is for the process alone. */
const START_MS = 60_000;
const STOP_MS = 15_000;

let started = 0;

/** Its output goes to a file, so that nobody here has to read a line a request. */
async function startServer(
  ground: Ground,
  module: string,
  env: Readonly<Record<string, string>>,
): Promise<ServerStart> {
  const output = join(ground.directory, `server-${started++}.log`);
  const file = openSync(output, 'w');
  const child = spawn(process.execPath, [fileURLToPath(new URL(module, import.meta.url))], {
    env: { ...withoutSettings(process.env), ...env },
    stdio: ['ignore', file, file],
    // Ctrl-C is for the benchmark, which stops its servers in order.
    detached: true,
  });
  closeSync(file);
  const stop = (): Promise<void> => stopServer(child);
  ground.onClose(stop);
  const end = performance.now() + START_MS;
  while (performance.now() < end && child.exitCode === null) {
    const [, url] = ANNOUNCEMENT.exec(readFileSync(output, 'utf8')) ?? [];
    if (url !== undefined) return { url, pid: child.pid ?? 0, stop };
    await sleep(LOOK_MS);
  }
  throw new Error(`${module} did not start:\n${readFileSync(output, 'utf8')}`);
}

const withoutSettings = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !/^(HOST|PORT|DATA_DIR|DATABASE_URL|PEMBA_.*)$/.test(name),
    ),
  );

async function stopServer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await gone;
  clearTimeout(timer);
}
