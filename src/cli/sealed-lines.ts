/**
 * Lines of JSON that end with one of counts and a checksum, as exports and backups do. A stream that
 * breaks off has no such end, and is refused; so are bytes that are not those that were sealed.
 */
import { createHash } from 'node:crypto';
import { CommandError, EXIT } from './command-error.js';

export interface Seal {
  readonly revision: number;
  readonly tuples: number;
  readonly attributes: number;
  readonly models?: number;
  readonly assertions?: number;
  readonly sha256: string;
}

const LINE_FEED = 10;

/** Whole lines, many at a time, without the last one; returns what that says, when it holds. */
export async function* sealedLines(
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer, Seal, undefined> {
  const hash = createHash('sha256');
  let held = Buffer.alloc(0);
  for await (const piece of bytes) {
    const known = Buffer.concat([held, piece]);
    // The last line may be the seal, so it waits.
    const end = known.lastIndexOf(LINE_FEED, known.length - 2) + 1;
    held = known.subarray(end);
    if (end === 0) continue;
    const lines = known.subarray(0, end);
    hash.update(lines);
    yield lines;
  }
  const seal = sealOf(held.toString());
  if (seal.sha256 === hash.digest('hex')) return seal;
  throw broken('its checksum does not fit');
}

export const SEAL_START = '{"end":';

export const sealLine = (end: Seal): string => `${JSON.stringify({ end })}\n`;

export function sealOf(line: string): Seal {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw broken('it has no end');
  }
  const { end, error } = value as {
    readonly end?: Seal;
    readonly error?: { readonly message?: string };
  };
  if (error !== undefined) throw broken(error.message ?? 'the server failed');
  if (end === undefined) throw broken('it has no end');
  return end;
}

const broken = (problem: string): CommandError =>
  new CommandError(`what came is not whole: ${problem}`, EXIT.failed);
