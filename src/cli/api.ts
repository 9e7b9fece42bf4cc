/**
 * The server's API, as the commands use it. The key comes from the environment or a file: what
 * stands on a command line is seen by everybody on the machine and kept by the shell.
 */
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { CommandError, EXIT } from './command-error.js';

export interface ApiOptions {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly key: string | undefined;
  readonly fetch: typeof fetch;
}

export interface ApiRequest {
  /** A value is sent as JSON, a text or a stream as it is: then with its type. */
  readonly body?: unknown;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A server that does not answer is down; a large answer takes its time, but begins at once. */
const TIMEOUT_MS = 30_000;

const JSON_TYPE = 'application/json';
const NDJSON = 'application/x-ndjson';

export class Api {
  readonly url: string;
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.url = options.url;
    this.#options = options;
  }

  get(path: string): Promise<Json> {
    return this.call('GET', path);
  }

  post(path: string, body: unknown): Promise<Json> {
    return this.call('POST', path, { body });
  }

  put(path: string, body: unknown): Promise<Json> {
    return this.call('PUT', path, { body });
  }

  delete(path: string): Promise<Json> {
    return this.call('DELETE', path);
  }

  /** The whole answer, within the time limit. */
  async call(method: string, path: string, request: ApiRequest = {}): Promise<Json> {
    const response = await this.#send(method, path, request, AbortSignal.timeout(TIMEOUT_MS));
    const text = await this.#reached(response.text());
    const answer = text === '' ? {} : jsonOf(text);
    if (!response.ok) throw this.#refusal(response.status, answer);
    if (answer === undefined) throw this.#nonsense();
    return answer;
  }

  /**
   * An answer that is read as it comes, however long that takes. Throws where the server refuses;
   * `signal` ends it.
   */
  async open(
    method: string,
    path: string,
    request: ApiRequest = {},
    signal?: AbortSignal,
  ): Promise<Response> {
    const response = await this.#send(method, path, request, signal);
    if (response.ok) return response;
    throw this.#refusal(response.status, jsonOf(await this.#reached(response.text())));
  }

  /** JSON lines of an answer that is read as it comes. */
  async *lines(method: string, path: string, request: ApiRequest = {}): AsyncGenerator<Json> {
    const { body } = await this.open(method, path, request);
    if (body === null) return;
    const lines = createInterface({ input: Readable.fromWeb(body) });
    for await (const line of this.#each(lines)) if (line.trim() !== '') yield this.#lineOf(line);
  }

  /** The bytes of an answer, as they come. */
  async *bytes(method: string, path: string, request: ApiRequest = {}): AsyncGenerator<Uint8Array> {
    const { body } = await this.open(method, path, request);
    if (body !== null) yield* this.#each(body as AsyncIterable<Uint8Array>);
  }

  /**
   * Sends lines of JSON while they are made, and yields the lines of the answer as they come. Throws
   * where the server refuses, also if that is told by the last line.
   */
  async *upload(
    path: string,
    body: AsyncIterable<Uint8Array | string>,
  ): AsyncGenerator<Json, void, undefined> {
    const { key } = this.#options;
    const headers = {
      'content-type': NDJSON,
      accept: NDJSON,
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
    };
    const { upload } = await import('./upload.js');
    const { status, lines } = await this.#reached(upload({ url: this.url + path, headers, body }));
    let text = '';
    for await (const line of this.#each(lines)) {
      if (status < 200 || status > 299) text += line;
      else yield this.#unlessError(this.#lineOf(line));
    }
    if (status < 200 || status > 299) throw this.#refusal(status, jsonOf(text));
  }

  async *#each<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item, void, undefined> {
    const iterator = items[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#reached(iterator.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }

  #unlessError(line: Json): Json {
    const { error } = line as { readonly error?: Json };
    if (error === undefined) return line;
    throw new CommandError(textIn(error) ?? 'the server failed', EXIT.refused);
  }

  #lineOf(line: string): Json {
    const value = jsonOf(line);
    if (value === undefined) throw this.#nonsense();
    return value;
  }

  #send(
    method: string,
    path: string,
    { body, type, headers }: ApiRequest,
    signal?: AbortSignal,
  ): Promise<Response> {
    const { url, key } = this.#options;
    const isRaw = typeof body === 'string' || body instanceof ReadableStream;
    return this.#reached(
      this.#options.fetch(url + path, {
        method,
        headers: {
          ...(body !== undefined && { 'content-type': type ?? JSON_TYPE }),
          ...(key !== undefined && { authorization: `Bearer ${key}` }),
          ...headers,
        },
        ...(signal !== undefined && { signal }),
        ...(body !== undefined && {
          body: isRaw && type !== undefined ? body : JSON.stringify(body),
        }),
        ...(body instanceof ReadableStream && { duplex: 'half' }),
      }),
    );
  }

  async #reached<Result>(answer: Promise<Result>): Promise<Result> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof CommandError) throw error;
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new CommandError(`${this.url} does not answer: ${reason}`, EXIT.unreachable);
    }
  }

  #nonsense(): CommandError {
    return new CommandError(`${this.url} answers, but not as Pemba does`, EXIT.unreachable);
  }

  #refusal(status: number, answer: Json | undefined): CommandError {
    const exitCode = status >= 500 ? EXIT.unreachable : EXIT.refused;
    if (status === 401 && this.#options.key === undefined) {
      return new CommandError(
        'the server wants to know who calls: set PEMBA_API_KEY, or the key of the context',
        exitCode,
      );
    }
    const code = answer?.['code'];
    return new CommandError(
      textIn(answer) ?? `the server answered ${status}`,
      exitCode,
      typeof code === 'string' ? code : undefined,
    );
  }
}

export type Json = Readonly<Record<string, unknown>>;

function textIn(answer: Json | undefined): string | undefined {
  const message = answer?.['message'];
  return typeof message === 'string' ? message : undefined;
}

function jsonOf(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}
