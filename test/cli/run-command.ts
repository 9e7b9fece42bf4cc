/** The built `pemba` command as a child process. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';

export const COMMAND = join(import.meta.dirname, '..', '..', 'dist', 'command.js');

export interface Outcome {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

export function runCommand(
  args: readonly string[],
  options: { readonly env: Readonly<Record<string, string>>; readonly cwd?: string },
): Promise<Outcome> {
  const env = { ...process.env, NO_COLOR: '1', ...options.env };
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [COMMAND, ...args],
      { ...options, env },
      (error, out, err) => {
        const code = error === null ? 0 : error.code;
        resolve({ exitCode: typeof code === 'number' ? code : NaN, out, err });
      },
    );
    child.stdin?.end();
  });
}
