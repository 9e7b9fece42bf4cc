/** The hook and the workflow of `examples/ci`. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { COMMAND } from '../support/command.js';

const ROOT = join(import.meta.dirname, '..', '..');
const EXAMPLES = join(ROOT, 'examples', 'ci');

describe('the hook before a commit', () => {
  let folder: string;
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8', stdio: 'pipe' });
  const commit = (): { readonly status: number | null; readonly told: string } => {
    const { status, stdout, stderr } = spawnSync('git', ['-C', folder, 'commit', '-m', 'c'], {
      encoding: 'utf8',
      env: { ...process.env, PEMBA: join(folder, 'pemba') },
    });
    return { status, told: stdout + stderr };
  };
  const change = (file: string, from: string, to: string): void => {
    const path = join(folder, 'schema', file);
    writeFileSync(path, readFileSync(path, 'utf8').replace(from, to));
  };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pemba-hook-'));
    git('init', '-q');
    git('config', 'user.name', 'Anne');
    git('config', 'user.email', 'anne@example.com');
    cpSync(join(ROOT, 'schema', 'shop'), join(folder, 'schema'), { recursive: true });
    cpSync(join(EXAMPLES, 'pre-commit'), join(folder, '.git', 'hooks', 'pre-commit'));
    const script = `#!/bin/sh\nexec '${process.execPath}' '${COMMAND}' "$@"\n`;
    writeFileSync(join(folder, 'pemba'), script, { mode: 0o755 });
  });
  beforeEach(() => {
    git('add', 'schema');
  });
  afterEach(() => {
    git('checkout', '-q', 'HEAD', '--', 'schema');
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('lets a schema through that is as it should be', () => {
    expect(commit()).toMatchObject({ status: 0 });
  });

  it.each([
    [
      'a rule that a test disproves',
      'customer but not blocked from shop',
      'customer',
      /expected false, got true/,
    ],
    ['a name that is not there', 'customer but not blocked', 'customr but not blocked', /customr/],
    ['spaces', 'define customer:', 'define   customer:', /orders\.fga/],
  ])('refuses %s', (_, from, to, told) => {
    change('orders.fga', from, to);
    git('add', 'schema');
    expect(commit()).toMatchObject({ status: 1, told: expect.stringMatching(told) });
  });

  it('looks at what is staged, not at what lies about', () => {
    change('people.fga', 'module people', '# People.\nmodule people');
    git('add', 'schema');
    change('orders.fga', 'customer but not blocked', 'nonsense');
    expect(commit()).toMatchObject({ status: 0 });
  });
});

describe('the workflow', () => {
  const text = readFileSync(join(EXAMPLES, 'github-workflow.yml'), 'utf8');

  it('calls the command with options that it has', () => {
    const calls = [...text.matchAll(/npx pemba (schema [a-z]+)([^\n]*)/g)];
    expect(calls).toHaveLength(5);
    for (const [, command = '', rest = ''] of calls) {
      const help = execFileSync(process.execPath, [COMMAND, ...command.split(' '), '--help'], {
        encoding: 'utf8',
      });
      for (const [flag] of rest.matchAll(/--[a-z-]+/g)) expect(help).toContain(flag);
    }
  });

  it('gives no job more than it needs', () => {
    const { permissions, jobs } = parse(text) as {
      readonly permissions: object;
      readonly jobs: Readonly<Record<string, { readonly permissions?: object }>>;
    };
    expect(permissions).toEqual({ contents: 'read' });
    expect(Object.keys(jobs).filter((name) => jobs[name]?.permissions !== undefined)).toEqual([
      'impact',
    ]);
  });
});
