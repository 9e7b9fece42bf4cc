import { PembaError } from '../../errors.js';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ENOTDIR: 'a part of the path is not a directory',
  EEXIST: 'a file of that name is in the way',
};

/** Why the embedded server cannot start, in one sentence for whoever typed `npm start`. */
export function cannotStart(sentence: string, cause?: unknown): PembaError {
  return new PembaError('cannot_start', sentence, { cause });
}

/** The same for a failed system call; `what` is the first half of the sentence. */
export function cannotStartBecause(what: string, error: unknown): PembaError {
  if (error instanceof PembaError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return cannotStart(`${what}: ${REASONS[code ?? ''] ?? message}`, error);
}

/** The line of PostgreSQL's own output that says why it gave up, without the prefix. */
export function reasonIn(output: string): string {
  if (/No space left on device|Check free disk space/.test(output)) return 'the disk is full';
  const failed = /(?:FATAL|PANIC|error): +(.+)/.exec(output)?.[1];
  return failed ?? output.trim().split('\n').at(-1) ?? '';
}
