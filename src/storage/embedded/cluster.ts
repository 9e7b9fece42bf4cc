/**
 * The server's data directory, DATA_DIR/postgres. It is made under another name and renamed when
 * it is whole, so that it either exists in full or not at all, wherever initdb was interrupted.
 */
import { randomBytes } from 'node:crypto';
import { chownSync, closeSync, fsyncSync, lstatSync, mkdirSync, openSync } from 'node:fs';
import { readFileSync, readdirSync, renameSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Binaries } from './binaries.js';
import { cannotStart, reasonIn } from './failure.js';
import { runProgram } from './program.js';
import { giveTree, handOver } from './user.js';
import type { ServerUser } from './user.js';

/** The superuser of the cluster, and the database that initdb makes. */
export const USER = 'pemba';
export const DATABASE = 'postgres';

export interface ClusterSettings {
  readonly directory: string;
  readonly binaries: Binaries;
  readonly user: ServerUser | undefined;
  /** The password's file for a server on TCP; undefined: whoever reaches the socket is trusted. */
  readonly passwordFile: string | undefined;
  readonly durable: boolean;
}

/** Makes the data directory unless it is there; says whether it made it. */
export async function prepareCluster(settings: ClusterSettings): Promise<boolean> {
  const { directory, binaries, user } = settings;
  removeUnfinished(directory);
  const major = majorOf(directory);
  if (major === undefined) {
    await createCluster(settings);
    return true;
  }
  if (major !== binaries.major) {
    throw cannotStart(
      `${directory} was made by PostgreSQL ${major}, and this is PostgreSQL ${binaries.major}; ` +
        'dump it with the old version and restore it with this one, or set another DATA_DIR',
    );
  }
  if (user !== undefined && lstatSync(directory).uid !== user.uid) giveTree(directory, user);
  return false;
}

/** Undefined when there is no data directory yet. */
function majorOf(directory: string): number | undefined {
  try {
    return Number(readFileSync(join(directory, 'PG_VERSION'), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      const owner = lstatSync(directory).uid;
      throw cannotStart(
        `${directory} belongs to the user with id ${owner}; start Pemba as that user or as root`,
        error,
      );
    }
  }
  try {
    rmdirSync(directory); // empty, such as one made in advance
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw cannotStart(`${directory} holds something else than a database; move it away`, error);
    }
  }
  return undefined;
}

const UNFINISHED = '.new-';

function removeUnfinished(directory: string): void {
  const parent = dirname(directory);
  for (const name of readdirSync(parent)) {
    if (!join(parent, name).startsWith(directory + UNFINISHED)) continue;
    // An initdb that outlived its Pemba may still be writing there; it fails then.
    rmSync(join(parent, name), { recursive: true, force: true, maxRetries: 10 });
  }
}

async function createCluster(settings: ClusterSettings): Promise<void> {
  const { directory, user, passwordFile } = settings;
  const unfinished = directory + UNFINISHED + randomBytes(6).toString('hex');
  mkdirSync(unfinished, { mode: 0o700 });
  if (user !== undefined) chownSync(unfinished, user.uid, user.gid);
  if (passwordFile !== undefined) writePassword(passwordFile, user);
  try {
    await runInitdb(unfinished, settings);
    renameSync(unfinished, directory);
    if (settings.durable) syncDirectory(dirname(directory));
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true, maxRetries: 10 });
    throw error;
  }
}

function writePassword(path: string, user: ServerUser | undefined): void {
  rmSync(path, { force: true });
  writeFileSync(path, randomBytes(24).toString('base64url'), { mode: 0o600 });
  if (user !== undefined) chownSync(path, user.uid, user.gid);
}

async function runInitdb(directory: string, settings: ClusterSettings): Promise<void> {
  const { binaries, user, passwordFile, durable } = settings;
  const handed = handOver(directory, user);
  const access =
    passwordFile === undefined
      ? ['--auth-local=trust', '--auth-host=reject']
      : ['--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  const args = [
    `--pgdata=${handed.path}`,
    `--username=${USER}`,
    '--encoding=UTF8',
    '--locale=C',
    '--data-checksums',
    '--no-instructions',
    ...access,
    ...(durable ? [] : ['--no-sync']),
  ];
  const { exitCode, output } = await runProgram({
    directory: binaries.directory,
    name: 'initdb',
    args,
    user,
    handed,
  });
  if (exitCode !== 0) {
    throw cannotStart(`no database can be made in ${dirname(directory)}: ${reasonIn(output)}`);
  }
}

/** A rename is kept through a power failure once its directory is synced. */
function syncDirectory(path: string): void {
  if (process.platform === 'win32') return; // cannot be opened there
  const fd = openSync(path, 'r');
  fsyncSync(fd);
  closeSync(fd);
}
