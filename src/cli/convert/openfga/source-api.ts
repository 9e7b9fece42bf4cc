/**
 * Requests to the OpenFGA server, all of which only read. One that is busy, fails or breaks off is
 * asked again, after waits that double; Retry-After is respected. A server that has never answered
 * is given up soon: its URL may be wrong.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from '../../api.js';
import { CommandError, EXIT, usageError } from '../../command-error.js';

/** With the waits between them, half a minute: a restart, or a failover of its database. */
const TRIES = 9;
const TRIES_BEFORE_ANY_ANSWER = 3;
const FIRST_WAIT_MS = 100;
/** Whoever asks for more is told to come back later. */
const LONGEST_WAIT_MS = 300_000;
/** Nobody wonders about shorter ones. */
const TOLD_WAIT_MS = 5_000;
const TIMEOUT_MS = 30_000;

/** A try that failed in a way that another may not. */
class Failure {
  readonly reason: string;
  readonly retryAfterMs: number;

  constructor(reason: string, retryAfterMs = 0) {
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

export class SourceApi {
  readonly url: string;
  readonly #token: string | undefined;
  readonly #note: (text: string) => void;
  #hasAnswered = false;

  constructor(url: string, token: string | undefined, note: (text: string) => void) {
    this.url = originOf(url);
    this.#token = token?.trim() === '' ? undefined : token?.trim();
    this.#note = note;
  }

  get(path: string): Promise<Json> {
    return this.#call('GET', path);
  }

  post(path: string, body: object): Promise<Json> {
    return this.#call('POST', path, body);
  }

  async #call(method: string, path: string, body?: object): Promise<Json> {
    for (let tried = 1; ; tried++) {
      const answer = await this.#try(method, path, body);
      if (!(answer instanceof Failure)) return answer;
      const { reason, retryAfterMs } = answer;
      const tries = this.#hasAnswered ? TRIES : TRIES_BEFORE_ANY_ANSWER;
      const waitMs = Math.max(retryAfterMs, FIRST_WAIT_MS * 2 ** (tried - 1));
      if (tried >= tries || waitMs > LONGEST_WAIT_MS) {
        const much = tried === 1 ? '' : `, asked ${tried} times`;
        throw new CommandError(`the source ${this.url} ${reason}${much}`, EXIT.unreachable);
      }
      if (waitMs >= TOLD_WAIT_MS) {
        this.#note(`The source ${reason}; asked again in ${Math.round(waitMs / 1000)} s.`);
      }
      await sleep(waitMs);
    }
  }

  async #try(method: string, path: string, body?: object): Promise<Json | Failure> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.url + path, {
        method,
        headers: {
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(this.#token !== undefined && { authorization: `Bearer ${this.#token}` }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      text = await response.text();
    } catch (error) {
      return new Failure(`does not answer: ${causeOf(error)}`);
    }
    return this.#answerIn(response, text);
  }

  #answerIn(response: Response, text: string): Json | Failure {
    const { status, ok, headers } = response;
    const value = jsonOf(text);
    if (ok && value !== undefined) {
      this.#hasAnswered = true;
      return value;
    }
    const said = typeof value?.['message'] === 'string' ? `: ${value['message']}` : '';
    if (status === 429 || (status >= 500 && status !== 501)) {
      return new Failure(`answers ${status}${said}`, retryAfter(headers.get('retry-after')));
    }
    if (ok) {
      const problem = `${this.url} answers, but not as OpenFGA does`;
      throw new CommandError(problem, EXIT.unreachable);
    }
    const isNobody = status === 401 && this.#token === undefined;
    const advice = isNobody ? '; OPENFGA_API_TOKEN is where its token comes from' : '';
    const problem = `the source ${this.url} refuses with ${status}${said}${advice}`;
    throw new CommandError(problem, EXIT.refused);
  }
}

function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw usageError(`--from ${text} is not a URL of http or https`);
  }
  if (url.username !== '' || url.password !== '') {
    throw usageError('--from: a secret does not belong there; set OPENFGA_API_TOKEN');
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

/** Seconds, or a date. */
function retryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? ms : undefined;
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}

function jsonOf(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}
