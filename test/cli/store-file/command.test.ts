/** The built command, as a user runs it. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MODEL } from './store-files.js';

const COMMAND = join(import.meta.dirname, '..', '..', '..', 'dist', 'command.js');
const folder = mkdtempSync(join(tmpdir(), 'pemba-store-files-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Outcome {
  readonly exitCode: unknown;
  readonly out: string;
  readonly err: string;
}

const run = (...args: readonly string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    execFile(process.execPath, [COMMAND, ...args], { cwd: folder }, (error, out, err) => {
      resolve({ exitCode: error === null ? 0 : error.code, out, err });
    });
  });

const check = (expected: boolean): string => `tests:
  - {name: t, check: [{user: user:a, object: doc:1, assertions: {owner: ${String(expected)}}}]}`;

describe('pemba schema test', () => {
  beforeAll(() => {
    writeFileSync(join(folder, 'good.fga.yaml'), MODEL + check(false));
    writeFileSync(join(folder, 'bad.fga.yaml'), MODEL + check(true));
    writeFileSync(join(folder, 'ugly.fga.yaml'), 'tests: {}');
  });

  it('is done where all hold', async () => {
    expect(await run('schema', 'test', 'good.fga.yaml')).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/^PASS good\.fga\.yaml {2}1 test, 1 assertion, \d+ ms\n$/),
      err: '',
    });
  });

  it('fails where one does not, and tells CI', async () => {
    const found = await run('schema', 'test', '{good,bad}.fga.yaml', '--junit', 'report.xml');
    expect(found).toMatchObject({
      exitCode: 1,
      out: expect.stringContaining('user:a owner doc:1: denied'),
      err: 'pemba: 1 of 2 tests in 2 files failed\n',
    });
    expect(readFileSync(join(folder, 'report.xml'), 'utf8')).toContain('failures="1"');
  });

  it('makes one document of it', async () => {
    const { exitCode, out } = await run('--json', 'schema', 'test', '*.fga.yaml', '--coverage');
    expect(exitCode).toBe(2);
    expect(JSON.parse(out)).toMatchObject({
      passed: false,
      files: [
        { passed: false },
        { passed: true },
        { passed: false, problems: [expect.anything()] },
      ],
      coverage: [{ model: 'bad.fga.yaml' }, { model: 'good.fga.yaml', branches: 26, reached: 1 }],
    });
  });

  it('can want coverage', async () => {
    const found = await run('schema', 'test', 'good.fga.yaml', '--coverage-min', '50');
    expect(found).toMatchObject({ exitCode: 1, err: expect.stringContaining('less than 50 %') });
  });

  it.each([
    [['none.fga.yaml'], 'there is no file none.fga.yaml'],
    [['x/*.yaml'], 'there is no file x/*.yaml'],
    [['good.fga.yaml', '--coverage-min', '101'], 'a whole number from 0 to 100'],
  ])('takes %j for wrong usage', async (args, message) => {
    const found = await run('schema', 'test', ...args);
    expect(found).toMatchObject({ exitCode: 2, err: expect.stringContaining(message) });
  });
});
