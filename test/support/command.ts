/** The built `pemba` command, run as a user runs it. */
import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const COMMAND = join(import.meta.dirname, '..', '..', 'dist', 'command.js');

export interface Outcome {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** Whoever runs the tests may have a `.pemba.yaml` of their own. */
const home = mkdtempSync(join(tmpdir(), 'pemba-home-'));

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
}

export function runCommand(
  args: readonly string[],
  { env, cwd, input }: CommandOptions = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [COMMAND, ...args],
      { env: { ...process.env, HOME: home, ...env }, cwd, maxBuffer: 2 ** 26 },
      (error, out, err) => {
        const code = error === null ? 0 : error.code;
        resolve({ exitCode: typeof code === 'number' ? code : NaN, out, err });
      },
    );
    child.stdin?.end(input);
  });
}
