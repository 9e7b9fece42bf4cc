/** What the parts of the parser read from: one token of foresight. */
import { UnreadableInput } from '../finding.js';
import { Lexer } from './lexer.js';
import type { Token } from './lexer.js';
import type { Name } from './syntax.js';

/** Never names, wherever they stand. */
const KEYWORDS = new Set(['definition', 'relation', 'permission', 'caveat', 'nil', 'with']);

export class Tokens {
  readonly #lexer: Lexer;
  #next: Token;

  constructor(text: string, file?: string) {
    this.#lexer = new Lexer(text, file);
    this.#next = this.#lexer.next();
  }

  get next(): Token {
    return this.#next;
  }

  take(): Token {
    const taken = this.#next;
    this.#next = this.#lexer.next();
    return taken;
  }

  /** Strings are never keywords or symbols. */
  at(text: string): boolean {
    return this.#next.kind !== 'string' && this.#next.kind !== 'end' && this.#next.text === text;
  }

  /** Takes the token if it is the one. */
  skip(text: string): boolean {
    const found = this.at(text);
    if (found) this.take();
    return found;
  }

  expect(text: string): Token {
    return this.at(text) ? this.take() : this.unexpected(`'${text}'`);
  }

  name(what: string): Name {
    const { kind, text, position } = this.#next;
    if (kind !== 'word' || KEYWORDS.has(text)) this.unexpected(what);
    this.take();
    return { text, position };
  }

  /** `tenant/document` */
  path(what: string): Name {
    const { text, position } = this.name(what);
    let path = text;
    while (this.skip('/')) path += `/${this.name(what).text}`;
    return { text: path, position };
  }

  /** From a `{` to its `}`, both taken. */
  celBody(): Name {
    if (!this.at('{')) this.unexpected("'{'");
    const body = this.#lexer.celBody();
    this.#next = this.#lexer.next();
    return body;
  }

  unexpected(wanted: string): never {
    const { kind, text, position } = this.#next;
    const found = kind === 'end' ? 'the end' : `'${text.slice(0, 40)}'`;
    throw new UnreadableInput(`expected ${wanted}, found ${found}`, position);
  }
}
