/**
 * Checks and delegated checks as nearly all of them come, answered before Fastify sees them. A check
 * takes some microseconds, and what a framework does for each request takes more than the check.
 *
 *   plain?  POST, the path to the letter, JSON of known and moderate length
 *     │ known to the gate: who calls, and that they may, by what it remembers; no overload
 *   body ──▶ JSON, schema, question ──▶ answered by what is in memory ──▶ 200
 *     │
 *     └──▶ all else (another path or type, a caller not yet known, malformed, refused, failed, to
 *          be waited for, shutting down) goes to Fastify's route as if nothing had happened: see `handover.ts`
 *
 * So this knows one answer, the good one, and its head and body are those of the route.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Ajv } from 'ajv';
import type { ValidateFunction } from 'ajv';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../clock.js';
import type { Config } from '../../config.js';
import type { Caller } from '../../identity/caller.js';
import { isUlid } from '../../ids.js';
import type { StoreId } from '../../ids.js';
import type { Answer } from '../../operations/resolve.js';
import { parseJson } from '../json-body.js';
import type { JsonSchema } from '../json-schema.js';
import { AJV_OPTIONS } from '../schema-problem.js';
import { handOver } from './handover.js';
import type { HandedOver } from './handover.js';
import { consistencyTokenOf, stampOf } from './reply.js';

/** What is answered here, and how; see `direct-answers.ts`. */
export interface DirectQuery {
  /** Behind the store's id in the path: `/check`. */
  readonly path: string;
  readonly schema: JsonSchema;
  /** Undefined where the body is not plain, or something has to be waited for; may throw. */
  readonly answer: (asked: DirectQuestion) => DirectAnswer | undefined;
  readonly onAnswer: (
    answer: DirectAnswer,
    requestId: string,
    storeId: StoreId,
    ms: number,
  ) => void;
}

export interface DirectQuestion {
  readonly storeId: StoreId;
  readonly caller: Caller;
  readonly consistencyToken: string | undefined;
  /** As the schema has it. */
  readonly body: unknown;
}

export interface DirectAnswer {
  readonly from: Answer<unknown>;
  readonly isAllowed: boolean;
  /** The body. */
  readonly text: string;
}

export interface DirectQueryParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly queries: readonly DirectQuery[];
  readonly newRequestId: (request: IncomingMessage) => string;
  readonly requestIdHeader: string;
  /** The caller, if it is known, may ask, and nothing speaks against answering at once. */
  readonly admitted: (request: IncomingMessage, storeId: StoreId) => Caller | undefined;
}

const BEFORE_STORE = '/stores/';
const STORE_END = BEFORE_STORE.length + 26;
const JSON_TYPE = 'application/json';

/** A check without contextual tuples has some hundreds. */
const MAX_BODY_BYTES = 16_384;

const CONTENT_TYPE = 'application/json; charset=utf-8';

export function answerDirectly(instance: FastifyInstance, parts: DirectQueryParts): void {
  const { server } = instance;
  const [framework] = server.listeners('request') as RequestListener[];
  if (framework === undefined) throw new TypeError('Fastify listens to its server');
  const queries = new DirectQueries(parts, framework);
  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    queries.take(request, response);
  });
  instance.addHook('preClose', (done) => {
    queries.stop();
    done();
  });
}

interface Endpoint extends DirectQuery {
  readonly validate: ValidateFunction;
}

class DirectQueries {
  readonly #parts: DirectQueryParts;
  readonly #framework: RequestListener;
  readonly #endpoints: ReadonlyMap<string, Endpoint>;
  readonly #maxBodyBytes: number;
  #isStopped = false;

  constructor(parts: DirectQueryParts, framework: RequestListener) {
    const ajv = new Ajv({ ...AJV_OPTIONS, strict: false });
    this.#parts = parts;
    this.#framework = framework;
    this.#endpoints = new Map(
      parts.queries.map((query) => [query.path, { ...query, validate: ajv.compile(query.schema) }]),
    );
    this.#maxBodyBytes = Math.min(MAX_BODY_BYTES, parts.config.maxBodyBytes);
  }

  /** From now on all requests are Fastify's, which refuses them. */
  stop(): void {
    this.#isStopped = true;
  }

  take(request: IncomingMessage, response: ServerResponse): void {
    const plain = this.#isStopped ? undefined : this.#plain(request);
    const caller = plain && this.#parts.admitted(request, plain.storeId);
    if (plain === undefined || caller === undefined) {
      this.#framework(request, response);
      return;
    }
    const startedAt = this.#parts.clock.monotonic();
    const body: Buffer[] = [];
    request.on('data', (chunk: Buffer) => {
      body.push(chunk);
    });
    request.on('end', () => {
      this.#answer(request, response, { ...plain, caller, body, startedAt });
    });
    request.on('error', (error) => {
      this.#passOn(request, response, { body: undefined, brokenOff: error });
    });
  }

  /** Undefined when the request is anything else than a plain one of these. */
  #plain({ method, url, headers }: IncomingMessage): Plain | undefined {
    const isPlain =
      method === 'POST' &&
      url?.startsWith(BEFORE_STORE) === true &&
      headers['content-type'] === JSON_TYPE &&
      Number(headers['content-length']) <= this.#maxBodyBytes;
    if (!isPlain) return undefined;
    const endpoint = this.#endpoints.get(url.slice(STORE_END));
    const storeId = url.slice(BEFORE_STORE.length, STORE_END);
    return endpoint && isUlid(storeId) ? { endpoint, storeId: storeId as StoreId } : undefined;
  }

  #answer(request: IncomingMessage, response: ServerResponse, arrived: Arrived): void {
    const { endpoint, storeId, body, startedAt } = arrived;
    let answer: DirectAnswer | undefined;
    try {
      answer = this.#decide(request, arrived);
    } catch (failure) {
      this.#passOn(request, response, { body, failure });
      return;
    }
    if (answer === undefined) {
      this.#passOn(request, response, { body });
      return;
    }
    const requestId = this.#parts.newRequestId(request);
    this.#send(response, requestId, answer);
    endpoint.onAnswer(answer, requestId, storeId, this.#parts.clock.monotonic() - startedAt);
  }

  #decide(
    request: IncomingMessage,
    { endpoint, storeId, caller, body }: Arrived,
  ): DirectAnswer | undefined {
    const value = parseJson(textOf(body), this.#parts.config.maxJsonDepth);
    if (!endpoint.validate(value)) return undefined;
    const consistencyToken = consistencyTokenOf(request);
    return endpoint.answer({ storeId, caller, consistencyToken, body: value });
  }

  #send(response: ServerResponse, requestId: string, { from, text }: DirectAnswer): void {
    const length = Buffer.byteLength(text);
    response.writeHead(200, [
      this.#parts.requestIdHeader,
      requestId,
      ...stampOf(from),
      'content-type',
      CONTENT_TYPE,
      'content-length',
      String(length),
    ]);
    // Head and body as one string in one write: `end` alone would hand the kernel a list of two.
    // What is all ASCII, as is the rule, is handed over without being encoded.
    response.write(text, length === text.length ? 'latin1' : 'utf8');
    response.socket?.uncork();
    response.end();
  }

  #passOn(request: IncomingMessage, response: ServerResponse, what: HandedOver): void {
    handOver(request, what);
    this.#framework(request, response);
  }
}

interface Plain {
  readonly endpoint: Endpoint;
  readonly storeId: StoreId;
}

interface Arrived extends Plain {
  readonly caller: Caller;
  readonly body: readonly Buffer[];
  readonly startedAt: number;
}

function textOf(body: readonly Buffer[]): string {
  const [first] = body;
  return body.length === 1 && first !== undefined
    ? first.toString()
    : Buffer.concat(body).toString();
}
