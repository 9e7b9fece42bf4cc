/**
 * One Pemba process per data directory. The owner writes who it is into DATA_DIR/pemba.lock and
 * touches the file every second; a clean stop removes it. Whoever finds the file asks:
 *
 *   owner on this host     → is that very process (id and start time) still there?
 *   owner on another host  → process ids mean nothing across containers: is the file still being
 *                            touched? This is what keeps two containers with one volume apart.
 *
 * A dead owner's file is replaced by renaming a new one over it, and read again after a moment:
 * of several who do so at once the last one wins, and the others see its name.
 *
 * PostgreSQL's own postmaster.pid cannot do this job: it outlives a killed Pemba process, because
 * the server does, and it compares process ids, which two containers may share.
 */
import { closeSync, futimesSync, openSync, readFileSync, renameSync } from 'node:fs';
import { statSync, unlinkSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PembaError } from '../../errors.js';
import { cannotStart } from './failure.js';
import { inspectProcess } from './process.js';

/** How often the owner shows that it lives. */
const BEAT_MS = 1_000;
/** How long an owner elsewhere may be silent: a busy event loop can miss several beats. */
const SILENCE_MS = 10_000;
/** Far longer than the two system calls between judging a lock stale and replacing it. */
const CONFIRM_MS = 50;

interface Owner {
  readonly pid: number;
  readonly startedAt: string | undefined;
  readonly host: string;
}

export interface DataDirectoryLock {
  release(): void;
}

/** Rejects with `cannot_start` when another process has the directory, which must exist. */
export async function lockDataDirectory(
  dataDir: string,
  log: (line: string) => void,
  { host = hostname(), silenceMs = SILENCE_MS } = {},
): Promise<DataDirectoryLock> {
  const path = join(dataDir, 'pemba.lock');
  const startedAt = inspectProcess(process.pid)?.startedAt;
  const mine = `${JSON.stringify({ pid: process.pid, startedAt, host } satisfies Owner)}\n`;
  for (;;) {
    const created = createLock(path, mine);
    if (created !== undefined) return keep(path, mine, created);
    const found = readLock(path);
    if (found === undefined) continue; // released just now
    const owner = parseOwner(found);
    if (owner?.host !== host) {
      log(`${path} was left by ${nameOf(owner)}; watching it for ${silenceMs} ms`);
    }
    const held = owner?.host === host ? isAlive(owner) : await isTouched(path, silenceMs);
    if (readLock(path) !== found) continue; // it changed hands meanwhile
    if (held) throw inUse(dataDir, owner);
    const replaced = await replaceLock(path, mine);
    if (replaced !== undefined) return keep(path, mine, replaced);
  }
}

function keep(path: string, mine: string, fd: number): DataDirectoryLock {
  const beat = setInterval(() => {
    const now = new Date();
    try {
      futimesSync(fd, now, now);
    } catch {
      // One beat is missed; a disk in trouble makes itself heard elsewhere.
    }
  }, BEAT_MS);
  beat.unref();
  return {
    release() {
      clearInterval(beat);
      closeSync(fd);
      if (readLock(path) === mine) unlinkSync(path);
    },
  };
}

function createLock(path: string, text: string): number | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
  try {
    writeSync(fd, text);
    return fd;
  } catch (error) {
    closeSync(fd);
    unlinkSync(path); // the disk is full; an empty lock would only puzzle the next start
    throw error;
  }
}

/** Undefined when somebody else replaced the same lock later. */
async function replaceLock(path: string, text: string): Promise<number | undefined> {
  const replacement = `${path}.${process.pid}`;
  const fd = openSync(replacement, 'w');
  writeSync(fd, text);
  renameSync(replacement, path);
  await sleep(CONFIRM_MS);
  if (readLock(path) === text) return fd;
  closeSync(fd);
  return undefined;
}

function isAlive(owner: Owner): boolean {
  const found = inspectProcess(owner.pid);
  if (found === undefined) return false;
  return found.startedAt === undefined || found.startedAt === owner.startedAt;
}

async function isTouched(path: string, watchMs: number): Promise<boolean> {
  const seen = touchedAt(path);
  for (let waited = 0; waited < watchMs; waited += BEAT_MS / 4) {
    await sleep(BEAT_MS / 4);
    if (touchedAt(path) !== seen) return true;
  }
  return false;
}

function touchedAt(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

function readLock(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parseOwner(text: string): Owner | undefined {
  try {
    return JSON.parse(text) as Owner;
  } catch {
    return undefined; // a crash between creating and writing it
  }
}

function nameOf(owner: Owner | undefined): string {
  return owner === undefined ? 'an unknown process' : `process ${owner.pid} on ${owner.host}`;
}

function inUse(dataDir: string, owner: Owner | undefined): PembaError {
  return cannotStart(
    `DATA_DIR ${dataDir} is in use by ${nameOf(owner)}; stop it, or set another DATA_DIR`,
  );
}
