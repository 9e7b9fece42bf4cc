/**
 * What one request of an import sends. The server counts the lines of the request, from 1; this knows
 * where they stood in the file, until it is told that they are settled.
 */
import type { Piece, Pieces } from './import-source.js';

interface Sent {
  /** Of its lines, in the request. */
  readonly first: number;
  readonly piece: Piece;
}

type Problem = Piece['problems'][number];

export class ImportPart {
  readonly #pieces: Pieces;
  readonly #maxBytes: number;
  readonly #sent: Sent[] = [];
  #lines = 0;
  /** Lines that could not be read and were told of. */
  problemCount = 0;

  constructor(pieces: Pieces, maxBytes: number) {
    this.#pieces = pieces;
    this.#maxBytes = maxBytes;
  }

  async *body(): AsyncGenerator<Uint8Array | string, void, undefined> {
    let bytes = 0;
    while (bytes < this.#maxBytes) {
      const piece = await this.#pieces.take();
      if (piece === undefined) return;
      this.#sent.push({ first: this.#lines + 1, piece });
      this.#lines += piece.count;
      bytes += piece.data.length;
      if (piece.data.length > 0) yield piece.data;
    }
  }

  fileLineOf(line: number): number {
    const sent = this.#sent.findLast(({ first }) => first <= line);
    return sent === undefined ? 0 : sent.piece.fileLineOf(line - sent.first);
  }

  /** Of pieces whose lines are settled all, once. */
  problemsUpTo(line: number): readonly Problem[] {
    const problems = this.#sent
      .filter((sent) => endOf(sent) <= line)
      .flatMap(({ piece }) => piece.problems);
    this.problemCount += problems.length;
    return problems;
  }

  /** The line of the file up to which all is settled; what lies before is forgotten. */
  settledUpTo(line: number): number {
    let place = 0;
    while (this.#sent[0] !== undefined && endOf(this.#sent[0]) <= line) {
      const { piece } = this.#sent[0];
      const last = piece.count === 0 ? 0 : piece.fileLineOf(piece.count - 1);
      place = Math.max(place, last, ...piece.problems.map((problem) => problem.line));
      this.#sent.shift();
    }
    const [open] = this.#sent;
    if (open !== undefined && line >= open.first) place = open.piece.fileLineOf(line - open.first);
    return place;
  }
}

const endOf = ({ first, piece }: Sent): number => first + piece.count - 1;
