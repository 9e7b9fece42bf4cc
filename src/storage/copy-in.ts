import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

/** Lines together make pieces of some kilobytes. */
const LINES_PER_PIECE = 500;

/** Brings rows in by a COPY statement, each as the line that is made of it. Nothing if there are none. */
export async function copyInto<Row>(
  client: pg.ClientBase,
  statement: string,
  rows: readonly Row[],
  lineOf: (row: Row, index: number) => string,
): Promise<void> {
  if (rows.length === 0) return;
  function* pieces(): Generator<string> {
    for (let start = 0; start < rows.length; start += LINES_PER_PIECE) {
      const piece = rows.slice(start, start + LINES_PER_PIECE);
      yield piece.map((row, i) => lineOf(row, start + i)).join('');
    }
  }
  const source = Readable.from(pieces(), { objectMode: false });
  await pipeline(source, client.query(copyFrom(statement)));
}
