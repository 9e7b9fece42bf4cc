/**
 * The lines of an import as they arrive. The stream is read no faster than its lines are taken, so a
 * body of any length takes the memory of one piece. Storing what came takes its time, which must not
 * count against the client: instead of the whole body, each piece of it has to arrive in time.
 */
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PembaError } from '../../errors.js';
import type { ImportLine } from '../../operations/import.js';
import { contentOfText } from './content-line.js';

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

/** Lines without their ends. */
export interface ArrivingLines {
  readonly texts: readonly string[];
  /** Of the first of them, from 1. */
  readonly number: number;
}

export async function* arrivingLines(
  body: Readable,
  socket: Socket,
  limits: ImportBodyLimits,
): AsyncGenerator<ArrivingLines, void, undefined> {
  importing.add(socket);
  const decoder = new StringDecoder('utf8');
  let number = 1;
  let rest = '';
  for await (const piece of piecesInTime(body, limits)) {
    const texts = (rest + decoder.write(piece)).split('\n');
    rest = texts.pop() ?? '';
    yield { texts, number };
    number += texts.length;
    if (rest.length > limits.maxBodyBytes) throw tooLarge(`line ${number} is too long`);
  }
  yield { texts: [rest + decoder.end()], number };
  // Where the body is not whole, the connection takes no other request: it may end its answer.
  importing.delete(socket);
}

/** Empty lines are passed over, and counted. */
export async function* importLines(
  arriving: AsyncIterable<ArrivingLines>,
  { maxJsonDepth }: ImportBodyLimits,
): AsyncGenerator<readonly ImportLine[], void, undefined> {
  for await (const { texts, number } of arriving) {
    const lines: ImportLine[] = [];
    for (let i = 0; i < texts.length; i++) {
      const text = texts[i] ?? '';
      const content = text.trim() === '' ? undefined : readLine(text, maxJsonDepth);
      if (content !== undefined) lines.push({ line: number + i, length: text.length, content });
    }
    yield lines;
  }
}

/** The rest of the body is nobody's any more; it is let in so that the answer can go out. */
export function endConnection({ raw }: FastifyRequest, reply: FastifyReply): void {
  if (raw.complete) return;
  void reply.header('connection', 'close');
  raw.resume();
}

/** Throws `unsupported_media_type` for a body of any other kind. */
export function linesBody(body: unknown): Readable {
  if (body instanceof Readable) return body;
  throw new PembaError(
    'unsupported_media_type',
    `send lines of JSON, with the content-type ${NDJSON}`,
  );
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

function readLine(text: string, maxJsonDepth: number): ImportLine['content'] | undefined {
  try {
    return contentOfText(text, maxJsonDepth);
  } catch (error) {
    if (error instanceof PembaError) return error;
    throw error;
  }
}
