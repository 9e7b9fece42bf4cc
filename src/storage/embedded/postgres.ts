/**
 * PostgreSQL without an administrator: when no DATABASE_URL is set, Pemba runs a server of its own
 * with the data in DATA_DIR and the programs from an npm package.
 *
 *   DATA_DIR/postgres           the data directory
 *   DATA_DIR/postgres.log       what the server says (and postgres.log.1)
 *   DATA_DIR/postgres.password  only where there are no private sockets: on Windows
 *   DATA_DIR/pemba.lock         which Pemba process has all this
 *
 * The server takes no connection from the network: only a Unix socket in a directory that nobody
 * else may enter. That directory lies in the system's directory for temporary files, because the
 * path of a socket is limited to about a hundred bytes, and DATA_DIR's is not.
 *
 * The server is meant to survive what Pemba does not. It is in a session of its own, so that Ctrl-C
 * or a closed terminal does not end it first; when Pemba is killed it goes on, and the next Pemba
 * on the same DATA_DIR takes it over as it is. When the server itself is killed while Pemba runs,
 * it is started again under the same address and recovers from its log.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packagedBinaries, runnableBinaries } from './binaries.js';
import { DATABASE, USER, prepareCluster } from './cluster.js';
import { cannotStartBecause } from './failure.js';
import { lockDataDirectory } from './lock.js';
import { bringUp, isUp, removeSocket, stopServer } from './server.js';
import type { EmbeddedConnection, Limits, RunningServer, ServerSettings } from './server.js';
import { closedDirectory, serverUser } from './user.js';
import type { ServerUser } from './user.js';

export interface EmbeddedPostgresOptions {
  /** Made when it is not there. */
  readonly dataDir: string;
  /** Hears of what takes long or is unexpected. */
  readonly log?: (line: string) => void;
  /** For the server to take connections; after a crash it first recovers. Default: 120 s. */
  readonly deadlineMs?: number;
  /** False: a power failure may destroy the data. For tests; twice as fast to make. */
  readonly durable?: boolean;
  /** A TCP port on 127.0.0.1 with a password in place of a socket. Default: on Windows. */
  readonly loopback?: boolean;
}

export interface EmbeddedPostgres {
  readonly connection: EmbeddedConnection;
  /** The server is one that an earlier process left running. */
  readonly adopted: boolean;
  /** Fast shutdown, also of an adopted server; resolves when its process is gone. */
  stop(): Promise<void>;
}

/** To replay all of max_wal_size from a slow disk takes most of a minute. */
const DEADLINE_MS = 120_000;
/** How soon a dead server is noticed: a look costs some 20 µs. */
const WATCH_MS = 250;
/** Between attempts to get it up again, such as while the disk is full. */
const RETRY_MS = 5_000;
/** sockaddr_un.sun_path without its final zero, on macOS; Linux has 107. */
const SOCKET_PATH_MAX_BYTES = 103;
/** Only part of the socket's name when there is no TCP. */
const SOCKET_PORT = 5432;

/** Rejects with `cannot_start` and one sentence that says what to do. */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const { log = () => undefined, deadlineMs = DEADLINE_MS } = options;
  const packaged = packagedBinaries();
  const dataDir = openDataDirectory(options.dataDir);
  const lock = await lockDataDirectory(dataDir, log).catch((error: unknown) => {
    throw cannotStartBecause(`DATA_DIR ${dataDir} cannot be written to`, error);
  });
  const stopping = new AbortController();
  try {
    const settings = await prepare({ ...options, dataDir }, packaged, log);
    const server = await bringUp(settings, { deadlineMs, signal: stopping.signal });
    const kept = { ...settings, connection: server.connection };
    const watch = keepUp(server, kept, { deadlineMs, signal: stopping.signal, log });
    let stopped: Promise<void> | undefined;
    const stop = async (): Promise<void> => {
      stopping.abort();
      await watch;
      await stopServer(kept);
      removeSocket(kept.connection);
      lock.release();
    };
    return {
      connection: server.connection,
      adopted: server.adopted,
      stop: () => (stopped ??= stop()),
    };
  } catch (error) {
    lock.release();
    throw cannotStartBecause(`PostgreSQL cannot start in DATA_DIR ${dataDir}`, error);
  }
}

function openDataDirectory(path: string): string {
  try {
    mkdirSync(dirname(resolve(path)), { recursive: true });
    // Not in one step: on a read-only file system a recursive mkdir says ENOENT.
    if (!existsSync(path)) mkdirSync(path);
    return realpathSync(path);
  } catch (error) {
    throw cannotStartBecause(`DATA_DIR ${path} cannot be made`, error);
  }
}

async function prepare(
  options: EmbeddedPostgresOptions,
  packaged: string,
  log: (line: string) => void,
): Promise<ServerSettings> {
  const { dataDir, durable = true, loopback = process.platform === 'win32' } = options;
  const directory = join(dataDir, 'postgres');
  const user = serverUser(directory);
  const binaries = await runnableBinaries(packaged, user, log);
  const passwordFile = loopback ? join(dataDir, 'postgres.password') : undefined;
  const cluster = { directory, binaries, user, passwordFile, durable };
  const startedAt = performance.now();
  if (await prepareCluster(cluster)) {
    log(`made a database in ${directory} in ${Math.round(performance.now() - startedAt)} ms`);
  }
  const address =
    passwordFile === undefined
      ? { host: socketDirectory(dataDir, user), port: SOCKET_PORT }
      : { host: '127.0.0.1', port: await freePort(), password: readFileSync(passwordFile, 'utf8') };
  const connection = { ...address, user: USER, database: DATABASE };
  return { ...cluster, connection, logFile: join(dataDir, 'postgres.log') };
}

/** The first place whose socket path is short enough and that the server's user may enter. */
function socketDirectory(dataDir: string, user: ServerUser | undefined): string {
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 12);
  const name = `pemba-${user?.uid ?? process.getuid?.() ?? 0}-${hash}`;
  const usable = (parent: string): boolean =>
    Buffer.byteLength(join(parent, name, `.s.PGSQL.${SOCKET_PORT}`)) <= SOCKET_PATH_MAX_BYTES &&
    existsSync(parent) &&
    (user === undefined || closedDirectory(parent, user) === undefined);
  return join([tmpdir(), '/tmp'].find(usable) ?? '/tmp', name);
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Starts the server again whenever it ends, until stopped. Never rejects. */
async function keepUp(
  first: RunningServer,
  settings: ServerSettings,
  { deadlineMs, signal, log }: Supervision,
): Promise<void> {
  const stopping = (): boolean => signal.aborted;
  let server = first;
  let upSince = performance.now();
  while (!stopping()) {
    if (isUp(server)) {
      await rest(WATCH_MS, signal);
      continue;
    }
    log('PostgreSQL is gone unexpectedly; starting it again');
    // One that dies again and again must not keep a processor busy.
    if (performance.now() - upSince < WATCH_MS) await rest(RETRY_MS, signal);
    try {
      server = await bringUp(settings, { deadlineMs, signal });
      upSince = performance.now();
      log('PostgreSQL is back');
    } catch (error) {
      if (!stopping()) log(`${(error as Error).message}; trying again`);
      await rest(RETRY_MS, signal);
    }
  }
}

interface Supervision extends Limits {
  readonly log: (line: string) => void;
}

/** Sleeps without keeping the process alive, and wakes up when it is time to stop. */
async function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal, ref: false }).catch(() => undefined);
}
