/** `pemba tuple export`: a store at one revision, into a file that is there only when it is whole. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { stringify } from 'csv-stringify/sync';
import { usageError } from '../command-error.js';
import { sealLine, sealedLines } from '../sealed-lines.js';
import type { Seal } from '../sealed-lines.js';
import type { StoreOption, Surroundings } from '../surroundings.js';
import { tupleFormatOf } from './tuple-file.js';
import type { TupleFormat } from './tuple-file.js';

export interface ExportOptions extends StoreOption {
  readonly format?: string;
}

/** How the lines of an export look in a format. */
interface Writer {
  readonly head: string;
  readonly lines: (lines: Buffer) => Buffer | string;
  readonly foot: (seal: Seal) => string;
  readonly hasAttributes: boolean;
}

export async function exportStore(
  around: Surroundings,
  file: string,
  options: ExportOptions,
): Promise<void> {
  const writer = WRITERS[formatOf(file, options.format)];
  const bytes = around.api().bytes('GET', `/stores/${around.store(options)}/export`);
  const output = around.output();
  const bar = await output.progress('exporting');
  let seal: Seal;
  try {
    seal = await writingTo(file, async (target) => {
      await put(target, writer.head);
      const lines = sealedLines(bytes);
      let size = 0;
      for (;;) {
        const next = await lines.next();
        if (next.done === true) {
          await put(target, writer.foot(next.value));
          return next.value;
        }
        size += next.value.length;
        bar.update(size, `${(size / 1e6).toFixed(1)} MB`);
        await put(target, writer.lines(next.value));
      }
    });
  } finally {
    bar.stop();
  }
  const { tuples, attributes, revision } = seal;
  output.note(`${tuples} tuples and ${attributes} entities' attributes, at revision ${revision}.`);
  if (!writer.hasAttributes && attributes > 0) {
    output.note('The attributes are left out: only JSON lines have a place for them.');
  }
}

export function formatOf(file: string, format: string | undefined): TupleFormat {
  const found = format ?? (file === '-' ? 'jsonl' : tupleFormatOf(file));
  switch (found) {
    case 'jsonl':
    case 'csv':
    case 'json':
    case 'yaml':
      return found;
    default:
      throw usageError(`${file}: of which format? Give --format jsonl, csv, json or yaml`);
  }
}

/** Into a file beside it, which takes its place at the end; or to standard output. */
export async function writingTo<Result>(
  file: string,
  write: (target: Writable) => Promise<Result>,
): Promise<Result> {
  if (file === '-') return write(process.stdout);
  const part = `${file}.part`;
  const target = createWriteStream(part);
  // Whoever writes hears of it.
  target.on('error', () => undefined);
  try {
    await once(target, 'open');
    const result = await write(target);
    target.end();
    await finished(target);
    await rename(part, file);
    return result;
  } catch (error) {
    target.destroy();
    await rm(part, { force: true });
    const { syscall, message } = error as NodeJS.ErrnoException;
    throw syscall === undefined ? error : usageError(`${file} cannot be written: ${message}`);
  }
}

/** Waits until it is taken. */
export function put(target: Writable, data: Buffer | string): Promise<void> {
  if (data.length === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    target.write(data, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

interface Line {
  readonly user?: string;
  readonly relation: string;
  readonly object: string;
  readonly condition?: { readonly name: string; readonly context?: object };
  readonly expires_at?: string;
}

const COLUMNS = [
  'user_type',
  'user_id',
  'user_relation',
  'relation',
  'object_type',
  'object_id',
  'condition_name',
  'condition_context',
  'expires_at',
];

const WRITERS: Readonly<Record<TupleFormat, Writer>> = {
  jsonl: {
    head: '',
    lines: (lines) => lines,
    foot: sealLine,
    hasAttributes: true,
  },
  csv: {
    head: `${COLUMNS.join(',')}\n`,
    lines: (lines) => stringify(tuplesIn(lines).map(rowOf)),
    foot: () => '',
    hasAttributes: false,
  },
  json: listWriter('[', (text, isFirst) => `${isFirst ? '' : ','}\n  ${text}`, '\n]\n'),
  // JSON is YAML.
  yaml: listWriter('', (text) => `- ${text}\n`, ''),
};

function listWriter(
  head: string,
  item: (text: string, isFirst: boolean) => string,
  foot: string,
): Writer {
  let isFirst = true;
  return {
    head,
    lines: (lines) =>
      tuplesIn(lines)
        .map((tuple) => {
          const text = item(JSON.stringify(tuple), isFirst);
          isFirst = false;
          return text;
        })
        .join(''),
    foot: () => foot,
    hasAttributes: false,
  };
}

const tuplesIn = (lines: Buffer): readonly Line[] =>
  lines
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
    .filter(({ user }) => user !== undefined);

function rowOf({ user = '', relation, object, condition, expires_at }: Line): readonly string[] {
  const [userType, userName] = halves(user, ':');
  const [userId, userRelation] = halves(userName, '#');
  const [objectType, objectId] = halves(object, ':');
  return [
    userType,
    userId,
    userRelation,
    relation,
    objectType,
    objectId,
    condition?.name ?? '',
    condition?.context === undefined ? '' : JSON.stringify(condition.context),
    expires_at ?? '',
  ];
}

function halves(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
