import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockDataDirectory } from '../../src/storage/embedded/lock.js';
import type { DataDirectoryLock } from '../../src/storage/embedded/lock.js';

let directory: string;
let path: string;
let lines: string[];
const log = (line: string): void => void lines.push(line);
const locks: DataDirectoryLock[] = [];

async function lock(options: { host?: string; silenceMs?: number } = {}): Promise<void> {
  locks.push(await lockDataDirectory(directory, log, options));
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pemba-lock-'));
  path = join(directory, 'pemba.lock');
  lines = [];
});
afterEach(() => {
  for (const held of locks.splice(0)) held.release();
  rmSync(directory, { recursive: true });
});

describe('the lock of a data directory', () => {
  it('is one process only, until released', async () => {
    await lock();
    await expect(lock()).rejects.toMatchObject({
      code: 'cannot_start',
      message: expect.stringContaining(`in use by process ${process.pid}`),
    });
    locks.pop()!.release();
    expect(existsSync(path)).toBe(false);
    await lock();
  });

  it('passes on when its owner is dead', async () => {
    const owner = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
    await once(owner, 'exit');
    await lock({ host: 'here' });
    writeFileSync(path, readFileSync(path, 'utf8').replace(/\d+/, String(owner.pid)));
    await lock({ host: 'here' });
    expect(readFileSync(path, 'utf8')).toContain(`"pid":${process.pid}`);
  });

  it('passes on when another process has the id of the dead owner', async () => {
    await lock({ host: 'here' });
    const stale = readFileSync(path, 'utf8').replace(/"startedAt":"\d+"/, '"startedAt":"1"');
    writeFileSync(path, stale);
    const known = stale.includes('"startedAt":"1"'); // only Linux tells when a process started
    if (known) await lock({ host: 'here' });
    else await expect(lock({ host: 'here' })).rejects.toThrow('in use');
  });

  it('is kept by an owner on another host that shows signs of life', async () => {
    await lock({ host: 'there' });
    await expect(lock({ host: 'here' })).rejects.toThrow(
      `in use by process ${process.pid} on there`,
    );
    expect(lines).toEqual([expect.stringContaining(`left by process ${process.pid} on there`)]);
  });

  it('passes on when the owner on another host is silent', async () => {
    writeFileSync(path, '{"pid":1,"startedAt":"1","host":"there"}\n');
    await lock({ host: 'here', silenceMs: 500 });
    expect(readFileSync(path, 'utf8')).toContain('"host":"here"');
  });

  it('passes on when a crash left it empty', async () => {
    writeFileSync(path, '');
    await lock({ silenceMs: 500 });
    expect(readFileSync(path, 'utf8')).toContain(`"pid":${process.pid}`);
  });

  it('goes to one of several that find it stale at the same moment', async () => {
    writeFileSync(path, '{"pid":1,"startedAt":"1","host":"there"}\n');
    const contenders = ['a', 'b', 'c', 'd'].map((host) => lock({ host, silenceMs: 2_000 }));
    const outcomes = await Promise.allSettled(contenders);
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
  });
});
