/**
 * A DSL text, prepared for the grammar without moving a character, so that an offset in what the
 * grammar reads is an offset in what the author wrote.
 *
 * Comments are blanked. As in all OpenFGA tools, `#` begins one where a line begins or after a
 * space; inside a condition's braces so does `//`, and there neither counts within a CEL string.
 *
 * Two more things are blanked that mean nothing but cost the parser dearly: line ends after the
 * first of a run (its rule recurses, so that a long block of comments overflows the stack), and
 * parentheses around nothing but parentheses (a hundred of them take it a quarter of a second).
 */
import type { Position } from './positions.js';

export class SourceText {
  /** Of the text's length (but for white space at its end), for the grammar. */
  readonly forGrammar: string;
  /** Where parentheses outside conditions are nested deepest. */
  readonly deepest: { readonly depth: number; readonly offset: number };
  /** In the order of the text. */
  readonly comments: readonly Range[];
  /** CEL strings in conditions, those of several lines alone. */
  readonly longStrings: readonly Range[];
  readonly #text: string;
  readonly #file: string | undefined;
  readonly #lineStarts: readonly number[];

  constructor(text: string, file?: string) {
    this.#text = text;
    this.#file = file;
    this.#lineStarts = [0, ...Array.from(text.matchAll(/\n/g), endOf)];
    const scan = scanText(text);
    this.comments = scan.comments;
    this.longStrings = scan.longStrings;
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
    let next = countAtMost(this.comments, start - 1, (comment) => comment.start);
    for (
      let comment = this.comments[next];
      comment !== undefined;
      comment = this.comments[++next]
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

export interface Range {
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
  readonly longStrings: readonly Range[];
  readonly blanks: readonly Range[];
  readonly deepest: { readonly depth: number; readonly offset: number };
}

function scanText(text: string): Scan {
  const comments: Range[] = [];
  const longStrings: Range[] = [];
  const blanks: Range[] = text.startsWith('\ufeff') ? [at(0)] : [];
  const parentheses = new Parentheses();
  let inBraces = false;
  let blankSoFar = true;
  for (let offset = 0; offset < text.length; offset++) {
    const char = text[offset] ?? '';
    if (char === '\n' || char === '\r') {
      if (blankSoFar) blanks.push(at(offset));
      blankSoFar = true;
    } else if (beginsComment(text, offset, inBraces, blankSoFar)) {
      const end = lineEndAfter(text, offset);
      comments.push({ start: offset, end });
      offset = end - 1;
    } else if (char.trim() !== '') {
      blankSoFar = false;
      const stringEnd = inBraces ? stringEndAt(text, offset) : -1;
      if (/[\r\n]/.test(text.slice(offset, Math.max(offset, stringEnd)))) {
        longStrings.push({ start: offset, end: stringEnd });
      }
      if (!inBraces) parentheses.meet(char, offset);
      else offset = Math.max(offset, stringEnd - 1);
      inBraces = char === '{' || (inBraces && char !== '}');
    }
  }
  return {
    comments,
    longStrings,
    blanks: [...blanks, ...parentheses.superfluous],
    deepest: parentheses.deepest,
  };
}

const at = (offset: number): Range => ({ start: offset, end: offset + 1 });

/** Those outside conditions' braces; in a CEL expression they cost the grammar nothing. */
class Parentheses {
  deepest = { depth: 0, offset: 0 };
  readonly superfluous: Range[] = [];
  readonly #open: { readonly offset: number; pairs: number; others: number }[] = [];

  meet(char: string, offset: number): void {
    if (char === '(') {
      const depth = this.#open.push({ offset, pairs: 0, others: 0 });
      if (depth > this.deepest.depth) this.deepest = { depth, offset };
      return;
    }
    const inner = char === ')' ? this.#open.pop() : undefined;
    const outer = this.#open.at(-1);
    if (inner?.pairs === 1 && inner.others === 0) {
      this.superfluous.push(at(inner.offset), at(offset));
    }
    if (outer === undefined) return;
    if (inner === undefined) outer.others++;
    else outer.pairs++;
  }
}

function beginsComment(
  text: string,
  offset: number,
  inBraces: boolean,
  blankSoFar: boolean,
): boolean {
  if (text[offset] === '#') return blankSoFar || text[offset - 1] === ' ';
  return inBraces && text.startsWith('//', offset);
}

function lineEndAfter(text: string, offset: number): number {
  const lineEnd = /[\r\n]/g;
  lineEnd.lastIndex = offset;
  return lineEnd.exec(text)?.index ?? text.length;
}

/** The end of the CEL string that begins here; -1 if none does. */
function stringEndAt(text: string, offset: number): number {
  STRING.lastIndex = offset;
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
