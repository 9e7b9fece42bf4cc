/**
 * A DSL text, prepared for the grammar without moving a character, so that an offset in what the
 * grammar reads is an offset in what the author wrote.
 *
 * Comments are blanked. As in all OpenFGA tools, `#` begins one where a line begins or after a
 * space; inside a condition's braces so does `//`, and there neither counts within a CEL string.
 * Line ends after the first of a run are blanked as well: the grammar's rule for them recurses, and
 * a long block of comments would overflow its stack.
 */
import type { Position } from './positions.js';

export class SourceText {
  /** Of the text's length (but for white space at its end), for the grammar. */
  readonly forGrammar: string;
  /** Where parentheses outside conditions are nested deepest. */
  readonly deepest: { readonly depth: number; readonly offset: number };
  readonly #text: string;
  readonly #file: string | undefined;
  readonly #comments: readonly Range[];
  readonly #lineStarts: readonly number[];

  constructor(text: string, file?: string) {
    this.#text = text;
    this.#file = file;
    this.#lineStarts = [0, ...Array.from(text.matchAll(/\n/g), endOf)];
    const scan = scanText(text);
    this.#comments = scan.comments;
    this.deepest = scan.deepest;
    this.forGrammar = blank(text, [...scan.comments, ...scan.blanks]).trimEnd();
  }

  positionAt(offset: number): Position {
    const line = countAtMost(this.#lineStarts, offset, (start) => start);
    const column = offset - (this.#lineStarts[line - 1] ?? 0) + 1;
    return { line, column, ...(this.#file !== undefined && { file: this.#file }) };
  }

  /**
   * What stands between two offsets, without comments and the white space around, and where it
   * begins. A comment ends with its line, so lines and columns in it remain those of the source.
   */
  excerpt(start: number, end: number): { readonly text: string; readonly offset: number } {
    let text = '';
    let from = start;
    let next = countAtMost(this.#comments, start - 1, (comment) => comment.start);
    for (
      let comment = this.#comments[next];
      comment !== undefined;
      comment = this.#comments[++next]
    ) {
      if (comment.start >= end) break;
      text += this.#text.slice(from, comment.start);
      from = comment.end;
    }
    text += this.#text.slice(from, end);
    const blanked = this.forGrammar.slice(start, end);
    text = text.replaceAll('\r\n', '\n').trim();
    return { text, offset: start + blanked.length - blanked.trimStart().length };
  }
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** How many of the items, which are in order, lie at or before an offset. */
function countAtMost<T>(
  items: readonly T[],
  offset: number,
  offsetOf: (item: T) => number,
): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item !== undefined && offsetOf(item) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

const endOf = (match: RegExpExecArray): number => match.index + match[0].length;

const STRING = new RegExp(
  [
    String.raw`[rR]"""[^]*?"""`,
    String.raw`[rR]'''[^]*?'''`,
    String.raw`[rR]"[^"\r\n]*"`,
    String.raw`[rR]'[^'\r\n]*'`,
    String.raw`"""(?:\\[^]|[^\\])*?"""`,
    String.raw`'''(?:\\[^]|[^\\])*?'''`,
    String.raw`"(?:\\.|[^"\\\r\n])*"`,
    String.raw`'(?:\\.|[^'\\\r\n])*'`,
  ].join('|'),
  'y',
);

interface Scan {
  readonly comments: readonly Range[];
  /** What else the grammar should not see: repeated line ends, a byte order mark. */
  readonly blanks: readonly Range[];
  readonly deepest: { readonly depth: number; readonly offset: number };
}

function scanText(text: string): Scan {
  const comments: Range[] = [];
  const blanks: Range[] = text.startsWith('\ufeff') ? [{ start: 0, end: 1 }] : [];
  let deepest = { depth: 0, offset: 0 };
  let depth = 0;
  let inBraces = false;
  let blankSoFar = true;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char === '\n' || char === '\r') {
      if (blankSoFar) blanks.push({ start: at, end: at + 1 });
      blankSoFar = true;
      continue;
    }
    if (beginsComment(text, at, inBraces, blankSoFar)) {
      const end = lineEndAfter(text, at);
      comments.push({ start: at, end });
      at = end - 1;
      continue;
    }
    if (char.trim() === '') continue;
    blankSoFar = false;
    if (inBraces) {
      if (char === '}') inBraces = false;
      else at = Math.max(at, stringEndAt(text, at) - 1);
      continue;
    }
    if (char === '{') inBraces = true;
    else if (char === '(') depth++;
    else if (char === ')') depth--;
    if (depth > deepest.depth) deepest = { depth, offset: at };
  }
  return { comments, blanks, deepest };
}

function beginsComment(text: string, at: number, inBraces: boolean, blankSoFar: boolean): boolean {
  if (text[at] === '#') return blankSoFar || text[at - 1] === ' ';
  return inBraces && text.startsWith('//', at);
}

function lineEndAfter(text: string, at: number): number {
  const lineEnd = /[\r\n]/g;
  lineEnd.lastIndex = at;
  return lineEnd.exec(text)?.index ?? text.length;
}

/** The end of the CEL string that begins here; -1 if none does. */
function stringEndAt(text: string, at: number): number {
  STRING.lastIndex = at;
  return STRING.test(text) ? STRING.lastIndex : -1;
}

function blank(text: string, ranges: readonly Range[]): string {
  const pieces: string[] = [];
  let from = 0;
  for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    pieces.push(text.slice(from, start), ' '.repeat(end - start));
    from = end;
  }
  pieces.push(text.slice(from));
  return pieces.join('');
}
