/**
 * Tuples of a CSV file, in the columns of OpenFGA's tools and one of Pemba's:
 *
 *   user_type, user_id, user_relation, relation, object_type, object_id,
 *   condition_name, condition_context, expires_at
 *
 * The first line names the columns, in any order. Those that can be empty need not be there.
 * `condition_context` is JSON.
 */
import { parse } from 'csv-parse';
import { didYouMean } from '../../schema/nearest.js';
import { foundAt } from './tuple-read.js';
import type { TupleRead } from './tuple-read.js';

const REQUIRED = ['user_type', 'user_id', 'relation', 'object_type', 'object_id'] as const;
const OPTIONAL = ['user_relation', 'condition_name', 'condition_context', 'expires_at'] as const;
const COLUMNS: readonly string[] = [...REQUIRED, ...OPTIONAL];

/** A context of 32 KB is the most that a server takes. */
const RECORD_LENGTH_MAX = 131_072;

interface CsvRecord {
  readonly record: readonly string[];
  /** As it stands in the file, line feeds and all. */
  readonly raw: string;
  /** The lines up to its end. */
  readonly info: { readonly lines: number };
}

export async function* csvTuples(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<TupleRead, void, undefined> {
  const parser = parse({
    bom: true,
    info: true,
    raw: true,
    relaxColumnCount: true,
    skipEmptyLines: true,
    maxRecordSize: RECORD_LENGTH_MAX,
  });
  const feeding = feed(source, parser);
  let head: readonly string[] | undefined;
  let line = 1;
  try {
    for await (const { record, raw, info } of parser as AsyncIterable<CsvRecord>) {
      line = info.lines - lineFeedsIn(raw.trim());
      if (head === undefined) {
        head = record.map((name) => name.trim());
        const problem = headProblem(head);
        if (problem === undefined) continue;
        yield { line, problem };
        return;
      }
      const members = membersOf(head, record);
      yield typeof members === 'string' ? { line, problem: members } : foundAt(line, members);
    }
    if (head === undefined) yield { line, problem: `there are no columns: ${COLUMNS.join(', ')}` };
  } catch (error) {
    // Where a quote is not closed, nothing after it can be told apart.
    if (!isCsvError(error)) throw error;
    yield { line: error.lines ?? line, problem: `malformed CSV: ${error.message}` };
  } finally {
    parser.destroy();
    await feeding;
  }
}

/** Waits where the parser is behind; ends when it is destroyed. */
async function feed(
  source: AsyncIterable<Uint8Array>,
  parser: ReturnType<typeof parse>,
): Promise<void> {
  try {
    for await (const piece of source) {
      if (parser.destroyed) return;
      if (parser.write(piece)) continue;
      await new Promise<void>((resolve) => parser.once('drain', resolve).once('close', resolve));
    }
    parser.end();
  } catch (error) {
    parser.destroy(error as Error);
  }
}

function headProblem(head: readonly string[]): string | undefined {
  const missing = REQUIRED.find((name) => !head.includes(name));
  const unknown = head.find((name) => !COLUMNS.includes(name));
  if (unknown !== undefined) {
    return `there is no column '${unknown}'${didYouMean(unknown, COLUMNS)}: ${COLUMNS.join(', ')}`;
  }
  if (missing !== undefined) return `the column '${missing}' is missing`;
  if (new Set(head).size < head.length) return 'a column is named twice';
  if (head.includes('condition_context') && !head.includes('condition_name')) {
    return "the column 'condition_name' is missing, which 'condition_context' needs";
  }
  return undefined;
}

function membersOf(head: readonly string[], record: readonly string[]): object | string {
  if (record.length !== head.length) {
    return `has ${record.length} columns, where the first line names ${head.length}`;
  }
  const cells = new Map(head.map((name, i) => [name, record[i] ?? '']));
  const cell = (name: (typeof REQUIRED)[number] | (typeof OPTIONAL)[number]): string =>
    cells.get(name) ?? '';
  const empty = REQUIRED.find((name) => cell(name) === '');
  if (empty !== undefined) return `${empty}: value is required`;
  const relation = cell('user_relation');
  const condition = conditionOf(cell('condition_name'), cell('condition_context'));
  if (typeof condition === 'string') return condition;
  const expiresAt = cell('expires_at');
  return {
    user: `${cell('user_type')}:${cell('user_id')}${relation === '' ? '' : `#${relation}`}`,
    relation: cell('relation'),
    object: `${cell('object_type')}:${cell('object_id')}`,
    ...(condition !== undefined && { condition }),
    ...(expiresAt !== '' && { expires_at: expiresAt }),
  };
}

function conditionOf(name: string, context: string): object | string | undefined {
  if (name === '') return context === '' ? undefined : 'condition_context without condition_name';
  if (context === '') return { name };
  try {
    return { name, context: JSON.parse(context) as unknown };
  } catch {
    return 'condition_context: is not JSON';
  }
}

const lineFeedsIn = (text: string): number => text.split('\n').length - 1;

/** The parser's errors say at which line they happened. */
const isCsvError = (error: unknown): error is Error & { readonly lines?: number } =>
  typeof error === 'object' &&
  error !== null &&
  String(Reflect.get(error, 'code')).startsWith('CSV_');
