/**
 * SpiceDB's schema text to tokens, one at a time: the body of a caveat is CEL and only the parser
 * knows where one begins. Line ends mean nothing here; SpiceDB wants them in places where the text
 * is clear without.
 */
import type { Position } from '../../../schema/positions.js';
import { UnreadableInput } from '../finding.js';

export interface Token {
  readonly kind: 'word' | 'string' | 'symbol' | 'end';
  /** Of a string, what stands between the quotes. */
  readonly text: string;
  readonly position: Position;
  /** The comments before it, without their marks. */
  readonly comments: readonly string[];
}

/** SpiceDB takes messages of 4 MiB. */
const LENGTH_MAX = 4 * 1024 * 1024;

const SPACE = /[ \t\r\n\ufeff]+/y;
const LINE_COMMENT = /\/\/([^\r\n]*)/y;
const WORD = /[\p{L}\p{Nd}_]+/uy;
const STRING = /"([^"\r\n]*)"|'([^'\r\n]*)'/y;
const SYMBOL = /->|\.\.\.|[{}()|+&\-=:;#*/,<>.@]/y;

/** In CEL: strings, raw or not, short or long; comments; anything else up to one of them. */
const CEL_PART =
  /[rR]?"""[^]*?"""|[rR]?'''[^]*?'''|[rR]"[^"\n]*"|[rR]'[^'\n]*'|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\/\/[^\r\n]*|[{}]|[A-Za-z_0-9]+|[^]/y;

export class Lexer {
  readonly #text: string;
  readonly #file: string | undefined;
  #offset = 0;
  #line = 1;
  #lineStart = 0;
  #lineEnd: number;

  constructor(text: string, file?: string) {
    this.#text = text;
    this.#file = file;
    this.#lineEnd = this.#lineEndFrom(0);
    if (text.length > LENGTH_MAX) this.#fail(`longer than ${LENGTH_MAX} characters`);
  }

  next(): Token {
    const comments = this.#skip();
    const position = this.#position();
    if (this.#offset === this.#text.length) return { kind: 'end', text: '', position, comments };
    for (const [kind, pattern] of [['word', WORD] as const, ['symbol', SYMBOL] as const]) {
      const match = this.#match(pattern);
      if (match !== undefined) return { kind, text: match[0], position, comments };
    }
    const string = this.#match(STRING);
    if (string === undefined) this.#fail(`unexpected ${this.#character()}`);
    return { kind: 'string', text: string[1] ?? string[2] ?? '', position, comments };
  }

  /** From behind a caveat's `{` to its `}`, which is passed over. Comments become spaces. */
  celBody(): { readonly text: string; readonly position: Position } {
    this.#match(SPACE);
    const position = this.#position();
    let text = '';
    for (let depth = 1; ;) {
      const part = this.#match(CEL_PART)?.[0];
      if (part === undefined) this.#fail("the caveat's '}' is missing");
      if (part === '{') depth += 1;
      if (part === '}') depth -= 1;
      if (depth === 0) return { text: text.trimEnd(), position };
      text += part.startsWith('//') ? ' ' : part;
    }
  }

  #skip(): readonly string[] {
    const comments: string[] = [];
    for (;;) {
      this.#match(SPACE);
      const line = this.#match(LINE_COMMENT);
      if (line !== undefined) comments.push((line[1] ?? '').trim());
      else if (this.#text.startsWith('/*', this.#offset)) comments.push(...this.#blockComment());
      else return comments;
    }
  }

  #blockComment(): readonly string[] {
    const end = this.#text.indexOf('*/', this.#offset + 2);
    if (end < 0) this.#fail("the comment's '*/' is missing");
    const inside = this.#text.slice(this.#offset + 2, end);
    this.#advance(end + 2);
    return inside
      .split(/\r?\n/)
      .map((line) => line.replace(/^\s*\*?/, '').trim())
      .filter((line) => line !== '');
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#offset;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#advance(pattern.lastIndex);
    return match;
  }

  #advance(to: number): void {
    while (this.#lineEnd < to) {
      this.#line += 1;
      this.#lineStart = this.#lineEnd + 1;
      this.#lineEnd = this.#lineEndFrom(this.#lineStart);
    }
    this.#offset = to;
  }

  #lineEndFrom(offset: number): number {
    const end = this.#text.indexOf('\n', offset);
    return end < 0 ? this.#text.length : end;
  }

  #position(): Position {
    const place = { line: this.#line, column: this.#offset - this.#lineStart + 1 };
    return this.#file === undefined ? place : { ...place, file: this.#file };
  }

  #character(): string {
    const code = this.#text.codePointAt(this.#offset) ?? 0;
    const hex = code.toString(16).toUpperCase().padStart(4, '0');
    return code > 0x20 && code < 0x7f ? `'${String.fromCodePoint(code)}'` : `U+${hex}`;
  }

  #fail(message: string): never {
    throw new UnreadableInput(message, this.#position());
  }
}
