/** The lines of a file, of which a piece at a time is in memory. */
import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { usageError } from '../../command-error.js';

const PIECE_BYTES = 2 ** 16;

/** Throws a usage error where the file cannot be read. */
export function* fileLines(path: string): Generator<string> {
  const file = attempt(path, () => openSync(path, 'r'));
  const decoder = new StringDecoder('utf8');
  const bytes = Buffer.alloc(PIECE_BYTES);
  let rest = '';
  try {
    for (;;) {
      const length = attempt(path, () => readSync(file, bytes));
      if (length === 0) break;
      const lines = (rest + decoder.write(bytes.subarray(0, length))).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
    yield rest + decoder.end();
  } finally {
    closeSync(file);
  }
}

function attempt<Result>(path: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw usageError(`${path} cannot be read: ${reason}`);
  }
}
