/** Formats one file, or one text. */
import { formatDsl } from '../../schema/dsl-format.js';
import { usageError } from '../command-error.js';
import { findingOf } from './check-file.js';
import type { Finding } from './finding.js';
import { readNamedFile, reasonOf, replaceFile, utf8 } from './text-file.js';

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
