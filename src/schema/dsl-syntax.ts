/**
 * Syntax errors, in words for the author of a model. ANTLR tells the token it met and those it
 * would have taken, "mismatched input ' ' expecting {<EOF>, NEWLINE}"; here that becomes
 * "unexpected 'and'; …". After an error the parser guesses how to go on. Only where it took one
 * token for granted ("missing ':'") does it find its way; what it complains about after any other
 * error is more often its own guess than a mistake, so that other error is the last one told.
 */
import { antlr, Lexer, Parser } from './dsl-grammar.js';
import type { ErrorListener, Recognizer, Token } from './dsl-grammar.js';
import { PROBLEMS_MAX } from './limits.js';
import { didYouMean } from './nearest.js';
import { quote } from './problem.js';
import type { ModelProblem } from './problem.js';
import type { SourceText } from './source-text.js';

interface SyntaxError {
  readonly offset: number;
  readonly message: string;
  readonly recovered: boolean;
}

/** Ends a parse: each error costs an exception of ANTLR's, and a text may be nothing but errors. */
export class TooManyErrors extends Error {}

/** Collects what the lexer and the parser complain about. */
export class SyntaxErrors extends antlr.ErrorListener implements ErrorListener {
  readonly #source: SourceText;
  readonly #errors: SyntaxError[] = [];

  constructor(source: SourceText) {
    super();
    this.#source = source;
  }

  syntaxError(
    recognizer: Recognizer,
    token: Token | null,
    _line: number,
    _column: number,
    antlrMessage: string,
  ): void {
    if (recognizer instanceof Lexer) this.#character(recognizer._tokenStartCharIndex);
    if (recognizer instanceof Parser && token !== null) {
      this.#token(recognizer, token, antlrMessage.startsWith('missing '));
    }
  }

  /** In the order of the text. */
  problems(): readonly ModelProblem[] {
    const errors = this.#errors.sort((a, b) => a.offset - b.offset);
    const last = errors.findIndex(({ recovered }) => !recovered);
    return errors.slice(0, last < 0 ? errors.length : last + 1).map(({ message, offset }) => ({
      message,
      position: this.#source.positionAt(offset),
    }));
  }

  #add(error: SyntaxError): void {
    this.#errors.push(error);
    if (this.#errors.length >= PROBLEMS_MAX) throw new TooManyErrors();
  }

  #character(offset: number): void {
    const character = String.fromCodePoint(this.#source.forGrammar.codePointAt(offset) ?? 0);
    const message = CHARACTERS.get(character) ?? `unexpected character ${quote(character)}`;
    this.#add({ offset, message, recovered: false });
  }

  #token(parser: Parser, token: Token, recovered: boolean): void {
    const tokens = parser.getTokenStream();
    const met = token.type === Parser.WHITESPACE ? tokens.get(token.tokenIndex + 1) : token;
    const before = met.tokenIndex > 0 ? tokens.get(met.tokenIndex - 1).type : Parser.NEWLINE;
    const expected = expectedTokens(parser);
    const advice =
      before === Parser.NEWLINE || before === Parser.RELATIONS
        ? adviceAtLineStart(met, expected)
        : adviceInLine(met, expected);
    const message = `unexpected ${describe(met)}; ${advice ?? `expected ${describeAll(expected)}`}`;
    this.#add({ offset: met.start, message, recovered });
  }
}

/** A condition's head has tokens of its own, and only there are these characters none of them. */
const CHARACTERS: ReadonlyMap<string, string> = new Map([
  ['{', "unexpected '{'; the condition's parameters end with ')'"],
  ['\n', "unexpected end of the line; a condition's parameters are written in one line"],
  ['\r', "unexpected end of the line; a condition's parameters are written in one line"],
]);

function describe(token: Token): string {
  if (token.type === Parser.EOF) return 'end of the text';
  return token.type === Parser.NEWLINE ? 'end of the line' : quote(token.text);
}

function expectedTokens(parser: Parser): ReadonlySet<number> {
  const { intervals } = parser.getExpectedTokens();
  return new Set(
    intervals.flatMap(({ start, stop }) =>
      Array.from({ length: stop - start }, (_, index) => start + index),
    ),
  );
}

const OPERATORS: ReadonlySet<number> = new Set([Parser.AND, Parser.OR, Parser.BUT_NOT]);
const LINE_STARTS = ['type', 'extend', 'relations', 'define', 'condition'];

function adviceAtLineStart(met: Token, expected: ReadonlySet<number>): string | undefined {
  const isEnd = expected.has(Parser.EOF);
  if (expected.has(Parser.NEWLINE) && expected.size === 1) {
    return `after 'relations' comes at least one 'define'${didYouMean(met.text, ['define'])}`;
  }
  if (!isEnd) return undefined;
  if (OPERATORS.has(met.type)) return 'a relation is defined in one line';
  if (met.type === Parser.TYPE) return 'types come before conditions';
  if (met.type === Parser.RELATIONS) return "'relations' comes once for a type, after its line";
  const guess = didYouMean(met.text, LINE_STARTS);
  return `a line begins with ${oneOf(LINE_STARTS.map(quote))}${guess}`;
}

function adviceInLine(met: Token, expected: ReadonlySet<number>): string | undefined {
  const canEnd = expected.has(Parser.NEWLINE) || expected.has(Parser.RPAREN);
  if (OPERATORS.has(met.type) && canEnd) {
    return (
      "'or', 'and' and 'but not' are not mixed, nor is 'but not' repeated, without parentheses: " +
      '(a or b) and c'
    );
  }
  if (met.type === Parser.LBRACKET && expected.has(Parser.IDENTIFIER)) {
    return 'the types in brackets come first, and once: [user] or editor';
  }
  if ((met.type === Parser.COLON || met.type === Parser.HASH) && expected.has(Parser.EOF)) {
    return 'types stand in brackets, such as [user, user:*, group#member]';
  }
  const isKeyword = /^'[a-z]/.test(Parser.literalNames[met.type] ?? '');
  if (isKeyword && expected.has(Parser.IDENTIFIER)) {
    return 'it is a keyword and cannot be a name here';
  }
  return undefined;
}

/** Words for the tokens that can be expected, in the order of telling. */
const EXPECTATIONS: readonly (readonly [number, readonly string[]])[] = [
  [Parser.MODEL, ["'model'"]],
  [Parser.MODULE, ["'module'"]],
  [Parser.SCHEMA, ["'schema'"]],
  [Parser.SCHEMA_VERSION, ['1.1', '1.2']],
  [Parser.COLON, ["':'"]],
  [Parser.COMMA, ["','"]],
  [Parser.LESS, ["'<'"]],
  [Parser.GREATER, ["'>'"]],
  [Parser.LBRACKET, ["'['"]],
  [Parser.RPRACKET, ["']'"]],
  [Parser.LPAREN, ["'('"]],
  [Parser.RPAREN, ["')'"]],
  [Parser.LBRACE, ["'{'"]],
  [Parser.RBRACE, ["'}'"]],
  [
    Parser.CONDITION_PARAM_TYPE,
    ['bool', 'string', 'int', 'uint', 'double', 'duration', 'timestamp', 'ipaddress'],
  ],
  [Parser.CONDITION_PARAM_CONTAINER, ['list<…>', 'map<…>']],
];

function describeAll(expected: ReadonlySet<number>): string {
  const words = EXPECTATIONS.flatMap(([type, told]) => (expected.has(type) ? told : []));
  if (expected.has(Parser.IDENTIFIER)) {
    // Some keywords can be names, and 'model' is expected as one.
    return oneOf([...words.filter((word) => !/^'[a-z]/.test(word)), 'a name']);
  }
  if (words.length > 0) return oneOf(words);
  return expected.has(Parser.NEWLINE) ? 'the end of the line' : 'a space and then more';
}

const oneOf = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`;
