/**
 * A list of objects as NDJSON, one line an object. The list is computed whole at one revision before
 * the first line, so its headers can say whether it is whole; it is then written as fast as the
 * client reads.
 */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { NameList } from '../../operations/list.js';

export const streamNames = (reply: FastifyReply, { names }: NameList): FastifyReply =>
  reply
    .header('content-type', 'application/x-ndjson')
    .send(Readable.from(lines(names), { objectMode: false }));

/** Lines together make chunks of some kilobytes: a write a line would cost more than the list. */
const LINES_PER_CHUNK = 256;

function* lines(names: readonly string[]): Generator<string> {
  for (let i = 0; i < names.length; i += LINES_PER_CHUNK) {
    const chunk = names.slice(i, i + LINES_PER_CHUNK);
    yield chunk.map((object) => `${JSON.stringify({ result: { object } })}\n`).join('');
  }
}
