/** What commands print: a table for people, JSON for scripts. */
import { styleText } from 'node:util';
import type { Progress } from './progress.js';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan' | 'underline';

export interface Output {
  /** One document on standard output; everything else that is said goes to standard error. */
  readonly json: boolean;
  readonly write: (text: string) => void;
  readonly note: (text: string) => void;
  /** As it is, unless standard output is a terminal that may be coloured. */
  readonly paint: (style: Style, text: string) => string;
  /** A bar where somebody watches. `total` is in the same unit as what it is told. */
  readonly progress: (title: string, total?: number) => Promise<Progress>;
}

export function print(output: Output, value: unknown, text: string): void {
  output.write(output.json ? `${JSON.stringify(value, null, 2)}\n` : `${text}\n`);
}

export const painter =
  (isColoured: boolean): Output['paint'] =>
  (style, text) =>
    isColoured ? styleText(style, text) : text;

/** A member of an answer as a cell. */
export const textOf = (value: unknown): string =>
  value === null || value === undefined
    ? '-'
    : typeof value === 'string'
      ? value
      : JSON.stringify(value);

/** Columns as wide as their widest cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
