import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { modelFromDsl } from '../../src/schema/dsl.js';

const COMMAND = join(process.cwd(), 'dist', 'command.js');
const folder = mkdtempSync(join(tmpdir(), 'pemba-convert-'));

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function pemba(...args: readonly string[]): {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  return spawnSync(process.execPath, [COMMAND, 'convert', 'spicedb', ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
}

const write = (name: string, text: string): void => {
  writeFileSync(join(folder, name), text);
};

describe('pemba convert spicedb', () => {
  it('prints the model of a schema', () => {
    write('good.zed', 'definition user {}\ndefinition doc {\n  relation view: user\n}\n');
    const { status, stdout, stderr } = pemba('good.zed');
    expect([status, stderr]).toEqual([0, '']);
    expect(modelFromDsl(stdout).model.types.size).toBe(2);
  });

  it('takes relationships by the piece, and names the line of what is wrong', () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `doc:${i}#view@user:anne-${i % 7}`);
    lines[17_000] = 'doc:größe ☃ is none';
    write('many.txt', lines.join('\n'));
    const { status, stdout, stderr } = pemba(
      'good.zed',
      '--relationships',
      'many.txt',
      '--out',
      'many',
    );
    expect([status, stdout]).toEqual([1, expect.stringContaining('19999 tuples')]);
    expect(stderr).toMatch(/line 17001.* of many\.txt.*'doc:größe ☃ is none'/);
    const made = readFileSync(join(folder, 'many', 'tuples.jsonl'), 'utf8')
      .trimEnd()
      .split('\n');
    expect(made.map((line) => (JSON.parse(line) as { object: string }).object)).toEqual(
      lines.flatMap((line, i) => (i === 17_000 ? [] : (line.split('#')[0] ?? ''))),
    );
    // What cannot be read leaves what was made before.
    const gone = pemba('good.zed', '--relationships', 'gone.txt', '--out', 'many');
    expect(gone.status).toBe(2);
    expect(readFileSync(join(folder, 'many', 'tuples.jsonl'), 'utf8')).toContain('doc:19999');
  });

  it('writes a model, tuples and tests to a folder', () => {
    write('tuples.txt', 'doc:1#view@user:anne\n');
    const { status, stdout } = pemba('good.zed', '--relationships', 'tuples.txt', '--out', 'made');
    expect(status).toBe(0);
    expect(stdout).toContain('1 tuples, 0 tests');
    expect(readdirSync(join(folder, 'made')).sort()).toEqual([
      ...['model.fga', 'store.fga.yaml', 'tuples.jsonl'],
    ]);
    expect(readFileSync(join(folder, 'made', 'tuples.jsonl'), 'utf8')).toBe(
      '{"user":"user:anne","relation":"view","object":"doc:1"}\n',
    );
  });

  it('fails where something has no equivalent, unless that is accepted', () => {
    write('odd.zed', 'definition doc {\n  relation p: doc\n  permission x = p.all(p)\n}\n');
    const strict = pemba('odd.zed');
    expect(strict.status).toBe(1);
    expect(strict.stdout).toContain('define x: [nobody]');
    expect(strict.stderr).toContain(
      "missing: line 3, column 18 of odd.zed: no equivalent of '.all",
    );
    expect(pemba('odd.zed', '--partial').status).toBe(0);
  });

  it('tells where a schema cannot be read, and that a file is missing', () => {
    write('bad.zed', 'definition doc {\n  relation\n}\n');
    const bad = pemba('bad.zed');
    expect(bad.status).toBe(1);
    expect(bad.stderr).toBe(
      "pemba: line 3, column 1 of bad.zed: expected a relation's name, found '}'\n",
    );
    expect(pemba('none.zed').status).toBe(2);
  });
});
