/**
 * A request whose body goes out while its answer comes in, a line of JSON after the other: `fetch`
 * sends all of the body before it looks at the answer. The body is taken no faster than it goes.
 */
import { request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';

export interface Upload {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array | string>;
}

export interface UploadAnswer {
  readonly status: number;
  /** As they come; ends early where the connection does, by throwing. */
  readonly lines: AsyncIterable<string>;
}

/** Rejects where no answer begins. What goes wrong with making the body is thrown as it is. */
export async function upload({ url, headers, body }: Upload): Promise<UploadAnswer> {
  const make = url.startsWith('https:') ? httpsRequest : httpRequest;
  const request = make(url, { method: 'POST', headers, agent: false });
  const source = Readable.from(body, { objectMode: false });
  let failure: unknown;
  source.on('error', (error) => {
    failure = error;
    request.destroy();
  });
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request.on('response', resolve);
    request.on('error', (error) => {
      reject(failure instanceof Error ? failure : error);
    });
    source.pipe(request);
  });
  return { status: answer.statusCode ?? 0, lines: linesOf(answer, request, source, () => failure) };
}

async function* linesOf(
  answer: IncomingMessage,
  request: ClientRequest,
  source: Readable,
  failure: () => unknown,
): AsyncGenerator<string, void, undefined> {
  let broken: unknown;
  answer.on('error', (error) => {
    broken = error;
  });
  try {
    for await (const line of createInterface({ input: answer })) if (line !== '') yield line;
    const error = failure() ?? broken;
    if (error !== undefined) throw error as Error;
    if (!answer.complete) throw new Error('the answer broke off');
  } finally {
    // Who has read enough, or has been refused, leaves the rest of the body.
    source.destroy();
    request.destroy();
  }
}
