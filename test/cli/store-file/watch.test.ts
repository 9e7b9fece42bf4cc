/** `pemba schema test --watch`, the built command: what it notices, and how it ends. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { COMMAND } from '../../support/command.js';
import { until } from '../../support/storage.js';

const model = (relation: string): string =>
  `model\n  schema 1.1\ntype user\ntype doc\n  relations\n    define ${relation}: [user]\n`;

const test = (expected: boolean, file = 'model.fga'): string => `model_file: ${file}
tests:
  - name: t
    check: [{user: user:a, object: doc:1, assertions: {owner: ${String(expected)}}}]
`;

/** Longer than several changes may take to settle. */
const QUIET_MS = 400;

describe('store files that are watched', () => {
  let folder: string;
  let child: ChildProcess | undefined;
  let said: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pemba-watch-'));
    said = '';
    put('model.fga', model('owner'));
    put('a.fga.yaml', test(false));
  });
  afterEach(() => {
    child?.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  const put = (name: string, text: string): void => {
    writeFileSync(join(folder, name), text);
  };
  const start = (...patterns: readonly string[]): Promise<number | null> => {
    const args = [COMMAND, 'schema', 'test', '--watch', ...patterns];
    const started = spawn(process.execPath, args, { cwd: folder });
    child = started;
    for (const stream of [started.stdout, started.stderr]) {
      stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    }
    return new Promise((resolve) => started.once('exit', resolve));
  };
  /** Whatever was said since the last time, once it has all of that and waits again. */
  const hear = async (...parts: readonly string[]): Promise<string> => {
    await until(() => [...parts, 'watching '].every((part) => said.includes(part)));
    const heard = said;
    said = '';
    return heard;
  };

  it('are run again after a change of theirs, or of what they name', async () => {
    void start('a.fga.yaml');
    await hear('PASS a.fga.yaml', 'watching 2 files');
    put('a.fga.yaml', test(true));
    await hear('FAIL a.fga.yaml', 'user:a owner doc:1: denied');
    put('model.fga', model('editor'));
    await hear('FAIL a.fga.yaml', "relation 'doc#owner' not found");
    put('model.fga', model('owner'));
    put('a.fga.yaml', test(false));
    await hear('PASS a.fga.yaml');
  });

  it('are run again when an editor writes a new file and renames it', async () => {
    void start('a.fga.yaml');
    await hear('PASS');
    for (const expected of [true, false, true]) {
      put('.a.fga.yaml.swp', test(expected));
      renameSync(join(folder, '.a.fga.yaml.swp'), join(folder, 'a.fga.yaml'));
      await hear(expected ? 'FAIL a.fga.yaml' : 'PASS a.fga.yaml');
    }
  });

  it('are run again when what was broken or missing is mended', async () => {
    put('a.fga.yaml', test(false, 'later/model.fga'));
    put('model.fga', 'model\n  schema 1.1\ntype [');
    put('b.fga.yaml', test(false));
    void start('a.fga.yaml', 'b.fga.yaml');
    expect(await hear('FAIL a.fga.yaml', 'FAIL b.fga.yaml')).toContain('cannot be read');
    put('model.fga', model('owner'));
    await hear('FAIL a.fga.yaml', 'PASS b.fga.yaml');
    mkdirSync(join(folder, 'later'));
    await hear('FAIL a.fga.yaml');
    put('later/model.fga', model('owner'));
    await hear('PASS a.fga.yaml', 'PASS b.fga.yaml');
  });

  it('are joined by others that their pattern finds, in new folders too', async () => {
    void start('**/*.fga.yaml');
    await hear('PASS a.fga.yaml');
    put('notes.txt', 'no store file');
    await new Promise((passed) => setTimeout(passed, QUIET_MS));
    expect(said).toBe('');
    put('b.fga.yaml', test(true));
    await hear('PASS a.fga.yaml', 'FAIL b.fga.yaml');
    mkdirSync(join(folder, 'deep/er'), { recursive: true });
    await hear('PASS a.fga.yaml');
    put('deep/er/c.fga.yaml', test(false, '../../model.fga'));
    await hear('FAIL b.fga.yaml', 'PASS deep/er/c.fga.yaml');
    rmSync(join(folder, 'b.fga.yaml'));
    expect(await hear('PASS deep/er/c.fga.yaml')).not.toContain('b.fga.yaml');
  });

  it('go on when none is left, until there is one again', async () => {
    void start('*.fga.yaml');
    await hear('PASS');
    rmSync(join(folder, 'a.fga.yaml'));
    await hear('there is no file *.fga.yaml');
    put('b.fga.yaml', test(false));
    await hear('PASS b.fga.yaml');
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('end at %s, as interrupted', async (signal) => {
    const ended = start('a.fga.yaml');
    await hear('PASS');
    child?.kill(signal);
    expect(await ended).toBe(130);
    expect(said).toBe('');
  });

  it('are not watched where there are none, or as JSON', async () => {
    expect(await start('none/*.fga.yaml')).toBe(2);
    expect(said).toContain('there is no file none/*.fga.yaml');
    expect(await start('a.fga.yaml', '--json')).toBe(2);
  });
});
