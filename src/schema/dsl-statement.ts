/** The lines of one statement, from its words and the comments among them. */
import { Parser } from './dsl-grammar.js';
import type { Comment, Statement, Word } from './dsl-layout.js';

/** `text` is what the statement is of. Lines are indented relative to the first. */
export function statementText({ kind, parts }: Statement, text: string): readonly string[] {
  const open = parts.findIndex((part) => isOf(part, Parser.LBRACKET));
  if (open < 0) return [spaced(parts.filter(isWord), { isCondition: kind === 'condition' })];
  const close = parts.findIndex((part) => isOf(part, Parser.RPRACKET));
  const inner = parts.slice(open + 1, close);
  const [first] = inner;
  const isBroken = first !== undefined && /[\r\n]/.test(text.slice(parts[open]?.end, first.start));
  if (!isBroken && !inner.some(isComment)) return [spaced(parts.filter(isWord))];
  const head = spaced(parts.slice(0, open + 1).filter(isWord));
  const tail = spaced(parts.slice(close).filter(isWord));
  const [opening, lines] = listLines(inner);
  return [opening === undefined ? head : `${head} ${opening}`, ...lines, tail];
}

const isWord = (part: Word | Comment): part is Word => part.kind === 'word';
const isComment = (part: Word | Comment): part is Comment => part.kind === 'comment';
const isOf = (part: Word | Comment, type: number): boolean => isWord(part) && part.type === type;

const INDENTATION = '  ';

/** One subject a line; and the comment that stands in the line of the bracket. */
function listLines(
  parts: readonly (Word | Comment)[],
): readonly [string | undefined, readonly string[]] {
  const lines: string[] = [];
  let opening: string | undefined;
  let words: Word[] = [];
  let isCommented = false;
  const flush = (): void => {
    if (words.length > 0) lines.push(INDENTATION + spaced(words, { inBrackets: true }));
    words = [];
    isCommented = false;
  };
  for (const [i, part] of parts.entries()) {
    if (isWord(part)) {
      // A comma that comes after a comment belongs before it.
      if (part.type === Parser.COMMA && words.length === 0) insertComma(lines);
      else words.push(part);
      if (part.type === Parser.COMMA && !isComment(parts[i + 1] ?? part)) flush();
      continue;
    }
    const isFirst = lines.length === 0 && words.length === 0;
    flushBefore();
    if (isFirst && !part.isAlone && opening === undefined) opening = part.text;
    else if (part.isAlone || isCommented || isCommentLine(lines.at(-1)))
      lines.push(INDENTATION + part.text);
    else {
      lines.push(`${lines.pop() ?? ''} ${part.text}`);
      isCommented = true;
    }
  }
  flush();
  return [opening, lines];

  function flushBefore(): void {
    const wasCommented = isCommented && words.length === 0;
    flush();
    isCommented = wasCommented;
  }
}

const isCommentLine = (line = ''): boolean => line.trimStart().startsWith('#');

/** After the last subject of the lines, wherever comments follow it. */
function insertComma(lines: string[]): void {
  const at = lines.findLastIndex((line) => !isCommentLine(line));
  const line = lines[at];
  if (line === undefined) return;
  const comment = line.indexOf(' #');
  lines[at] = comment < 0 ? `${line},` : `${line.slice(0, comment)},${line.slice(comment)}`;
}

interface Place {
  readonly inBrackets?: boolean;
  readonly isCondition?: boolean;
}

function spaced(words: readonly Word[], place: Place = {}): string {
  let text = '';
  let { inBrackets = false } = place;
  for (const [i, word] of words.entries()) {
    const previous = words[i - 1];
    if (previous !== undefined && isApart(previous, word, { ...place, inBrackets })) text += ' ';
    text += word.text;
    if (word.type === Parser.LBRACKET) inBrackets = true;
    if (word.type === Parser.RPRACKET) inBrackets = false;
  }
  return text;
}

const OPENING: ReadonlySet<number> = new Set([
  Parser.LBRACKET,
  Parser.LPAREN,
  Parser.LESS,
  Parser.HASH,
]);
const CLOSING: ReadonlySet<number> = new Set([
  Parser.RPRACKET,
  Parser.RPAREN,
  Parser.GREATER,
  Parser.LESS,
  Parser.HASH,
  Parser.COMMA,
  Parser.COLON,
]);

function isApart(previous: Word, { type }: Word, { inBrackets, isCondition }: Place): boolean {
  if (OPENING.has(previous.type) || CLOSING.has(type)) return false;
  // In brackets it is that of `user:*`.
  if (previous.type === Parser.COLON) return inBrackets !== true;
  return type !== Parser.LPAREN || isCondition !== true;
}
