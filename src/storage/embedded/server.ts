/**
 * The server process of a data directory: found, started, stopped.
 *
 * What there is to know stands in postmaster.pid, which PostgreSQL keeps in the data directory:
 * process id, address, and whether it is ready. A server that outlived a killed Pemba is found
 * there. What a killed *server* leaves there can keep PostgreSQL from starting for as long as its
 * process id exists: as a zombie that nobody reaps, or as another process that got the same id,
 * both usual in containers. Pemba knows better, and because it holds the data directory's lock
 * (lock.ts) it may mend the file.
 *
 * All this deals with real processes, so its time is real time and not passed in.
 */
import { closeSync, existsSync, fchownSync, openSync, readFileSync, renameSync } from 'node:fs';
import { rmSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { ClusterSettings } from './cluster.js';
import { cannotStart, reasonIn } from './failure.js';
import { inspectProcess } from './process.js';
import { runProgram, startProgram } from './program.js';
import { handOver, makePrivateDirectory } from './user.js';

/** For pg and TypeORM: host is the socket's directory, or a loopback address. */
export interface EmbeddedConnection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  readonly database: string;
}

export interface ServerSettings extends ClusterSettings {
  readonly connection: EmbeddedConnection;
  readonly logFile: string;
}

export interface RunningServer {
  readonly pid: number;
  /** Differs from the wanted one when an earlier process started the server. */
  readonly connection: EmbeddedConnection;
  readonly adopted: boolean;
}

export interface Limits {
  readonly deadlineMs: number;
  /** Aborted: give up, and leave no server that was started here. */
  readonly signal: AbortSignal;
}

/** The wait between two looks at a server that starts or stops: both take some 30 ms. */
const LOOK_MS = 10;
/** The wait before another attempt while the remains of the last server go away, then doubled. */
const PAUSE_MS = 50;
const PAUSE_MAX_MS = 1_000;
/** A server that does not take a local connection in this time is not up. */
const CONNECT_MS = 5_000;
/** A fast shutdown ends with a checkpoint: at most shared_buffers (128 MB) to a slow disk. */
const STOP_MS = 30_000;
/** An immediate shutdown writes nothing. */
const QUIT_MS = 5_000;

/** Some tens of thousands of lines; one older file of that size is kept. */
const LOG_MAX_BYTES = 8 * 1024 * 1024;

/** Small, and as durable as PostgreSQL is by default. */
const SETTINGS = {
  max_connections: '100',
  shared_buffers: '128MB',
  // By default a 32nd of these: then imports wait for each other's log to reach the disk.
  wal_buffers: '32MB',
  max_wal_size: '1GB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Failed statements are told to the client that sent them; in the log they only pile up.
  log_min_messages: 'log',
  log_checkpoints: 'off',
} as const;

/** Safe against a killed server still, as long as the system itself stays up. */
const NOT_DURABLE = { fsync: 'off', full_page_writes: 'off' } as const;

/** This passes: the last server's other processes are about to notice that it is gone. */
const PASSING = /lock file .* already exists|shared memory block .* still in use/;

interface Postmaster {
  readonly pid: number;
  readonly port: number;
  readonly host: string;
  readonly ready: boolean;
}

/** Adopts or starts the server; rejects when it is not ready by the deadline. */
export async function bringUp(settings: ServerSettings, limits: Limits): Promise<RunningServer> {
  let attempt: Attempt | undefined;
  // If the process ends now, nobody has a server yet that could be stopped.
  const abandon = (): void => attempt?.interrupt();
  process.once('exit', abandon);
  try {
    const end = performance.now() + limits.deadlineMs;
    let pauseMs = PAUSE_MS;
    let obstacle = 'it did not get ready in time';
    while (performance.now() < end && !limits.signal.aborted) {
      const postmaster = findPostmaster(settings.directory);
      const failure = attempt?.failure();
      if (postmaster !== undefined) {
        const { pid, host, port, ready } = postmaster;
        const connection = { ...settings.connection, host, port };
        if (ready && !isUp({ pid, connection })) {
          await stopProcess(pid, settings);
          continue;
        }
        const refusal = ready ? await tryConnect(connection) : obstacle;
        if (refusal === undefined) return { pid, connection, adopted: pid !== attempt?.pid };
        obstacle = refusal;
      } else if (attempt === undefined || failure !== undefined) {
        if (failure !== undefined) {
          if (!PASSING.test(failure)) throw refused(settings, failure);
          obstacle = failure;
          await sleep(pauseMs);
          pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS);
        }
        attempt = startServer(settings);
      }
      await sleep(LOOK_MS);
    }
    if (attempt?.pid !== undefined) await stopProcess(attempt.pid, settings);
    throw refused(settings, obstacle);
  } finally {
    process.off('exit', abandon);
  }
}

/** A server whose socket was cleaned away with other temporary files is out of reach for good. */
export function isUp({ pid, connection }: Pick<RunningServer, 'pid' | 'connection'>): boolean {
  if (inspectProcess(pid) === undefined) return false;
  return !isSocket(connection) || existsSync(socketPath(connection));
}

/** Resolves when the server of the data directory, if there is one, is gone. */
export async function stopServer(settings: ServerSettings): Promise<void> {
  const postmaster = findPostmaster(settings.directory);
  if (postmaster !== undefined) await stopProcess(postmaster.pid, settings);
}

function refused(settings: ServerSettings, obstacle: string): Error {
  const { directory, logFile } = settings;
  return cannotStart(`PostgreSQL does not start in ${directory}: ${obstacle} (see ${logFile})`);
}

/** The live server of the data directory, whoever started it. */
function findPostmaster(directory: string): Postmaster | undefined {
  const text = readPidFile(directory);
  const [pidLine = '', , , port, socketDirectory, address, , status] = text.split('\n');
  const pid = Number.parseInt(pidLine, 10);
  const found = inspectProcess(pid);
  if (found === undefined || (found.name ?? 'postgres') !== 'postgres') return undefined;
  return {
    pid,
    port: Number(port),
    host: (socketDirectory === '' ? address : socketDirectory) ?? '',
    ready: status?.trim() === 'ready',
  };
}

const pidFile = (directory: string): string => join(directory, 'postmaster.pid');

function readPidFile(directory: string): string {
  try {
    return readFileSync(pidFile(directory), 'utf8');
  } catch {
    return '';
  }
}

/**
 * PostgreSQL takes the file for a remnant when it names the parent process, and then still looks at
 * the rest of it: whether the old server's shared memory is in use. So only the id is replaced.
 */
function mendPidFile(directory: string): void {
  const text = readPidFile(directory);
  if (text === '') rmSync(pidFile(directory), { force: true });
  else writeFileSync(pidFile(directory), text.replace(/^[^\n]*/, String(process.pid)));
}

/** Undefined when a statement was answered, else what was in the way. */
async function tryConnect(connection: EmbeddedConnection): Promise<string | undefined> {
  const client = new Client({ ...connection, ssl: false, connectionTimeoutMillis: CONNECT_MS });
  client.on('error', () => undefined); // a later loss of the connection is none of our business
  try {
    await client.connect();
    await client.query('SELECT 1');
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await client.end().catch(() => undefined);
  }
}

interface Attempt {
  readonly pid: number | undefined;
  /** Why the process ended, once it has. */
  failure(): string | undefined;
  interrupt(): void;
}

function startServer(settings: ServerSettings): Attempt {
  const { connection, directory, logFile, user } = settings;
  mendPidFile(directory);
  removeSocket(connection);
  if (isSocket(connection)) makePrivateDirectory(connection.host, user);
  if (sizeOf(logFile) > LOG_MAX_BYTES) renameSync(logFile, `${logFile}.1`);
  const logStart = sizeOf(logFile);
  const log = openSync(logFile, 'a');
  if (user !== undefined) fchownSync(log, user.uid, user.gid);
  const handed = handOver(directory, user);
  const args = ['-D', handed.path, ...serverArguments(settings)];
  const child = startProgram(
    { directory: settings.binaries.directory, name: 'postgres', args, user, handed },
    log,
  );
  closeSync(log);
  child.unref();
  let failed: Error | undefined;
  child.on('error', (error) => {
    failed = error;
  });
  const failure = (): string | undefined => {
    if (failed !== undefined) return failed.message;
    if (child.exitCode === null && child.signalCode === null) return undefined;
    return reasonIn(readFileSync(logFile).subarray(logStart).toString());
  };
  const interrupt = (): void => void child.kill('SIGINT');
  return { pid: child.pid, failure, interrupt };
}

/** Takes away what a killed server left of its socket, which may keep the next from starting. */
export function removeSocket(connection: EmbeddedConnection): void {
  if (!isSocket(connection)) return;
  rmSync(socketPath(connection), { force: true });
  rmSync(`${socketPath(connection)}.lock`, { force: true });
  try {
    rmdirSync(connection.host);
  } catch {
    // There was none, or it holds something that is not ours.
  }
}

const isSocket = (connection: EmbeddedConnection): boolean => connection.host.startsWith('/');

const socketPath = ({ host, port }: EmbeddedConnection): string => join(host, `.s.PGSQL.${port}`);

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

function serverArguments({ connection, durable }: ServerSettings): readonly string[] {
  const { host, port } = connection;
  const address = isSocket(connection)
    ? { listen_addresses: '', unix_socket_directories: host, unix_socket_permissions: '0700' }
    : { listen_addresses: host, unix_socket_directories: '' };
  const settings = { ...SETTINGS, ...address, port, ...(durable ? {} : NOT_DURABLE) };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

async function stopProcess(pid: number, settings: ServerSettings): Promise<void> {
  await signal(pid, 'INT', settings);
  if (await isGone(pid, STOP_MS)) return;
  await signal(pid, 'QUIT', settings);
  if (await isGone(pid, QUIT_MS)) return;
  await signal(pid, 'KILL', settings);
}

async function signal(
  pid: number,
  name: 'INT' | 'QUIT' | 'KILL',
  { binaries, user }: ServerSettings,
): Promise<void> {
  if (process.platform === 'win32') {
    // Windows has no signals; PostgreSQL has its own, which only its own program can send.
    const args = ['kill', name, String(pid)];
    await runProgram({ directory: binaries.directory, name: 'pg_ctl', args, user });
    return;
  }
  try {
    process.kill(pid, `SIG${name}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function isGone(pid: number, waitMs: number): Promise<boolean> {
  const end = performance.now() + waitMs;
  while (inspectProcess(pid) !== undefined) {
    if (performance.now() > end) return false;
    await sleep(LOOK_MS);
  }
  return true;
}
