import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { showFinding } from '../../../src/cli/schema/show-finding.js';
import { Folder } from './command.js';

const HEAD = 'model\n  schema 1.1\ntype user\n';
const SHOP = join(import.meta.dirname, '..', '..', '..', 'schema', 'shop');

const plain = (_: string, text: string): string => text;

let folder: Folder;

beforeEach(() => {
  folder = new Folder();
});
afterEach(() => {
  folder.remove();
});

interface Told {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  readonly endColumn?: number;
  readonly severity: string;
  readonly code: string;
  readonly message: string;
}

function told(...files: readonly string[]): readonly Told[] {
  const { out, err } = folder.run('--json', 'schema', 'validate', ...files);
  if (out === '') throw new Error(err);
  return JSON.parse(out) as readonly Told[];
}

describe('pemba schema validate', () => {
  it('tells all mistakes of a file with their places, and fails', () => {
    folder.write(
      'a.fga',
      `${HEAD}type doc\n  relations\n    define viewer: [user, usr] or editr\n\tdefine owner: ownr\n`,
    );
    const { exitCode, out, err } = folder.run('schema', 'validate', 'a.fga');
    expect(exitCode).toBe(1);
    expect(out).toMatch(/^a\.fga:6:27: [^]*^a\.fga:6:35: type /m);
    expect(out).toContain(
      '  6 |     define viewer: [user, usr] or editr\n' +
        '    |                                   ^^^^^\n',
    );
    expect(out).toContain('  7 |     define owner: ownr\n    |                   ^^^^\n');
    expect(err).toBe('pemba: 3 problems in 1 file\n');
  });

  it('tells them as JSON', () => {
    folder.write('a.fga', `${HEAD}type doc\n  relations\n    define viewer: editr\n`);
    expect(told('a.fga')).toEqual([
      {
        file: 'a.fga',
        line: 6,
        column: 20,
        endColumn: 25,
        severity: 'error',
        code: 'invalid',
        message: expect.stringContaining("'editr'"),
      },
    ]);
  });

  it('is content with a good schema, and says how many files that were', () => {
    const { exitCode, out } = folder.run('schema', 'validate', join(SHOP, 'fga.mod'));
    expect({ exitCode, out }).toEqual({ exitCode: 0, out: 'no problems in 6 files\n' });
  });

  it('names the module in which a mistake of a modular model is', () => {
    folder.write('m/fga.mod', "schema: '1.2'\ncontents:\n  - a.fga\n  - b.fga\n  - c.fga\n");
    folder.write('m/a.fga', 'module a\ntype user\ntype doc\n  relation\n');
    folder.write('m/b.fga', 'module b\nextend type doc\n  relations\n    define x [user]\n');
    expect(told('m/fga.mod', 'm/a.fga').map(({ file, line }) => [file, line])).toEqual([
      ['m/a.fga', 4],
      ['m/b.fga', 4],
      ['m/fga.mod', 5],
    ]);
  });

  it('checks a module alone for its syntax, and says what would check more', () => {
    folder.write('a.fga', '# ours\nmodule a\nextend type doc\n  relations\n    define x: [user]\n');
    expect(told('a.fga')).toMatchObject([{ severity: 'note', code: 'module_alone' }]);
    expect(folder.run('schema', 'validate', 'a.fga').exitCode).toBe(0);
  });

  it('finds the place in a store file that has its model in it, or names another', () => {
    const model = `${HEAD}type doc\n  relations\n    define viewer: editr\n`;
    const indented = model.replace(/^(?=.)/gm, '    ');
    folder.write('in.fga.yaml', `name: x\nmodel: |\n${indented}tests: []\n`);
    folder.write('out.fga.yaml', 'model_file: ./a.fga\n');
    folder.write('a.fga', model);
    expect(told('in.fga.yaml')).toMatchObject([{ file: 'in.fga.yaml', line: 8, column: 24 }]);
    expect(told('out.fga.yaml', 'a.fga')).toMatchObject([{ file: 'a.fga', line: 6, column: 20 }]);
  });

  it('finds the relation in a JSON model', () => {
    const model = {
      schema_version: '1.1',
      type_definitions: [
        { type: 'user' },
        { type: 'doc', relations: { viewer: { computedUserset: { relation: 'editr' } } } },
      ],
    };
    folder.write('m.json', JSON.stringify(model, null, 2));
    expect(told('m.json')).toMatchObject([{ line: 10, column: 9, code: 'invalid' }]);
  });

  it('warns of a delegation that cannot come true, and fails for it if told to', () => {
    folder.write(
      'd.fga',
      `${HEAD}type service\n  relations\n    define acting_for: [user]\n` +
        'type doc\n  relations\n    define agent: [service]\n    define owner: [user]\n' +
        '    define can_view: owner and acting_for from agent\n',
    );
    expect(told('d.fga')).toMatchObject([{ severity: 'warning', code: 'delegation_no_ceiling' }]);
    expect(folder.run('schema', 'validate', 'd.fga').exitCode).toBe(0);
    expect(folder.run('schema', 'validate', '--strict', 'd.fga').exitCode).toBe(1);
  });

  it('tells that a model is over the limits of a server', () => {
    const types = Array.from({ length: 120 }, (_, i) => `type t${i}\n`).join('');
    folder.write('a.fga', HEAD + types);
    expect(told('a.fga')[0]?.message).toContain('exceeds the allowed limit of 100');
  });

  it('takes patterns', () => {
    folder.write('x/a.fga', HEAD);
    folder.write('x/y/b.fga', HEAD);
    folder.write('x/README.md', '#');
    const { out } = folder.run('schema', 'validate', 'x/**');
    expect(out).toBe('no problems in 2 files\n');
    expect(folder.run('schema', 'validate', 'z/**').exitCode).toBe(2);
  });
});

describe('what is no schema file', () => {
  const refused = (file: string): string => {
    const { exitCode, out, err } = folder.run('schema', 'validate', file);
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: '' });
    return err;
  };

  it('is a wrong usage: missing, a folder, a link to itself, not UTF-8, a pipe', () => {
    expect(refused('nope.fga')).toContain('nope.fga cannot be read: there is no such file');
    mkdirSync(join(folder.path, 'dir.fga'));
    expect(refused('dir.fga')).toContain('it is a directory');
    symlinkSync('loop.fga', join(folder.path, 'loop.fga'));
    expect(refused('loop.fga')).toContain('its links go in a circle');
    folder.write('latin.fga', Uint8Array.of(0x6d, 0xe9, 0x0a));
    expect(refused('latin.fga')).toContain('it is not UTF-8');
    if (process.platform === 'win32') return;
    execFileSync('mkfifo', [join(folder.path, 'pipe.fga')]);
    expect(refused('pipe.fga')).toContain('it is no regular file');
    expect(refused('/dev/zero')).not.toBe('');
  });

  it('is not walked into by way of links that go in a circle', () => {
    folder.write('x/a.fga', HEAD);
    symlinkSync('..', join(folder.path, 'x', 'up'));
    expect(folder.run('schema', 'validate', '**/*.fga').out).toBe('no problems in 1 file\n');
  });
});

describe('a hostile text', () => {
  it('of a hundred thousand lines is refused in one sentence', () => {
    folder.write('a.fga', `${HEAD}${'type t\n'.repeat(100_000)}`);
    expect(told('a.fga')).toMatchObject([
      { message: expect.stringContaining('characters at most') },
    ]);
  });

  it('with NUL bytes, a byte order mark and CRLF has its mistakes where they are', () => {
    folder.write('a.fga', `\ufeff${HEAD.replaceAll('\n', '\r\n')}type d\0c\r\n`);
    expect(told('a.fga')).toMatchObject([{ line: 4, column: 7, code: 'malformed' }]);
    const { out } = folder.run('schema', 'validate', 'a.fga');
    expect(out).not.toContain('\0');
    expect(out).toContain('  4 | type d\ufffdc\n    |       ^\n');
  });
});

describe('a finding', () => {
  const shown = (line: string, column: number, endColumn: number): readonly string[] =>
    showFinding(
      { file: 'f', line: 1, column, endColumn, severity: 'error', code: 'x', message: 'm' },
      line,
      plain,
    ).split('\n');

  it('is underlined where wide characters stand before it', () => {
    expect(shown('# 日本 wrong', 6, 11)).toEqual([
      'f:1:6: m',
      '  1 | # 日本 wrong',
      '    |        ^^^^^',
    ]);
  });

  it('is underlined where a tab and a combining accent stand before it', () => {
    expect(shown('\te\u0301 x', 5, 6).slice(1)).toEqual(['  1 |     e\u0301 x', '    |       ^']);
  });

  it('is shown with what is around it of a long line', () => {
    const [, line = '', carets = ''] = shown(
      `${'a'.repeat(5000)} wrong ${'b'.repeat(5000)}`,
      5002,
      5007,
    );
    expect(line.length).toBeLessThan(110);
    expect(line).toMatch(/^ {2}1 \| …a+ wrong b+…$/);
    expect(line.slice(carets.indexOf('^'))).toMatch(/^wrong/);
    expect(carets).toMatch(/\^{5}$/);
  });

  it('does nothing to the terminal', () => {
    const text = shown('\u001b[2J\u202e type', 1, 2).join('\n');
    expect(text).not.toContain('\u001b');
    expect(text).not.toContain('\u202e');
  });
});
