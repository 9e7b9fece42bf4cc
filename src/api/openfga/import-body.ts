/**
 * The lines of an import as they arrive. The stream is read no faster than its lines are taken, so a
 * body of any length takes the memory of one piece. Storing what came takes its time, which must not
 * count against the client: instead of the whole body, each piece of it has to arrive in time.
 */
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { PembaError } from '../../errors.js';
import type { ImportLine } from '../../operations/import.js';
import { parseJson } from '../json-body.js';
import { contentOf } from './content-line.js';

export interface ImportBodyLimits {
  readonly maxImportBytes: number;
  /** Of a line. */
  readonly maxBodyBytes: number;
  readonly maxJsonDepth: number;
  /** For the next piece to arrive. */
  readonly requestTimeoutMs: number;
}

export const NDJSON = 'application/x-ndjson';

/** Connections whose request is held to a time of its own, not to the one for whole requests. */
const importing = new WeakSet<Socket>();

export const isImporting = (socket: Socket): boolean => importing.has(socket);

/** Empty lines are passed over, and counted. */
export async function* arrivingLines(
  body: Readable,
  socket: Socket,
  limits: ImportBodyLimits,
): AsyncGenerator<readonly ImportLine[], void, undefined> {
  importing.add(socket);
  try {
    const decoder = new StringDecoder('utf8');
    let number = 1;
    let rest = '';
    for await (const piece of piecesInTime(body, limits)) {
      const lines = (rest + decoder.write(piece)).split('\n');
      rest = lines.pop() ?? '';
      yield readLines(lines, number, limits);
      number += lines.length;
      if (rest.length > limits.maxBodyBytes) throw tooLarge(`line ${number} is too long`);
    }
    yield readLines([rest + decoder.end()], number, limits);
  } finally {
    importing.delete(socket);
  }
}

async function* piecesInTime(
  body: Readable,
  { maxImportBytes, requestTimeoutMs }: ImportBodyLimits,
): AsyncGenerator<Buffer, void, undefined> {
  // The connection is still needed for the answer when this ends early.
  const pieces = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  let bytes = 0;
  for (;;) {
    const next = await inTime(pieces.next().catch(brokenOff), requestTimeoutMs);
    if (next.done === true) return;
    bytes += next.value.length;
    if (bytes > maxImportBytes) {
      throw tooLarge(`the body is longer than ${maxImportBytes} bytes: send the rest by itself`);
    }
    yield next.value;
  }
}

function brokenOff(cause: unknown): never {
  throw new PembaError('request_timeout', 'the body broke off', { cause });
}

async function inTime<Value>(arriving: Promise<Value>, ms: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    const giveUp = (): void => {
      reject(new PembaError('request_timeout', `nothing arrived for ${ms} ms`));
    };
    // What arrived while this process was busy is looked at first.
    timer = setTimeout(() => setImmediate(giveUp), ms);
  });
  try {
    return await Promise.race([arriving, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

const tooLarge = (problem: string): PembaError => new PembaError('body_too_large', problem);

const readLines = (
  lines: readonly string[],
  first: number,
  { maxJsonDepth }: ImportBodyLimits,
): readonly ImportLine[] =>
  lines.flatMap((text, i) => (text.trim() === '' ? [] : readLine(text, first + i, maxJsonDepth)));

function readLine(text: string, line: number, maxJsonDepth: number): readonly ImportLine[] {
  const { length } = text;
  try {
    const content = contentOf(parseJson(text, maxJsonDepth));
    return content === undefined ? [] : [{ line, length, content }];
  } catch (error) {
    if (!(error instanceof PembaError)) throw error;
    return [{ line, length, content: error }];
  }
}
