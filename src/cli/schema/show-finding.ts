/**
 * A finding as people read it: `file:line:column: message`, which terminals and editors make a link
 * of, then the line with the word underlined.
 *
 *   shop.fga:7:20: type 'order', relation 'can_view': there is no relation 'customr'
 *     7 |     define can_view: customr or clerk from shop
 *       |                      ^^^^^^^
 *
 * What is shown of a file can do nothing to the terminal: control and formatting characters are
 * replaced. Carets stand under what they mean in a terminal that gives wide characters two cells.
 */
import type { Output, Style } from '../print.js';
import type { Finding } from './finding.js';

/** Of a long line this much is shown, with the place in the middle. */
const CELLS_MAX = 96;
const TAB = '    ';

const COLOURS: Readonly<Record<Finding['severity'], Style>> = {
  error: 'red',
  warning: 'yellow',
  note: 'cyan',
};

export function showFinding(
  finding: Finding,
  text: string | undefined,
  paint: Output['paint'],
): string {
  const { file, line, column, endColumn, severity, message } = finding;
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  const word = severity === 'error' ? '' : `${severity}: `;
  const head = `${paint('bold', `${safe(place)}:`)} ${paint(COLOURS[severity], word + safe(message))}`;
  const source = line === undefined ? undefined : lineOf(text ?? '', line);
  if (source === undefined || column === undefined) return head;
  const { shown, before, width } = excerpt(source, column, endColumn ?? column + 1);
  const number = String(line);
  const caret = paint(COLOURS[severity], '^'.repeat(width));
  return [
    head,
    `${paint('dim', `  ${number} |`)} ${shown}`.trimEnd(),
    `${paint('dim', `  ${' '.repeat(number.length)} |`)} ${' '.repeat(before)}${caret}`,
  ].join('\n');
}

/** Without what a terminal would obey, or show at another place than it stands. */
export const safe = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, '\ufffd');

function lineOf(text: string, line: number): string | undefined {
  let start = 0;
  for (let at = 1; at < line; at++) {
    const end = text.indexOf('\n', start);
    if (end < 0) return undefined;
    start = end + 1;
  }
  const end = text.indexOf('\n', start);
  return text.slice(start, end < 0 ? text.length : end).replace(/\r$/, '');
}

interface Cell {
  readonly text: string;
  readonly width: number;
  /** Of its first character, from 1. */
  readonly column: number;
}

interface Excerpt {
  readonly shown: string;
  /** Cells before the word. */
  readonly before: number;
  readonly width: number;
}

function excerpt(line: string, column: number, endColumn: number): Excerpt {
  const cells = cellsOf(line, column);
  const isBefore = (cell: Cell): boolean => cell.column < column;
  const isMarked = (cell: Cell): boolean => cell.column >= column && cell.column < endColumn;
  const cut = cutAround(cells, cells.filter(isBefore).length);
  const head = cut.from > 0 ? '…' : '';
  const tail = cut.to < cells.length ? '…' : '';
  const shown = cells.slice(cut.from, cut.to);
  return {
    shown: head + shown.map(({ text }) => text).join('') + tail,
    before: head.length + widthOf(shown.filter(isBefore)),
    width: Math.max(1, widthOf(shown.filter(isMarked))),
  };
}

/** Far more than is shown of a line; no more of it is looked at. */
const LOOKED_AT = 4 * CELLS_MAX;

function cellsOf(line: string, around: number): readonly Cell[] {
  const from = Math.max(0, around - 1 - LOOKED_AT);
  const cells: Cell[] = [];
  let column = from + 1;
  for (const character of line.slice(from, around - 1 + LOOKED_AT)) {
    const text = character === '\t' ? TAB : safe(character);
    const width = character === '\t' ? TAB.length : widthOfCharacter(text);
    cells.push({ text, width, column });
    column += character.length;
  }
  return cells;
}

/** A window of cells around one of them. */
function cutAround(
  cells: readonly Cell[],
  middle: number,
): { readonly from: number; readonly to: number } {
  if (widthOf(cells) <= CELLS_MAX) return { from: 0, to: cells.length };
  let from = middle;
  let width = 0;
  while (from > 0 && width < CELLS_MAX / 2) width += cells[--from]?.width ?? 0;
  let to = middle;
  while (to < cells.length && width < CELLS_MAX) width += cells[to++]?.width ?? 0;
  return { from, to };
}

const widthOf = (cells: readonly Cell[]): number =>
  cells.reduce((sum, { width }) => sum + width, 0);

const NO_WIDTH = /^[\p{Mn}\p{Me}]$/u;
const WIDE =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation})$/u;

const widthOfCharacter = (character: string): number =>
  NO_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
