import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FileSink } from '../../src/telemetry/decision-log/file-sink.js';
import { askable, eventOf, until } from './decisions.js';

const BUILT = pathToFileURL(join(__dirname, '../../dist/telemetry/decision-log/file-sink.js')).href;

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pemba-decisions-'));
  path = join(folder, 'decisions.log');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const sinkOf = (maxBytes = 1_000_000, maxFiles = 3): FileSink =>
  new FileSink({ path, maxBytes, maxFiles });

async function written(events: readonly string[], sink = sinkOf()): Promise<void> {
  await sink.open();
  await sink.write(events);
  await sink.close();
}

const textOf = (name: string): string => readFileSync(join(folder, name), 'utf8');

/** Oldest first. */
const filesByAge = (): readonly string[] =>
  readdirSync(folder).sort((a, b) => numberOf(b) - numberOf(a));
const numberOf = (name: string): number => Number(/\.(\d+)$/.exec(name)?.[1] ?? 0);

/**
 * Writes numbered lines until it is killed or fails. It outlives the signal that a file is too
 * large, and gets the error.
 */
const writerProgram = (first: number, maxBytes: number): string => `
  process.on('SIGXFSZ', () => undefined);
  const { FileSink } = await import(${JSON.stringify(BUILT)});
  const sink = new FileSink({ path: ${JSON.stringify(path)}, maxBytes: ${maxBytes}, maxFiles: 1000 });
  await sink.open();
  const lineOf = (n) => JSON.stringify({ n, filling: 'x'.repeat(n % 3000) });
  try {
    for (let n = ${first}; ; n += 20) {
      await sink.write(Array.from({ length: 20 }, (_, i) => lineOf(n + i)));
      process.stdout.write(n + 19 + '\\n');
    }
  } catch (error) {
    process.stdout.write(error.code + '\\n');
  }`;

function startWriter(
  first: number,
  maxBytes: number,
  command: readonly string[] = [],
): ChildProcess {
  const [program = process.execPath, ...args] = command;
  const node = command.length === 0 ? [] : [process.execPath];
  return spawn(
    program,
    [...args, ...node, '--input-type=module', '-e', writerProgram(first, maxBytes)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
}

function numbersIn(names: readonly string[]): readonly number[] {
  return names.flatMap((name) =>
    textOf(name)
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { n: number }).n),
  );
}

describe('a file of decisions', () => {
  it('is appended to, a line an event', async () => {
    await written(['{"a":1}', '{"b":"é"}']);
    await written(['{"c":3}']);
    expect(textOf('decisions.log')).toBe('{"a":1}\n{"b":"é"}\n{"c":3}\n');
    expect(statSync(path).mode & 0o007).toBe(0);
  });

  it('makes room for the next when it is full, and keeps so many', async () => {
    for (let i = 0; i < 6; i++) await written([`{"n":${i},"x":"${'x'.repeat(50)}"}`], sinkOf(100));
    expect(readdirSync(folder).sort()).toEqual([
      'decisions.log',
      'decisions.log.1',
      'decisions.log.2',
    ]);
    expect(numbersIn(filesByAge())).toEqual([3, 4, 5]);
  });

  it('is rotated while it is open, too', async () => {
    const sink = sinkOf(100, 10);
    await sink.open();
    for (let i = 0; i < 6; i++) await sink.write([`{"n":${i},"x":"${'x'.repeat(50)}"}`]);
    await sink.close();
    expect(numbersIn(filesByAge())).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('goes on with a rotation that was interrupted, and loses nothing by it', async () => {
    writeFileSync(path, `{"n":2,"x":"${'x'.repeat(90)}"}\n`);
    writeFileSync(`${path}.1`, '{"n":1}\n');
    writeFileSync(`${path}.3`, '{"n":0}\n');
    await written(['{"n":3}'], sinkOf(100, 4));
    expect(filesByAge()).toHaveLength(4);
    expect(numbersIn(filesByAge())).toEqual([0, 1, 2, 3]);
  });

  it.each([
    ['{"n":1}\n{"n":2}\n{"n', [1, 2, 9]],
    [`{"n":1}\n{"torn":"${'x'.repeat(200_000)}`, [1, 9]],
    ['{"torn', [9]],
  ])('ends with a whole line before it goes on', async (before, numbers) => {
    writeFileSync(path, before);
    await written(['{"n":9}']);
    expect(numbersIn(['decisions.log'])).toEqual(numbers);
  });

  it('is made anew when somebody moved or deleted it', async () => {
    const sink = sinkOf();
    await sink.open();
    await sink.write(['{"n":1}']);
    renameSync(path, join(folder, 'moved'));
    await sink.write(['{"n":2}']);
    rmSync(path);
    await sink.write(['{"n":3}']);
    await sink.close();
    expect([textOf('moved'), textOf('decisions.log')]).toEqual(['{"n":1}\n', '{"n":3}\n']);
  });

  it('has whole lines only, none missing, whenever its process was killed', async () => {
    let next = 0;
    for (let round = 0; round < 8; round++) {
      const writer = startWriter(next, 300_000);
      let said = '';
      writer.stdout?.setEncoding('utf8').on('data', (text: string) => (said += text));
      await until(() => said.length > 0);
      await new Promise((resolve) => setTimeout(resolve, round * 7));
      writer.kill('SIGKILL');
      await once(writer, 'close');
      await written([], sinkOf(300_000, 1000));
      const numbers = numbersIn(filesByAge());
      const confirmed = Number(said.trim().split('\n').at(-1));
      expect(numbers).toEqual(Array.from(numbers, (_, i) => i));
      expect(numbers.length).toBeGreaterThan(confirmed);
      next = numbers.length;
    }
    expect(readdirSync(folder).length).toBeGreaterThan(1);
  });

  it('has whole batches only when the disk is full in the middle of one', async () => {
    const limited = ['bash', '-c', 'ulimit -f 200; exec "$0" "$@"'];
    const writer = startWriter(0, 100_000_000, limited);
    let said = '';
    writer.stdout?.setEncoding('utf8').on('data', (text: string) => (said += text));
    await once(writer, 'close');
    const [failure, last] = said.trim().split('\n').reverse();
    expect(failure).toBe('EFBIG');
    const numbers = numbersIn(['decisions.log']);
    expect(numbers).toEqual(Array.from({ length: Number(last) + 1 }, (_, i) => i));
  });

  it('that cannot be opened stops the start, naming the setting', async () => {
    const sink = new FileSink({ path: join(folder, 'none', 'x.log'), maxBytes: 1, maxFiles: 2 });
    await expect(sink.open()).rejects.toMatchObject({
      code: 'cannot_start',
      message: expect.stringContaining('PEMBA_DECISION_LOG'),
    });
  });
});

const isFullThere = existsSync('/dev/full');
const skipped = isFullThere ? '' : ' (skipped: there is no /dev/full)';

(isFullThere ? describe : describe.skip)(`a disk that is full${skipped}`, () => {
  it('lets nobody in where the log is required', async () => {
    const sink = new FileSink({ path: '/dev/full', maxBytes: 1000, maxFiles: 2 });
    const { ask, decisionLog, close } = await askable(sink, {
      isRequired: true,
      maxEvents: 20,
      stopWithinMs: 50,
    });
    const statuses = [];
    for (let i = 0; i < 30; i++) statuses.push((await ask(true)).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(20);
    expect((await ask(false)).status).toBe(200);
    expect(decisionLog.figures).toMatchObject({ size: 20, written: 0, withheld: 10 });
    await close();
    expect(statSync('/dev/full').isCharacterDevice()).toBe(true);
  });
});

describe('the events in a file', () => {
  it('are what was decided', async () => {
    const { ask, close } = await askable(sinkOf());
    const ids = [];
    for (let i = 0; i < 200; i++) ids.push((await ask(i % 3 === 0)).id);
    await close();
    const events = textOf('decisions.log').trim().split('\n').map(eventOf);
    expect(events.map((event) => event.decision_id)).toEqual(ids);
  });
});
