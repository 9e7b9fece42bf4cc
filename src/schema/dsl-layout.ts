/**
 * A DSL text as the statements it consists of, one a line in canonical form, each with its words and
 * the comments that stand among them. What the parse tree is for is where statements begin: most
 * keywords can be names as well.
 */
import { Parser } from './dsl-grammar.js';
import type { MainNode, Token } from './dsl-grammar.js';
import type { ParsedText } from './dsl-parse.js';

export type StatementKind =
  'model' | 'schema' | 'module' | 'type' | 'relations' | 'define' | 'condition';

export interface Word {
  readonly kind: 'word';
  readonly type: number;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export interface Comment {
  readonly kind: 'comment';
  /** Without white space at its end. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** Whether it is alone in its line, and then by how many characters it is indented. */
  readonly isAlone: boolean;
  readonly indentation: number;
}

export interface Statement {
  readonly kind: StatementKind;
  /** Of a condition, to its opening brace. */
  readonly parts: readonly (Word | Comment)[];
  /** Of a condition: between its braces. */
  readonly body?: { readonly start: number; readonly end: number };
  readonly start: number;
  readonly end: number;
}

/** Comments that are in no statement stand between them; in the order of the text. */
export type Layout = readonly (Statement | Comment)[];

export function layoutOf(text: string, parsed: ParsedText): Layout {
  const starts = startsOf(parsed.tree);
  const words = parsed.tokens.filter(isWord).map(wordOf);
  const comments = parsed.source.comments.map(({ start, end }) => commentOf(text, start, end));
  const layout: (Statement | Comment)[] = [];
  let word = 0;
  let comment = 0;
  for (const [i, { kind, body, start }] of starts.entries()) {
    const next = starts[i + 1]?.start ?? Infinity;
    const own: Word[] = [];
    for (let at = words[word]; at !== undefined && at.start < next; at = words[++word]) {
      if (body === undefined || at.start <= body.open) own.push(at);
    }
    const end = body === undefined ? (own.at(-1)?.end ?? start) : body.close + 1;
    const parts: (Word | Comment)[] = own;
    for (let at = comments[comment]; at !== undefined; at = comments[comment]) {
      if (at.start > end) break;
      comment++;
      if (at.start < start) layout.push(at);
      else if (body === undefined || at.start < body.open) parts.push(at);
    }
    parts.sort((a, b) => a.start - b.start);
    layout.push({
      kind,
      parts,
      start,
      end,
      ...(body && { body: { start: body.open + 1, end: body.close } }),
    });
  }
  return [...layout, ...comments.slice(comment)];
}

interface Start {
  readonly kind: StatementKind;
  readonly start: number;
  readonly body?: { readonly open: number; readonly close: number };
}

function startsOf(tree: MainNode): readonly Start[] {
  const starts: Start[] = [];
  const add = (kind: StatementKind, node: { readonly symbol: Token } | null | undefined): void => {
    if (node) starts.push({ kind, start: node.symbol.start });
  };
  add('model', tree.modelHeader()?.MODEL());
  add('schema', tree.modelHeader()?.SCHEMA());
  add('module', tree.moduleHeader()?.MODULE());
  for (const type of tree.typeDefs().typeDef_list()) {
    add('type', type.EXTEND() ?? type.TYPE());
    add('relations', type.RELATIONS());
    for (const relation of type.relationDeclaration_list()) add('define', relation.DEFINE());
  }
  for (const condition of tree.conditions().condition_list()) {
    starts.push({
      kind: 'condition',
      start: condition.CONDITION().symbol.start,
      body: { open: condition.LBRACE().symbol.start, close: condition.RBRACE().symbol.start },
    });
  }
  return starts;
}

const isWord = ({ type }: Token): boolean =>
  type !== Parser.WHITESPACE && type !== Parser.NEWLINE && type !== Parser.EOF;

const wordOf = ({ type, text, start, stop }: Token): Word => ({
  kind: 'word',
  type,
  text: text.replace(/\s+/g, ' '),
  start,
  end: stop + 1,
});

function commentOf(text: string, start: number, end: number): Comment {
  let lineStart = start;
  while (lineStart > 0 && !/[\r\n]/.test(text[lineStart - 1] ?? '')) lineStart--;
  const before = text.slice(lineStart, start);
  return {
    kind: 'comment',
    text: text.slice(start, end).trimEnd(),
    start,
    end,
    isAlone: before.trim() === '',
    indentation: before.length,
  };
}
