import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import type { HandedDirectory, ServerUser } from './user.js';

export type ProgramName = 'initdb' | 'postgres' | 'pg_ctl';

export interface Program {
  /** The directory that holds bin/. */
  readonly directory: string;
  readonly name: ProgramName;
  readonly args: readonly string[];
  readonly user: ServerUser | undefined;
  readonly handed?: HandedDirectory | undefined;
}

export interface Outcome {
  /** Undefined: a signal ended it. */
  readonly exitCode: number | undefined;
  readonly output: string;
}

export function programPath(directory: string, name: ProgramName): string {
  return join(directory, 'bin', process.platform === 'win32' ? `${name}.exe` : name);
}

/** Starts a program with its output going to the file descriptor, or to a pipe each. */
export function startProgram(program: Program, output: number | 'pipe'): ChildProcess {
  const { directory, name, args, user, handed } = program;
  const inherited = handed?.fd === undefined ? [] : [handed.fd];
  try {
    return spawn(programPath(directory, name), args, {
      ...user,
      // The present directory may be one that the user may not enter.
      cwd: '/',
      env: environment(),
      stdio: ['ignore', output, output, ...inherited],
      // Ctrl-C in the terminal must not end the server before Pemba is done with it.
      detached: output !== 'pipe',
      windowsHide: true,
    });
  } finally {
    if (handed?.fd !== undefined) closeSync(handed.fd);
  }
}

/** Rejects with the system's error when the program cannot be started at all. */
export async function runProgram(program: Program): Promise<Outcome> {
  const child = startProgram(program, 'pipe');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ exitCode: code ?? undefined, output });
    });
  });
}

/** Nothing of Pemba's own environment, which may hold secrets and PG… variables, is passed on. */
function environment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'SystemRoot', 'TEMP', 'TMP'].map((name) => [name, process.env[name]]);
  return { ...Object.fromEntries(kept), LC_ALL: 'C', TZ: 'UTC' } as NodeJS.ProcessEnv;
}
