/**
 * The canonical form of a DSL text, with its comments. It is made from the text's own words, so that
 * nothing is lost that a model has no place for:
 *
 * - `schema` and `relations` are indented by two spaces, `define` by four, a list's lines by six;
 * - words are one space apart; a list of subjects is in one line, unless there is a comment in it or
 *   its author broke the line after `[`;
 * - types and conditions have one empty line before them; where the author left empty lines between
 *   relations or comments, one remains;
 * - the lines of a condition's CEL are moved as a whole, and otherwise left as they are;
 * - a comment stays where it is: above, at the end of a line, or at the end of the text.
 *
 * Formatting again changes nothing. That the result has the same words and comments as the text is
 * not left to trust: it is read and compared.
 */
import { formatBody } from './cel-body.js';
import { parseText } from './dsl-parse.js';
import type { ParsedText } from './dsl-parse.js';
import { layoutOf } from './dsl-layout.js';
import type { Comment, Layout, Statement, StatementKind } from './dsl-layout.js';
import { statementText } from './dsl-statement.js';
import type { ModelProblem } from './problem.js';

export type FormattedDsl =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problems: readonly ModelProblem[] };

export function formatDsl(original: string): FormattedDsl {
  const text = original.replace(/^\ufeff/, '').replaceAll('\r\n', '\n');
  const parsed = parseText(text);
  if (!parsed.ok) return parsed;
  const formatted = new Printer(text, parsed).print(layoutOf(text, parsed));
  const again = parseText(formatted);
  if (!again.ok) return again;
  if (essence(text, parsed) === essence(formatted, again)) return { ok: true, text: formatted };
  throw new Error('the formatted text does not say what the text says');
}

/** All but white space. */
const essence = (text: string, { source }: ParsedText): string =>
  [
    source.forGrammar.replace(/\s+/g, ''),
    ...source.comments.map(({ start, end }) => text.slice(start, end).trimEnd()),
  ].join('\n');

const INDENTATION: Readonly<Record<StatementKind, number>> = {
  model: 0,
  schema: 2,
  module: 0,
  type: 0,
  relations: 2,
  define: 4,
  condition: 0,
};

/** These follow the line before without an empty one between, but for comments of their own. */
const isTight = (kind: StatementKind, previous: StatementKind | undefined): boolean =>
  kind === 'schema' || kind === 'relations' || (kind === 'define' && previous === 'relations');

/** Of a comment after the last relation that is indented and not about what follows. */
const INDENTATION_INSIDE: Partial<Readonly<Record<StatementKind, number>>> = {
  type: 2,
  relations: 4,
  define: 4,
};

class Printer {
  readonly #text: string;
  readonly #parsed: ParsedText;
  readonly #lines: string[] = [];
  #previous: StatementKind | undefined;
  /** Where in the text that ends which was printed last. */
  #end = 0;

  constructor(text: string, parsed: ParsedText) {
    this.#text = text;
    this.#parsed = parsed;
  }

  print(layout: Layout): string {
    let block: Comment[] = [];
    for (const item of layout) {
      if (item.kind !== 'comment') {
        this.#comments(block, item);
        this.#statement(item, block.length > 0);
        block = [];
      } else if (item.isAlone) {
        block.push(item);
      } else {
        this.#appendToLine(item);
      }
    }
    this.#comments(block, undefined);
    return `${this.#lines.join('\n')}\n`;
  }

  #appendToLine(comment: Comment): void {
    const last = this.#lines.pop() ?? '';
    this.#lines.push(`${last} ${comment.text}`);
    this.#end = comment.end;
  }

  #statement(statement: Statement, hasCommentsAbove: boolean): void {
    const { kind, body, start, end } = statement;
    const isBeginning = kind === 'type' || kind === 'condition';
    if (!hasCommentsAbove) this.#gap(start, { kind, isForced: isBeginning });
    else if (this.#isGap(start) && !isTight(kind, this.#previous)) this.#emptyLine();
    const indentation = ' '.repeat(INDENTATION[kind]);
    const [first = '', ...more] = statementText(statement, this.#text);
    this.#lines.push(indentation + first, ...more.map((line) => indentation + line));
    if (body !== undefined) {
      const { opening, lines } = formatBody(this.#text, body, this.#parsed.source);
      if (opening !== '') this.#lines.push(`${this.#lines.pop() ?? ''} ${opening}`);
      this.#lines.push(...lines, '}');
    }
    this.#end = end;
    this.#previous = kind;
  }

  /** Those between two statements, in blocks that empty lines part. */
  #comments(comments: readonly Comment[], next: Statement | undefined): void {
    const blocks: Comment[][] = [];
    let end = this.#end;
    for (const comment of comments) {
      const last = blocks.at(-1);
      if (last === undefined || breaksBetween(this.#text, end, comment.start) > 1) {
        blocks.push([comment]);
      } else {
        last.push(comment);
      }
      end = comment.end;
    }
    for (const [i, block] of blocks.entries()) {
      const isLast = i === blocks.length - 1;
      const isAttached =
        isLast && next !== undefined && breaksBetween(this.#text, end, next.start) < 2;
      this.#block(block, next?.kind, isAttached);
    }
  }

  #block(block: readonly Comment[], next: StatementKind | undefined, isAttached: boolean): void {
    const [first] = block;
    if (first === undefined) return;
    const isBeginning = next === 'type' || next === 'condition';
    this.#gap(first.start, { kind: next, isForced: isAttached && isBeginning });
    const isInside = !isAttached && first.indentation > 0 && this.#previous !== undefined;
    const inside = isInside && this.#previous ? INDENTATION_INSIDE[this.#previous] : undefined;
    const indentation = inside ?? (next === undefined ? 0 : INDENTATION[next]);
    for (const comment of block) {
      this.#lines.push(' '.repeat(indentation) + comment.text);
      this.#end = comment.end;
    }
  }

  /** The empty line before what stands at `start`, if there is to be one. */
  #gap(
    start: number,
    about: { readonly kind: StatementKind | undefined; readonly isForced: boolean },
  ): void {
    const { kind, isForced } = about;
    if (kind !== undefined && isTight(kind, this.#previous)) return;
    if (isForced || this.#isGap(start)) this.#emptyLine();
  }

  #isGap(start: number): boolean {
    return breaksBetween(this.#text, this.#end, start) > 1;
  }

  #emptyLine(): void {
    if (this.#lines.length > 0) this.#lines.push('');
  }
}

const breaksBetween = (text: string, start: number, end: number): number =>
  text.slice(start, end).match(/\r\n|\r|\n/g)?.length ?? 0;
