/**
 * Checks as nearly all of them come, answered before Fastify sees them. A check takes some
 * microseconds, and what a framework does for each request takes more of them than the check.
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
import { isUlid } from '../../ids.js';
import type { StoreId } from '../../ids.js';
import { checkNow } from '../../operations/check.js';
import type { Engine } from '../../operations/engine.js';
import type { Answer } from '../../operations/resolve.js';
import { parseJson } from '../json-body.js';
import { AJV_OPTIONS } from '../schema-problem.js';
import { checkQuestion } from './check-question.js';
import type { CheckBody } from './check-question.js';
import { handOver } from './handover.js';
import type { HandedOver } from './handover.js';
import { consistencyTokenOf, stampOf } from './reply.js';
import type { JsonSchema } from '../json-schema.js';

export interface DirectCheckParts {
  readonly engine: Engine;
  readonly schema: JsonSchema;
  readonly newRequestId: (request: IncomingMessage) => string;
  readonly requestIdHeader: string;
  /** Whether the caller is known, may ask, and nothing speaks against answering at once. */
  readonly mayAnswer: (request: IncomingMessage, storeId: StoreId) => boolean;
  readonly onDecision: (decision: 'allowed' | 'denied') => void;
  readonly onAnswer: (requestId: string, storeId: StoreId, ms: number) => void;
}

const BEFORE_STORE = '/stores/';
const AFTER_STORE = '/check';
const STORE_END = BEFORE_STORE.length + 26;
const JSON_TYPE = 'application/json';

/** A check without contextual tuples has some hundreds. */
const MAX_BODY_BYTES = 16_384;

const ALLOWED = '{"allowed":true,"resolution":""}';
const DENIED = '{"allowed":false,"resolution":""}';
const CONTENT_TYPE = 'application/json; charset=utf-8';

export function answerChecksDirectly(instance: FastifyInstance, parts: DirectCheckParts): void {
  const { server } = instance;
  const [framework] = server.listeners('request') as RequestListener[];
  if (framework === undefined) throw new TypeError('Fastify listens to its server');
  const checks = new DirectChecks(parts, framework);
  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    checks.take(request, response);
  });
  instance.addHook('preClose', (done) => {
    checks.stop();
    done();
  });
}

class DirectChecks {
  readonly #parts: DirectCheckParts;
  readonly #framework: RequestListener;
  readonly #validate: ValidateFunction<CheckBody>;
  readonly #maxBodyBytes: number;
  #isStopped = false;

  constructor(parts: DirectCheckParts, framework: RequestListener) {
    this.#parts = parts;
    this.#framework = framework;
    this.#validate = new Ajv({ ...AJV_OPTIONS, strict: false }).compile<CheckBody>(parts.schema);
    this.#maxBodyBytes = Math.min(MAX_BODY_BYTES, parts.engine.config.maxBodyBytes);
  }

  /** From now on all requests are Fastify's, which refuses them. */
  stop(): void {
    this.#isStopped = true;
  }

  take(request: IncomingMessage, response: ServerResponse): void {
    const storeId = this.#isStopped ? undefined : this.#storeOf(request);
    if (storeId === undefined || !this.#parts.mayAnswer(request, storeId)) {
      this.#framework(request, response);
      return;
    }
    const startedAt = this.#parts.engine.clock.monotonic();
    const body: Buffer[] = [];
    request.on('data', (chunk: Buffer) => {
      body.push(chunk);
    });
    request.on('end', () => {
      this.#answer(request, response, { storeId, body, startedAt });
    });
    request.on('error', (error) => {
      this.#passOn(request, response, { body: undefined, brokenOff: error });
    });
  }

  /** Of a plain check; undefined when the request is anything else. */
  #storeOf({ method, url, headers }: IncomingMessage): StoreId | undefined {
    const isPlain =
      method === 'POST' &&
      url?.length === STORE_END + AFTER_STORE.length &&
      url.startsWith(BEFORE_STORE) &&
      url.endsWith(AFTER_STORE) &&
      headers['content-type'] === JSON_TYPE &&
      Number(headers['content-length']) <= this.#maxBodyBytes;
    if (!isPlain) return undefined;
    const storeId = url.slice(BEFORE_STORE.length, STORE_END);
    return isUlid(storeId) ? (storeId as StoreId) : undefined;
  }

  #answer(
    request: IncomingMessage,
    response: ServerResponse,
    { storeId, body, startedAt }: Arrived,
  ): void {
    let answer: Answer<boolean> | undefined;
    try {
      answer = this.#decide(request, storeId, body);
    } catch (failure) {
      this.#passOn(request, response, { body, failure });
      return;
    }
    if (answer === undefined) {
      this.#passOn(request, response, { body });
      return;
    }
    const { newRequestId, onDecision, onAnswer, engine } = this.#parts;
    const requestId = newRequestId(request);
    onDecision(answer.result ? 'allowed' : 'denied');
    this.#send(response, requestId, answer);
    onAnswer(requestId, storeId, engine.clock.monotonic() - startedAt);
  }

  #decide(
    request: IncomingMessage,
    storeId: StoreId,
    body: readonly Buffer[],
  ): Answer<boolean> | undefined {
    const { engine } = this.#parts;
    const value = parseJson(textOf(body), engine.config.maxJsonDepth);
    if (!this.#validate(value)) return undefined;
    if (!namesUser(value)) return undefined;
    const token = consistencyTokenOf(request);
    return checkNow(engine, checkQuestion(storeId, token, value, undefined));
  }

  #send(response: ServerResponse, requestId: string, answer: Answer<boolean>): void {
    const text = answer.result ? ALLOWED : DENIED;
    response.writeHead(200, [
      this.#parts.requestIdHeader,
      requestId,
      ...stampOf(answer),
      'content-type',
      CONTENT_TYPE,
      'content-length',
      String(text.length),
    ]);
    // Head and body as one string in one write: `end` alone would hand the kernel a list of two.
    response.write(text, 'latin1');
    response.socket?.uncork();
    response.end();
  }

  #passOn(request: IncomingMessage, response: ServerResponse, what: HandedOver): void {
    handOver(request, what);
    this.#framework(request, response);
  }
}

/** And not a token of the user. */
const namesUser = ({ tuple_key: key, subject_token: token }: CheckBody): boolean =>
  typeof key.user === 'string' && typeof token !== 'string';

interface Arrived {
  readonly storeId: StoreId;
  readonly body: readonly Buffer[];
  readonly startedAt: number;
}

function textOf(body: readonly Buffer[]): string {
  const [first] = body;
  return body.length === 1 && first !== undefined
    ? first.toString()
    : Buffer.concat(body).toString();
}
