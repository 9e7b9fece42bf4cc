/**
 * The server's API, as the commands use it. The key comes from the environment: what stands on a
 * command line is seen by everybody on the machine and kept by the shell.
 */
export interface ApiOptions {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly key: string | undefined;
  readonly fetch: typeof fetch;
}

/** What a command says instead of a stack trace. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}

/** For scripts: what kind of failure it was. */
export const EXIT = { failed: 1, usage: 2, unreachable: 3, refused: 4 } as const;

/** A server that does not answer is down; a large answer takes its time, but begins at once. */
const TIMEOUT_MS = 30_000;

export class Api {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  get(path: string): Promise<Json> {
    return this.#call('GET', path);
  }

  post(path: string, body: unknown): Promise<Json> {
    return this.#call('POST', path, body);
  }

  delete(path: string): Promise<Json> {
    return this.#call('DELETE', path);
  }

  async #call(method: string, path: string, body?: unknown): Promise<Json> {
    const { url, key } = this.#options;
    const response = await this.#send(url + path, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
      },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer = text === '' ? {} : jsonOf(text);
    if (response.ok && answer !== undefined) return answer;
    throw new CommandError(
      refusalOf(response.status, answer, key),
      response.status >= 500 ? EXIT.unreachable : EXIT.refused,
    );
  }

  async #send(url: string, init: RequestInit): Promise<Response> {
    try {
      return await this.#options.fetch(url, init);
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new CommandError(`${this.#options.url} does not answer: ${reason}`, EXIT.unreachable);
    }
  }
}

export type Json = Readonly<Record<string, unknown>>;

function jsonOf(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}

function refusalOf(status: number, answer: Json | undefined, key: string | undefined): string {
  const message = answer?.['message'];
  if (status === 401 && key === undefined) {
    return 'the server wants to know who calls: set PEMBA_API_KEY';
  }
  return typeof message === 'string' ? message : `the server answered ${status}`;
}
