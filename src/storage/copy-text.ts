/**
 * PostgreSQL's COPY text format: a row a line, tabs between columns, `\N` for null, backslashes
 * before what would be taken for one of these.
 */
const NULL = '\\N';

export type CopyRow = readonly (string | null)[];

/** Puts lines together across chunks. A chunk never ends inside a character that matters: all are ASCII. */
export class CopyLines {
  #rest: Buffer | undefined;

  /** The whole lines of the chunk, with what the last one left open. */
  take(chunk: Buffer): readonly string[] {
    const joined = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    const end = joined.lastIndexOf(NEWLINE) + 1;
    this.#rest = end === joined.length ? undefined : joined.subarray(end);
    return end === 0 ? [] : joined.toString('utf8', 0, end - 1).split('\n');
  }
}

const NEWLINE = 0x0a;

export function parseCopyLine(line: string): CopyRow {
  const columns: (string | null)[] = line.split('\t');
  if (!line.includes('\\')) return columns;
  return columns.map((column) => (column === null || column === NULL ? null : unescape(column)));
}

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

const unescape = (text: string): string =>
  text.replaceAll(/\\(.)/gs, (_whole, char: string) => ESCAPES[char] ?? char);

export const formatCopyLine = (columns: CopyRow): string =>
  `${columns.map((column) => (column === null ? NULL : escape(column))).join('\t')}\n`;

/** With spaces between the columns in place of tabs; those inside are escaped. */
export const formatSpacedLine = (columns: CopyRow): string =>
  `${columns.map((column) => (column === null ? NULL : escapeSpaced(column))).join(' ')}\n`;

const escapeSpaced = (text: string): string => escape(text).replaceAll(' ', '\\ ');

const NAMES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

// eslint-disable-next-line no-control-regex -- these are what has to be escaped
const SPECIAL = /[\\\x08\f\n\r\t\x0b]/;
const EACH_SPECIAL = new RegExp(SPECIAL, 'g');

const escape = (text: string): string =>
  SPECIAL.test(text) ? text.replaceAll(EACH_SPECIAL, (char) => NAMES[char] ?? char) : text;

/** Enough for text of which nothing else is special. */
export const escapeBackslashes = (text: string): string =>
  text.includes('\\') ? text.replaceAll('\\', '\\\\') : text;
