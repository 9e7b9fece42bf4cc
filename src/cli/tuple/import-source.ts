/**
 * A file as an import sends it: JSON lines as they are, other formats tuple by tuple. What is sent is
 * counted in lines of its own; each piece knows at which lines of the file they stood.
 */
import { createReadStream } from 'node:fs';
import { tupleToWire } from '../../api/openfga/wire.js';
import { readTuples } from './tuple-file.js';
import type { TupleFormat } from './tuple-file.js';

export interface Piece {
  readonly data: Uint8Array | string;
  /** Lines that are sent. */
  readonly count: number;
  /** From 0: of the lines of this piece, the place in the file. */
  readonly fileLineOf: (index: number) => number;
  /** What could not be read, and is not sent. */
  readonly problems: readonly { readonly line: number; readonly problem: string }[];
}

const LINE_FEED = 10;
/** Few enough to be sent as one, many enough that each costs little. */
const TUPLES_PER_PIECE = 1000;

/** Lines before `fromLine` are passed over. Rejects as `node:fs` does. */
export function piecesOf(
  source: AsyncIterable<Uint8Array>,
  format: TupleFormat,
  fromLine: number,
): AsyncGenerator<Piece, void, undefined> {
  return format === 'jsonl' ? rawPieces(source, fromLine) : tuplePieces(source, format, fromLine);
}

export const fileSource = (file: string): AsyncIterable<Uint8Array> =>
  createReadStream(file, { highWaterMark: 2 ** 18 });

async function* rawPieces(
  source: AsyncIterable<Uint8Array>,
  fromLine: number,
): AsyncGenerator<Piece, void, undefined> {
  let held = Buffer.alloc(0);
  let next = 1;
  const piece = (data: Buffer, lines: number): Piece | undefined => {
    const first = next;
    next += lines;
    if (next <= fromLine) return undefined;
    const skipped = Math.max(0, fromLine - first);
    const begin = afterLines(data, skipped);
    return {
      data: data.subarray(begin),
      count: lines - skipped,
      fileLineOf: (index) => first + skipped + index,
      problems: [],
    };
  };
  for await (const bytes of source) {
    const known = held.length === 0 ? Buffer.from(bytes) : Buffer.concat([held, bytes]);
    const end = known.lastIndexOf(LINE_FEED) + 1;
    held = known.subarray(end);
    const found = piece(known.subarray(0, end), linesIn(known, end));
    if (found !== undefined && end > 0) yield found;
  }
  if (held.length === 0) return;
  const last = piece(Buffer.concat([held, Buffer.from('\n')]), 1);
  if (last !== undefined) yield last;
}

function linesIn(bytes: Buffer, end: number): number {
  let lines = 0;
  for (let at = bytes.indexOf(LINE_FEED); at !== -1 && at < end;) {
    lines++;
    at = bytes.indexOf(LINE_FEED, at + 1);
  }
  return lines;
}

function afterLines(bytes: Buffer, lines: number): number {
  let at = 0;
  for (let i = 0; i < lines; i++) at = bytes.indexOf(LINE_FEED, at) + 1;
  return at;
}

async function* tuplePieces(
  source: AsyncIterable<Uint8Array>,
  format: TupleFormat,
  fromLine: number,
): AsyncGenerator<Piece, void, undefined> {
  let texts: string[] = [];
  let lines: number[] = [];
  let problems: { readonly line: number; readonly problem: string }[] = [];
  const taken = (): Piece => {
    const places = lines;
    const piece = {
      data: texts.join(''),
      count: lines.length,
      fileLineOf: (index: number) => places[index] ?? 0,
      problems,
    };
    texts = [];
    lines = [];
    problems = [];
    return piece;
  };
  for await (const read of readTuples(source, format)) {
    if (read.line < fromLine) continue;
    if ('problem' in read) problems.push(read);
    else {
      texts.push(`${JSON.stringify(tupleToWire(read.tuple))}\n`);
      lines.push(read.line);
    }
    if (texts.length + problems.length >= TUPLES_PER_PIECE) yield taken();
  }
  yield taken();
}

/** The pieces of a file, of which the next can be waited for. */
export class Pieces {
  readonly #iterator: AsyncIterator<Piece, void, undefined>;
  #next: Promise<IteratorResult<Piece, void>> | undefined;
  /** That were taken. */
  bytes = 0;

  constructor(pieces: AsyncGenerator<Piece, void, undefined>) {
    this.#iterator = pieces;
  }

  async isOver(): Promise<boolean> {
    this.#next ??= this.#iterator.next();
    return (await this.#next).done === true;
  }

  async take(): Promise<Piece | undefined> {
    const next = await (this.#next ?? this.#iterator.next());
    this.#next = undefined;
    if (next.done === true) {
      this.#next = Promise.resolve(next);
      return undefined;
    }
    this.bytes += next.value.data.length;
    return next.value;
  }
}
