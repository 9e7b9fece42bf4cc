/**
 * Tuples out of files, with the lines that they begin at:
 *
 *   .jsonl .ndjson   a tuple on each line; empty lines are passed over
 *   .csv             see `csv-tuples.ts`
 *   .json            a list of tuples
 *   .yaml .yml       likewise
 *
 * The first two are read as they come, in constant memory however long they are; the others are read
 * whole, and may not be long. What is wrong with one tuple does not keep the others from being read.
 */
import { createReadStream } from 'node:fs';
import { extname } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { usageError } from '../command-error.js';
import { csvTuples } from './csv-tuples.js';
import { foundAt } from './tuple-read.js';
import type { TupleRead } from './tuple-read.js';

export type { TupleRead } from './tuple-read.js';
export type TupleFormat = 'jsonl' | 'csv' | 'json' | 'yaml';

const FORMATS: Readonly<Record<string, TupleFormat>> = {
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.csv': 'csv',
  '.json': 'json',
  '.yaml': 'yaml',
  '.yml': 'yaml',
};

/** Of what is read whole: some 300,000 tuples. YAML's reader takes a second for each megabyte. */
const WHOLE_BYTES_MAX = { json: 64 * 2 ** 20, yaml: 8 * 2 ** 20 } as const;

/** Of a JSON line: a context of 32 KB is the most that a server takes. */
const LINE_LENGTH_MAX = 131_072;

/** Undefined where the name says nothing. */
export const tupleFormatOf = (path: string): TupleFormat | undefined =>
  FORMATS[extname(path).toLowerCase()];

/** Usage errors: a file that cannot be read, or whose name says nothing of its format. */
export async function* readTupleFile(
  path: string,
  format: TupleFormat | undefined = tupleFormatOf(path),
): AsyncGenerator<TupleRead, void, undefined> {
  if (format === undefined) {
    throw usageError(
      `${path}: of which format are its tuples? Known are ${Object.keys(FORMATS).join(', ')}`,
    );
  }
  const stream = createReadStream(path);
  try {
    yield* readTuples(stream as AsyncIterable<Uint8Array>, format);
  } catch (error) {
    if (!isOfFileSystem(error)) throw error;
    throw usageError(`${path} cannot be read: ${error.message}`);
  } finally {
    stream.destroy();
  }
}

const isOfFileSystem = (error: unknown): error is NodeJS.ErrnoException =>
  typeof error === 'object' && error !== null && 'syscall' in error;

export function readTuples(
  source: AsyncIterable<Uint8Array>,
  format: TupleFormat,
): AsyncGenerator<TupleRead, void, undefined> {
  switch (format) {
    case 'jsonl':
      return lineTuples(source);
    case 'csv':
      return csvTuples(source);
    case 'json':
    case 'yaml':
      return wholeTuples(source, format);
  }
}

async function* lineTuples(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<TupleRead, void, undefined> {
  for await (const { line, text } of linesOf(source)) {
    if (text === undefined) {
      yield { line, problem: `the line is longer than ${LINE_LENGTH_MAX} characters` };
    } else if (text.trim() !== '') {
      const value = jsonOf(text);
      yield 'problem' in value ? { line, ...value } : foundAt(line, value.json);
    }
  }
}

interface Line {
  readonly line: number;
  /** Undefined where it is too long to be kept. */
  readonly text: string | undefined;
}

async function* linesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Line, void, undefined> {
  const decoder = new StringDecoder('utf8');
  let line = 1;
  let rest: string | undefined = '';
  for await (const piece of source) {
    const parts = decoder.write(Buffer.from(piece)).split('\n');
    for (const [i, part] of parts.entries()) {
      if (i > 0) {
        yield { line, text: rest };
        line++;
        rest = '';
      }
      rest =
        rest === undefined || rest.length + part.length > LINE_LENGTH_MAX ? undefined : rest + part;
    }
  }
  yield { line, text: rest === undefined ? undefined : rest + decoder.end() };
}

async function* wholeTuples(
  source: AsyncIterable<Uint8Array>,
  format: 'json' | 'yaml',
): AsyncGenerator<TupleRead, void, undefined> {
  const max = WHOLE_BYTES_MAX[format];
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of source) {
    bytes += piece.length;
    if (bytes > max) {
      const problem = `${format.toUpperCase()} of more than ${max} bytes; use JSON lines or CSV`;
      yield { line: 1, problem };
      return;
    }
    pieces.push(piece);
  }
  const text = new TextDecoder().decode(Buffer.concat(pieces));
  if (format === 'json') yield* jsonTuples(text);
  else {
    const { yamlTuples } = await import('./yaml-tuples.js');
    yield* yamlTuples(text);
  }
}

function* jsonTuples(text: string): Generator<TupleRead, void, undefined> {
  const value = jsonOf(text);
  if ('problem' in value) {
    yield { line: 1, ...value };
  } else if (!Array.isArray(value.json)) {
    yield { line: 1, problem: 'must be a list of tuples' };
  } else {
    const lines = itemLines(text);
    for (const [i, item] of value.json.entries()) yield foundAt(lines[i] ?? 1, item);
  }
}

const OPENING = new Set(['[', '{']);
const CLOSING = new Set([']', '}']);

/** The lines at which the items of a JSON list begin. */
function itemLines(text: string): readonly number[] {
  const lines: number[] = [];
  let line = 1;
  let depth = 0;
  let isItemNext = true;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{},\n]|[^[\]{},\n"\s]+/g)) {
    if (token === '\n') {
      line++;
      continue;
    }
    if (CLOSING.has(token)) depth--;
    else if (depth === 1 && token === ',') isItemNext = true;
    else if (depth === 1 && isItemNext) {
      lines.push(line);
      isItemNext = false;
    }
    if (OPENING.has(token)) depth++;
  }
  return lines;
}

function jsonOf(text: string): { readonly json: unknown } | { readonly problem: string } {
  try {
    return { json: JSON.parse(text) as unknown };
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'it cannot be read';
    return { problem: `malformed JSON: ${reason}` };
  }
}
