import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

/** As much as PostgreSQL's client writes at once. */
const PIECE_LENGTH = 64 * 1024;

/** Brings rows in by a COPY statement, each as the line that is made of it. Nothing if there are none. */
export async function copyInto<Row>(
  client: pg.ClientBase,
  statement: string,
  rows: readonly Row[],
  lineOf: (row: Row, index: number) => string,
): Promise<void> {
  if (rows.length === 0) return;
  function* pieces(): Generator<string> {
    let piece = '';
    for (const [i, row] of rows.entries()) {
      piece += lineOf(row, i);
      if (piece.length < PIECE_LENGTH) continue;
      yield piece;
      piece = '';
    }
    if (piece !== '') yield piece;
  }
  const source = Readable.from(pieces(), { objectMode: false });
  await pipeline(source, client.query(copyFrom(statement)));
}
