/**
 * One request to one of the servers, repeated where that can help and do no harm: see `retries.ts`.
 * All of it, waiting included, happens within the call's deadline.
 *
 * A server to which there is no connection is passed over for a while, and the request goes to the
 * next one at once. While there is another to turn to, a request that may be repeated waits for half
 * of what is left of its time: a server that is gone without a word must not take all of it.
 */
import { sleep, untilAborted } from './call.js';
import type { Call, Time } from './call.js';
import { PembaClientError, errorOf } from './client-error.js';
import { mayRepeat } from './retries.js';
import type { Retries } from './retries.js';
import type { Server, Servers } from './servers.js';

export interface Message {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Request<Result> {
  readonly path: string;
  /** Made anew for each attempt. */
  readonly message: (url: string) => Promise<Message>;
  /** Whether it may be done twice. */
  readonly isRepeatable: boolean;
  /** Of a 2xx. */
  readonly read: (response: Response) => Promise<Result>;
}

export interface TransportParts {
  readonly fetch: typeof globalThis.fetch;
  readonly time: Time;
  readonly servers: Servers;
  readonly retries: Retries;
}

export class Transport {
  readonly #parts: TransportParts;

  constructor(parts: TransportParts) {
    this.#parts = parts;
  }

  async send<Result>(request: Request<Result>, call: Call): Promise<Result> {
    const { servers, retries, time } = this.#parts;
    retries.called();
    let failure: PembaClientError | undefined;
    for (let retry = 0, failovers = 0; ;) {
      const server = servers.pick(time.now());
      try {
        const result = await this.#attempt(server, request, call);
        servers.answered(server);
        return result;
      } catch (error) {
        if (call.signal.aborted) throw endOf(call, failure);
        if (!(error instanceof PembaClientError)) throw error;
        failure = error;
      }
      if (failure.code === 'connection_failed') servers.failed(server, time.now());
      if (!mayRepeat(failure, request.isRepeatable)) throw failure;
      const isElsewhere =
        failure.code === 'connection_failed' && servers.hasOther(server, time.now());
      if (isElsewhere && failovers++ < servers.count) continue;
      const delayMs = retries.delayMs(retry, failure.retryAfterMs);
      const isTooLate = time.now() + delayMs >= call.deadlineAt();
      if (retry >= retries.max || isTooLate || !retries.spend()) throw failure;
      retry++;
      await sleep(time, delayMs, call.signal).catch(() => {
        throw endOf(call, failure);
      });
    }
  }

  async #attempt<Result>(server: Server, request: Request<Result>, call: Call): Promise<Result> {
    const { signal, stop } = this.#limited(server, request, call);
    try {
      const { headers, body } = await untilAborted(signal, request.message(server.url));
      const response = await this.#fetched(server.url + request.path, { headers, body, signal });
      if (!response.ok) throw await untilAborted(signal, reading(errorOf(response)));
      return await untilAborted(signal, reading(request.read(response)));
    } finally {
      stop();
    }
  }

  async #fetched(
    url: string,
    parts: Message & { readonly signal: AbortSignal },
  ): Promise<Response> {
    const { signal } = parts;
    // Called as a function of nothing: runtimes insist on it.
    const { fetch } = this.#parts;
    try {
      // Credentials go where they were meant to, and nowhere else.
      return await untilAborted(
        signal,
        fetch(url, { method: 'POST', redirect: 'manual', ...parts }),
      );
    } catch (cause) {
      signal.throwIfAborted();
      throw connectionFailed('there was no answer', cause);
    }
  }

  /** The signal of one attempt. */
  #limited(
    server: Server,
    { isRepeatable }: Request<unknown>,
    call: Call,
  ): { readonly signal: AbortSignal; readonly stop: () => void } {
    const { time, servers } = this.#parts;
    if (!isRepeatable || !servers.hasOther(server, time.now())) {
      return { signal: call.signal, stop: () => undefined };
    }
    const controller = new AbortController();
    const limitMs = (call.deadlineAt() - time.now()) / 2;
    const stopTimer = time.after(limitMs, () => {
      controller.abort(connectionFailed(`the server did not answer within ${limitMs} ms`));
    });
    const pass = (): void => {
      controller.abort(call.signal.reason);
    };
    if (call.signal.aborted) pass();
    call.signal.addEventListener('abort', pass, { once: true });
    return {
      signal: controller.signal,
      stop: () => {
        stopTimer();
        call.signal.removeEventListener('abort', pass);
      },
    };
  }
}

export const connectionFailed = (problem: string, cause?: unknown): PembaClientError =>
  new PembaClientError('connection_failed', problem, { cause });

/** What is no error of ours, while a body is read, is a connection that broke. */
async function reading<Result>(promise: Promise<Result>): Promise<Result> {
  try {
    return await promise;
  } catch (cause) {
    if (cause instanceof PembaClientError) throw cause;
    throw connectionFailed('the connection broke before the answer was whole', cause);
  }
}

/** Of a call that was given up; a timeout tells what had gone wrong until then. */
function endOf({ signal }: Call, failure: PembaClientError | undefined): Error {
  const reason = signal.reason as PembaClientError;
  if (reason.code !== 'timeout' || failure === undefined) return reason;
  return new PembaClientError('timeout', reason.message, { cause: failure });
}
