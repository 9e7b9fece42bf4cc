import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isoTime } from '../../src/telemetry/log.js';
import { LineFile } from '../../src/telemetry/line-file.js';

const lostLine = (count: number): string => `lost ${count}\n`;
const LONG = 'x'.repeat(10_000);
/** More than is kept for an output that stands still. */
const TOO_MANY = 2000;

describe('lines for the log', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'pemba-lines-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  it('are written soon, all of them and in their order', async () => {
    const file = join(directory, 'out');
    const fd = openSync(file, 'w');
    const lines = new LineFile(fd, lostLine);
    const written = Array.from({ length: 20_000 }, (_, i) => `${i} Ω 🙂 \ud800\n`);
    for (const line of written) lines.write(line);
    lines.write(`${LONG.repeat(10)}\n`);
    await sleep(500);
    expect(readFileSync(file, 'utf8')).toBe(
      `${written.join('').replaceAll('\ud800', '\ufffd')}${LONG.repeat(10)}\n`,
    );
    closeSync(fd);
  });

  it('are all there after a flush that waits', () => {
    const file = join(directory, 'out');
    const fd = openSync(file, 'w');
    const lines = new LineFile(fd, lostLine);
    lines.write('one\n');
    lines.write('two\n');
    lines.flushSync();
    expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n');
    closeSync(fd);
  });

  it('are dropped and counted while nobody reads, and told of afterwards', async () => {
    const pipe = join(directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const fd = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
    const lines = new LineFile(fd, lostLine);
    for (let i = 0; i < TOO_MANY; i++) lines.write(`${i} ${LONG}\n`);
    let read = '';
    const drain = async (until: string): Promise<void> => {
      const buffer = Buffer.alloc(1 << 20);
      for (let idle = 0; idle < 100 && !read.endsWith(until);) {
        try {
          read += buffer.toString('utf8', 0, readSync(fd, buffer));
          idle = 0;
        } catch {
          idle++;
        }
        await sleep(2);
      }
    };
    await drain('none');
    lines.write('last\n');
    await sleep(150);
    await drain('last\n');
    const told = read.split('\n').filter((line) => line !== '');
    const kept = told.length - 2;
    expect(kept).toBeGreaterThan(500);
    expect(told.slice(-2)).toEqual([`lost ${TOO_MANY - kept}`, 'last']);
    expect(told.slice(0, kept)).toEqual(told.slice(0, kept).map((_, i) => `${i} ${LONG}`));
    closeSync(fd);
  });
});

describe('the time in a line', () => {
  it.each([0, 999, 1000, 1_764_000_000_007, 1_764_000_000_070, 1_764_000_000_700, -1])(
    'is that of %d as everywhere',
    (instant) => {
      expect(isoTime(instant)).toBe(new Date(instant).toISOString());
    },
  );
});
