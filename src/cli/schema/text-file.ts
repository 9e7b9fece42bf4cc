/**
 * Files that somebody named on a command line: texts, and what only looks like one. A pipe would be
 * waited for without end, and a text with characters replaced would be written back that way.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { usageError } from '../command-error.js';

/** The largest model that can be stored has a quarter of a mebibyte; as indented JSON some more. */
const FILE_BYTES_MAX = 8 * 1024 * 1024;

export interface ReadOptions {
  /** Whether a byte order mark belongs to the text. */
  readonly keepMark?: boolean;
}

/** Rejects with what is wrong in words, or as `node:fs` does. */
export async function readTextFile(path: string, options: ReadOptions = {}): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = await file.stat();
    if (stat.isDirectory()) throw new Error('it is a directory');
    if (!stat.isFile()) throw new Error('it is no regular file');
    if (stat.size > FILE_BYTES_MAX) throw new Error(`it has more than ${FILE_BYTES_MAX} bytes`);
    return utf8(await file.readFile(), options);
  } finally {
    await file.close();
  }
}

export function utf8(bytes: Uint8Array, { keepMark = false }: ReadOptions = {}): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: keepMark }).decode(bytes);
  } catch {
    throw new Error('it is not UTF-8');
  }
}

/** Like `readTextFile`, but what is wrong is a wrong usage that names the file. */
export const readNamedFile = (path: string, options: ReadOptions = {}): Promise<string> =>
  readTextFile(path, options).catch((error: unknown) => {
    throw usageError(`${path} cannot be read: ${reasonOf(error)}`);
  });

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  ELOOP: 'its links go in a circle',
};

export function reasonOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  const known = typeof code === 'string' ? REASONS[code] : undefined;
  return known ?? (error instanceof Error ? error.message : String(error));
}

/**
 * The files of patterns and names, each once and in a stable order. A name is taken as it is; of
 * what a pattern matches, only what ends in one of `endings`.
 */
export async function findFiles(
  patterns: readonly string[],
  endings: readonly string[],
): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const pattern of patterns) {
    for (const file of await filesOf(pattern, endings)) found.add(file);
  }
  return [...found];
}

async function filesOf(pattern: string, endings: readonly string[]): Promise<readonly string[]> {
  if ((await isThere(pattern)) || !isDynamicPattern(pattern)) return [pattern];
  const all = await glob(pattern, { followSymbolicLinks: false, expandDirectories: false });
  const files = all.filter((file) => endings.some((ending) => file.endsWith(ending))).sort();
  if (files.length > 0) return files;
  throw usageError(`${pattern} matches no file that ends in ${endings.join(', ')}`);
}

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

/**
 * Whoever reads it meanwhile sees the old text or the new one. The mode stays, and a link stays one:
 * what it leads to is written. What is not there yet is made.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const target = await realpath(path).catch(unlessMissing);
  if (target === undefined) {
    await writeFile(path, text);
    return;
  }
  const { mode } = await stat(target);
  const temporary = join(dirname(target), `.${randomUUID()}.tmp`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      // What it was made with is subject to the umask.
      await file.chmod(mode);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

export const isMissing = (error: unknown): boolean =>
  error instanceof Error && Reflect.get(error, 'code') === 'ENOENT';

function unlessMissing(error: unknown): undefined {
  if (isMissing(error)) return undefined;
  throw error;
}
