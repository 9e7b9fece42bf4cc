/**
 * Questions as nearly all of them come, answered before Fastify sees them. To answer one takes some
 * microseconds, and what a framework does for each request takes more of them than that.
 *
 *   plain?  POST, the path to the letter, JSON of known and moderate length
 *     │ known to the gate: who calls, and that they may, by what it remembers; no overload
 *   body ──▶ the protocol's own reading and answer, by what is in memory ──▶ 200
 *     │
 *     └──▶ all else (another path or type, a caller not yet known, malformed, refused, failed, to
 *          be waited for, shutting down) goes to Fastify's route as if nothing had happened: see `handover.ts`
 *
 * So this knows one answer, the good one, and its head and body are those of the route.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Caller } from '../identity/caller.js';
import { isUlid } from '../ids.js';
import type { StoreId } from '../ids.js';
import type { Engine } from '../operations/engine.js';
import { handOver } from './handover.js';
import type { HandedOver } from './handover.js';

export interface DirectAnswer {
  readonly allowed: boolean;
  /** Names and values, one after the other; those of the content come by themselves. */
  readonly headers: readonly string[];
  /** JSON. */
  readonly text: string;
}

/** How a protocol answers its question; in place of Fastify's route of the same path. */
export interface DirectRoute {
  /** Below `/stores/{id}`, or whole where there is a `storeId`. */
  readonly path: string;
  readonly storeId?: StoreId;
  /** Undefined for whatever is the route's to answer. What it throws, the route throws in its place. */
  answer(
    request: IncomingMessage,
    storeId: StoreId,
    body: readonly Buffer[],
    caller: Caller,
  ): DirectAnswer | undefined;
  readonly onDecision: (decision: 'allowed' | 'denied') => void;
  readonly onAnswer: (requestId: string, storeId: StoreId, ms: number) => void;
}

export interface DirectParts {
  readonly engine: Engine;
  readonly routes: readonly DirectRoute[];
  readonly newRequestId: (request: IncomingMessage) => string;
  readonly requestIdHeader: string;
  /** The caller, if it is known, may ask, and nothing speaks against answering at once. */
  readonly admitted: (request: IncomingMessage, storeId: StoreId) => Caller | undefined;
}

const BEFORE_STORE = '/stores/';
const STORE_END = BEFORE_STORE.length + 26;
/** As clients write it; what has other parameters is the parser's to judge. */
const JSON_TYPES: ReadonlySet<string | undefined> = new Set([
  'application/json',
  'application/json; charset=utf-8',
  'application/json;charset=utf-8',
  'application/json; charset=UTF-8',
  'application/json;charset=UTF-8',
]);

/** A question without contextual tuples has some hundreds. */
const MAX_BODY_BYTES = 16_384;

const CONTENT_TYPE = 'application/json; charset=utf-8';

export function answerDirectly(instance: FastifyInstance, parts: DirectParts): void {
  const { server } = instance;
  const [framework] = server.listeners('request') as RequestListener[];
  if (framework === undefined) throw new TypeError('Fastify listens to its server');
  const answers = new DirectAnswers(parts, framework);
  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    answers.take(request, response);
  });
  instance.addHook('preClose', (done) => {
    answers.stop();
    done();
  });
}

interface Asked {
  readonly route: DirectRoute;
  readonly storeId: StoreId;
}

interface Arrived extends Asked {
  readonly caller: Caller;
  readonly body: readonly Buffer[];
  readonly startedAt: number;
}

class DirectAnswers {
  readonly #parts: DirectParts;
  readonly #framework: RequestListener;
  readonly #maxBodyBytes: number;
  #isStopped = false;

  constructor(parts: DirectParts, framework: RequestListener) {
    this.#parts = parts;
    this.#framework = framework;
    this.#maxBodyBytes = Math.min(MAX_BODY_BYTES, parts.engine.config.maxBodyBytes);
  }

  /** From now on all requests are Fastify's, which refuses them. */
  stop(): void {
    this.#isStopped = true;
  }

  take(request: IncomingMessage, response: ServerResponse): void {
    const asked = this.#isStopped ? undefined : this.#askedIn(request);
    const caller = asked && this.#parts.admitted(request, asked.storeId);
    if (asked === undefined || caller === undefined) {
      this.#framework(request, response);
      return;
    }
    const { route, storeId } = asked;
    const startedAt = this.#parts.engine.clock.monotonic();
    const body: Buffer[] = [];
    request.on('data', (chunk: Buffer) => {
      body.push(chunk);
    });
    request.on('end', () => {
      this.#answer(request, response, { route, storeId, caller, body, startedAt });
    });
    request.on('error', (error) => {
      this.#passOn(request, response, { body: undefined, brokenOff: error });
    });
  }

  /** Of a plain question; undefined when the request is anything else. */
  #askedIn({ method, url = '', headers }: IncomingMessage): Asked | undefined {
    const isPlain =
      method === 'POST' &&
      JSON_TYPES.has(headers['content-type']) &&
      Number(headers['content-length']) <= this.#maxBodyBytes;
    if (!isPlain) return undefined;
    for (const route of this.#parts.routes) {
      const { path, storeId } = route;
      if (storeId !== undefined) {
        if (url === path) return { route, storeId };
      } else if (
        url.length === STORE_END + path.length &&
        url.startsWith(BEFORE_STORE) &&
        url.endsWith(path)
      ) {
        const id = url.slice(BEFORE_STORE.length, STORE_END);
        return isUlid(id) ? { route, storeId: id as StoreId } : undefined;
      }
    }
    return undefined;
  }

  #answer(
    request: IncomingMessage,
    response: ServerResponse,
    { route, storeId, caller, body, startedAt }: Arrived,
  ): void {
    const { newRequestId, requestIdHeader, engine } = this.#parts;
    const requestId = newRequestId(request);
    const given = request.headers[requestIdHeader];
    // An id that is not taken over is a matter of the protocol's.
    if (given !== undefined && given !== requestId) {
      this.#passOn(request, response, { body });
      return;
    }
    let answer: DirectAnswer | undefined;
    try {
      answer = route.answer(request, storeId, body, caller);
    } catch (failure) {
      this.#passOn(request, response, { body, failure });
      return;
    }
    if (answer === undefined) {
      this.#passOn(request, response, { body });
      return;
    }
    route.onDecision(answer.allowed ? 'allowed' : 'denied');
    this.#send(response, requestId, answer);
    route.onAnswer(requestId, storeId, engine.clock.monotonic() - startedAt);
  }

  #send(response: ServerResponse, requestId: string, { headers, text }: DirectAnswer): void {
    const length = Buffer.byteLength(text);
    response.writeHead(200, [
      this.#parts.requestIdHeader,
      requestId,
      ...headers,
      'content-type',
      CONTENT_TYPE,
      'content-length',
      String(length),
    ]);
    // Head and body as one string in one write: `end` alone would hand the kernel a list of two.
    // What is all ASCII, as is the rule, is not encoded.
    response.write(text, length === text.length ? 'latin1' : 'utf8');
    response.socket?.uncork();
    response.end();
  }

  #passOn(request: IncomingMessage, response: ServerResponse, what: HandedOver): void {
    handOver(request, what);
    this.#framework(request, response);
  }
}

export function bytesOf(body: readonly Buffer[]): Buffer {
  const [first] = body;
  return body.length === 1 && first !== undefined ? first : Buffer.concat(body);
}
