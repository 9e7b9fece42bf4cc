/** A body of JSON, a line a value, read as it arrives. */
import { untilAborted } from './call.js';
import { PembaClientError, invalidResponse, requestIdOf } from './client-error.js';
import type { Connection } from './connection.js';
import type { CallOptions } from './options.js';
import { connectionFailed } from './transport.js';

/** Whoever stops in between hangs up. Rejects when a line is an error, or the last one is cut off. */
export async function* jsonLines(
  { body, headers }: Response,
  connection: Connection,
  options: CallOptions,
): AsyncGenerator<object, void, undefined> {
  const requestId = requestIdOf(headers);
  if (body === null) return;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await connection.within<Piece>(options, (call) =>
        untilAborted(call.signal, reader.read().catch(broken)),
      );
      if (done) break;
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield valueOf(line, requestId);
    }
  } finally {
    // Of no effect when all is read. What it says of a connection that broke was told already.
    await reader.cancel().catch(() => undefined);
  }
  if (rest !== '') throw invalidResponse('its last line is cut off', { requestId });
}

interface Piece {
  readonly done: boolean;
  readonly value?: Uint8Array | undefined;
}

const broken = (cause: unknown): never => {
  throw connectionFailed('the connection broke before the answer was whole', cause);
};

function valueOf(line: string, requestId: string | undefined): object {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw invalidResponse('a line is not JSON', { requestId });
  }
  if (typeof value !== 'object' || value === null) {
    throw invalidResponse('a line is no object', { requestId });
  }
  if (!('error' in value)) return value;
  const { message } = value.error as { readonly message?: unknown };
  const text = typeof message === 'string' ? message : 'the list broke off';
  throw new PembaClientError('internal_error', text, { requestId });
}
