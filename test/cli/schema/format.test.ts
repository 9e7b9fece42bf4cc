import { chmodSync, lstatSync, readFileSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Folder } from './command.js';

const UGLY = '# ours\r\nmodel\r\nschema 1.1\r\ntype user   # a person\r\n';
const NICE = '# ours\nmodel\n  schema 1.1\n\ntype user # a person\n';
const WRONG = 'model\n  schema 1.1\ntype user\n  relation\n';

let folder: Folder;

beforeEach(() => {
  folder = new Folder();
});
afterEach(() => {
  folder.remove();
});

const textOf = (path: string): string => readFileSync(path, 'utf8');

describe('pemba schema format', () => {
  it('formats the files that it is given, names those, and leaves nothing else behind', () => {
    const ugly = folder.write('x/ugly.fga', UGLY);
    const nice = folder.write('x/nice.fga', NICE);
    const { mtimeMs } = statSync(nice);
    expect(folder.run('schema', 'format', '**/*.fga')).toEqual({
      exitCode: 0,
      out: 'x/ugly.fga\n',
      err: '',
    });
    expect([textOf(ugly), textOf(nice)]).toEqual([NICE, NICE]);
    expect(statSync(nice).mtimeMs).toBe(mtimeMs);
    expect(readdirSync(join(folder.path, 'x')).sort()).toEqual(['nice.fga', 'ugly.fga']);
  });

  it('only checks, if that is what it is told', () => {
    const ugly = folder.write('ugly.fga', UGLY);
    folder.write('nice.fga', NICE);
    const { exitCode, out } = folder.run('schema', 'format', '--check', 'ugly.fga', 'nice.fga');
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: 'ugly.fga\n' });
    expect(textOf(ugly)).toBe(UGLY);
    expect(folder.run('schema', 'format', '--check', 'nice.fga').exitCode).toBe(0);
  });

  it('leaves a file with mistakes as it is, and shows them', () => {
    const wrong = folder.write('wrong.fga', WRONG);
    const { exitCode, out, err } = folder.run('schema', 'format', 'wrong.fga');
    expect(exitCode).toBe(1);
    expect(out).toContain('wrong.fga:4:3: unexpected');
    expect(out).toContain('  4 |   relation\n    |   ^^^^^^^^\n');
    expect(err).toBe('pemba: wrong.fga: left as it is, it has mistakes\n');
    expect(textOf(wrong)).toBe(WRONG);
  });

  it('tells what it did as JSON', () => {
    folder.write('ugly.fga', UGLY);
    folder.write('wrong.fga', WRONG);
    const { exitCode, out } = folder.run('--json', 'schema', 'format', 'ugly.fga', 'wrong.fga');
    expect(exitCode).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      changed: ['ugly.fga'],
      findings: [{ file: 'wrong.fga', line: 4, column: 3 }],
    });
  });

  it('formats standard input to standard output', () => {
    expect(folder.runWith(UGLY, 'schema', 'format', '--stdin')).toEqual({
      exitCode: 0,
      out: NICE,
      err: '',
    });
    expect(folder.runWith(UGLY, 'schema', 'format', '--stdin', '--check').exitCode).toBe(1);
    const wrong = folder.runWith(WRONG, 'schema', 'format', '--stdin');
    expect({ exitCode: wrong.exitCode, out: wrong.out }).toEqual({ exitCode: 1, out: '' });
    expect(wrong.err).toContain('standard input:4:3: ');
    const latin = Uint8Array.of(0xe9);
    expect(folder.runWith(latin, 'schema', 'format', '--stdin').exitCode).toBe(2);
  });

  it('keeps the mode of a file, and a link a link', () => {
    const ugly = folder.write('ugly.fga', UGLY);
    chmodSync(ugly, 0o606);
    const link = join(folder.path, 'link.fga');
    symlinkSync('ugly.fga', link);
    expect(folder.run('schema', 'format', 'link.fga').exitCode).toBe(0);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(statSync(ugly).mode & 0o777).toBe(0o606);
    expect(textOf(ugly)).toBe(NICE);
  });

  it('drops a byte order mark', () => {
    const path = folder.write('mark.fga', `\ufeff${NICE}`);
    expect(folder.run('schema', 'format', 'mark.fga').out).toBe('mark.fga\n');
    expect(readFileSync(path)[0]).toBe('#'.charCodeAt(0));
  });

  it('wants files or standard input, and .fga files', () => {
    folder.write('model.json', '{}');
    for (const args of [[], ['--stdin', 'a.fga'], ['model.json'], ['nope.fga']]) {
      expect([args, folder.run('schema', 'format', ...args).exitCode]).toEqual([args, 2]);
    }
  });
});
