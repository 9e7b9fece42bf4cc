/**
 * The lines between a condition's braces, moved as a whole so that the leftmost one is indented by
 * two spaces. Of what is inside a string of several lines nothing is moved.
 */
import type { Range, SourceText } from './source-text.js';

export interface FormattedBody {
  /** A comment that stands in the line of the opening brace. */
  readonly opening: string;
  readonly lines: readonly string[];
}

interface Line {
  readonly text: string;
  /** Begins, ends in a string. */
  readonly isContinued: boolean;
  readonly isOpen: boolean;
}

export function formatBody(text: string, body: Range, source: SourceText): FormattedBody {
  const [first, ...others] = linesOf(text, body, source.longStrings);
  const rest = first?.text.trim() ?? '';
  const start = text.indexOf(rest, body.start);
  const isComment = rest !== '' && source.comments.some((comment) => comment.start === start);
  const margin = marginOf(others);
  const moved = others.map(({ text: line, isContinued, isOpen }) => {
    if (!isContinued && !isOpen && line.trim() === '') return '';
    const own = isContinued ? line : `  ${line.slice(margin)}`;
    return isOpen ? own : own.trimEnd();
  });
  const head = first?.isOpen === true ? first.text.trimStart() : rest;
  const lines = [...(isComment || head === '' ? [] : [`  ${head}`]), ...moved];
  while (lines[0] === '') lines.shift();
  while (lines.at(-1) === '') lines.pop();
  return { opening: isComment ? rest : '', lines };
}

function linesOf(text: string, { start, end }: Range, strings: readonly Range[]): readonly Line[] {
  let next = 0;
  // It is asked in the order of the text.
  const isInside = (offset: number): boolean => {
    while ((strings[next]?.end ?? Infinity) <= offset) next++;
    return (strings[next]?.start ?? Infinity) < offset;
  };
  const lines: Line[] = [];
  let from = start;
  for (const { 0: lineBreak, index } of text.slice(start, end).matchAll(/\r\n|\r|\n/g)) {
    const at = start + index;
    lines.push(lineAt(from, at));
    from = at + lineBreak.length;
  }
  lines.push(lineAt(from, end));
  return lines;

  function lineAt(begin: number, stop: number): Line {
    return {
      text: text.slice(begin, stop),
      isContinued: begin > start && isInside(begin),
      isOpen: isInside(stop),
    };
  }
}

/** How many characters of white space all lines begin with, the same ones. */
function marginOf(lines: readonly Line[]): number {
  const indentations = lines
    .filter(({ text, isContinued }) => !isContinued && text.trim() !== '')
    .map(({ text }) => /^[ \t]*/.exec(text)?.[0] ?? '');
  const [shortest = ''] = indentations.toSorted((a, b) => a.length - b.length);
  let margin = shortest.length;
  while (!indentations.every((one) => one.startsWith(shortest.slice(0, margin)))) margin--;
  return margin;
}
