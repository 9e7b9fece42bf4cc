/** What commands print: a table for people, JSON for scripts. */
export interface Output {
  /** One document on standard output; everything else that is said goes to standard error. */
  readonly json: boolean;
  readonly write: (text: string) => void;
  readonly note: (text: string) => void;
}

export function print(output: Output, value: unknown, text: string): void {
  output.write(output.json ? `${JSON.stringify(value, null, 2)}\n` : `${text}\n`);
}

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
