/**
 * Formats one file. What is written takes the place of the file in one step, with its mode; a link
 * stays one, and what it leads to is written.
 */
import { randomUUID } from 'node:crypto';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { formatDsl } from '../../schema/dsl-format.js';
import { usageError } from '../command-error.js';
import { findingOf } from './check-file.js';
import type { Finding } from './finding.js';
import { readNamedFile, reasonOf, utf8 } from './text-file.js';

export type Formatting =
  | { readonly kind: 'changed' | 'unchanged'; readonly text: string }
  | { readonly kind: 'refused'; readonly findings: readonly Finding[]; readonly text: string };

export async function formatFile(
  path: string,
  options: { readonly write: boolean },
): Promise<Formatting> {
  const result = formattedText(path, await readNamedFile(path, { keepMark: true }));
  if (result.kind === 'changed' && options.write) {
    await replaceFile(path, result.text).catch((error: unknown) => {
      throw usageError(`${path} cannot be written: ${reasonOf(error)}`);
    });
  }
  return result;
}

export function formattedText(name: string, text: string): Formatting {
  const formatted = formatDsl(text);
  if (formatted.ok) {
    return { kind: formatted.text === text ? 'unchanged' : 'changed', text: formatted.text };
  }
  const findings = formatted.problems.map((problem) =>
    findingOf(problem, { code: 'malformed', file: name, text }),
  );
  return { kind: 'refused', findings, text };
}

export async function readBytes(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  try {
    return utf8(Buffer.concat(chunks));
  } catch (error) {
    throw usageError(`standard input cannot be read: ${reasonOf(error)}`);
  }
}

/** Whoever reads it meanwhile sees the old text or the new one. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const target = await realpath(path);
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
