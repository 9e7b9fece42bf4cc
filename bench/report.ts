/** Figures as tables for people and as JSON for programs: the same rows, printed or as they are. */
import type { Comparison } from './measure.js';

export type Unit = 'text' | 'ns' | 'perSecond' | 'ratio' | 'bytes' | 'count' | 'percent';

export interface Column {
  readonly key: string;
  readonly heading: string;
  readonly unit: Unit;
}

/** Null where a figure could not be taken on this machine. */
export type Row = Readonly<Record<string, string | number | null>>;

export interface Table {
  readonly title: string;
  /** What the ratio is a ratio to, and what else must be known to read the figures. */
  readonly note: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

export const column = (key: string, heading: string, unit: Unit): Column => ({
  key,
  heading,
  unit,
});

/** The columns of a comparison, after those that name the case. */
export const COMPARISON: readonly Column[] = [
  column('perSecond', 'per second', 'perSecond'),
  column('perOperation', 'each', 'ns'),
  column('p50', 'p50', 'ns'),
  column('p95', 'p95', 'ns'),
  column('p99', 'p99', 'ns'),
  column('reference', 'reference', 'ns'),
  column('ratio', 'ratio', 'ratio'),
  column('p50Ratio', 'of p50s', 'ratio'),
];

export const comparisonRow = (comparison: Comparison): Row => ({
  ...comparison,
  perSecond: 1e9 / comparison.perOperation,
});

export function render({ title, note, columns, rows }: Table): string {
  const cells = rows.map((row) => columns.map(({ key, unit }) => format(row[key], unit)));
  const headings = columns.map(({ heading }) => heading);
  const widths = columns.map((_, i) =>
    Math.max(...[headings, ...cells].map((line) => line[i]?.length ?? 0)),
  );
  const isText = columns.map(({ unit }) => unit === 'text');
  const lineOf = (line: readonly string[]): string =>
    line
      .map((cell, i) => (isText[i] ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('──');
  return [title, note, rule, lineOf(headings), rule, ...cells.map(lineOf), rule, ''].join('\n');
}

function format(value: string | number | null | undefined, unit: Unit): string {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null || Number.isNaN(value)) return '-';
  switch (unit) {
    case 'text':
      return String(value);
    case 'ns':
      return duration(value);
    case 'perSecond':
      return scaled(value, ['', ' k', ' M'], 1000);
    case 'ratio':
      return `× ${significant(value)}`;
    case 'bytes':
      return scaled(value, [' B', ' kB', ' MB', ' GB'], 1024);
    case 'count':
      return Math.round(value).toLocaleString('en-GB');
    case 'percent':
      return `${Math.round(value)} %`;
  }
}

function duration(ns: number): string {
  const size = Math.abs(ns);
  if (size < 1e3) return `${significant(ns)} ns`;
  if (size < 1e6) return `${significant(ns / 1e3)} µs`;
  return size < 1e9 ? `${significant(ns / 1e6)} ms` : `${significant(ns / 1e9)} s`;
}

function scaled(value: number, units: readonly string[], step: number): string {
  let rest = value;
  let unit = 0;
  while (Math.abs(rest) >= step && unit < units.length - 1) {
    rest /= step;
    unit++;
  }
  return significant(rest) + (units[unit] ?? '');
}

/** Three digits: the machine is not steadier than that. */
const significant = (value: number): string =>
  Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
