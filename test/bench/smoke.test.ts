/** Every benchmark runs to its end on a small world and has figures to show. No figure is judged. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWithPostgres } from '../support/postgres.js';

const ROOT = join(__dirname, '..', '..');
/** Some 20 s when nothing else runs. */
const TIMEOUT_MS = 180_000;

interface Results {
  readonly benchmarks: readonly {
    readonly name: string;
    readonly tables: readonly {
      readonly title: string;
      readonly columns: readonly { readonly key: string; readonly unit: string }[];
      readonly rows: readonly Readonly<Record<string, unknown>>[];
    }[];
  }[];
}

describeWithPostgres('npm run bench', () => {
  const directory = mkdtempSync(join(tmpdir(), 'pemba-bench-test-'));
  let output = '';
  let results: Results;

  beforeAll(async () => {
    const file = join(directory, 'results.json');
    const args = ['run.mjs', 'bench', '--size', 'small', '--runs', '1', '--json', file];
    const child = spawn(process.execPath, args, { cwd: ROOT });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    const code = await new Promise((resolve) => child.once('close', resolve));
    if (code !== 0) throw new Error(`npm run bench ended with ${String(code)}:\n${output}`);
    results = JSON.parse(readFileSync(file, 'utf8')) as Results;
  }, TIMEOUT_MS);

  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  it('runs every benchmark', () => {
    const names = results.benchmarks.map(({ name }) => name);
    expect(names).toEqual([
      ...['engine', 'memory', 'http', 'authentication', 'authzen', 'edge', 'permits'],
      ...['delegation', 'writes', 'bulk', 'feed', 'impact', 'growth', 'overload'],
    ]);
  });

  it('has a figure in every row of every table, and prints the table', () => {
    for (const { name, tables } of results.benchmarks) {
      expect(tables.length).toBeGreaterThan(0);
      for (const { title, columns, rows } of tables) {
        expect(output).toContain(`${name}: ${title}`);
        expect(rows.length).toBeGreaterThan(0);
        const figures = columns.filter(({ unit }) => unit !== 'text').map(({ key }) => key);
        for (const row of rows) {
          expect(figures.filter((key) => typeof row[key] === 'number')).not.toEqual([]);
        }
      }
    }
  });
});
