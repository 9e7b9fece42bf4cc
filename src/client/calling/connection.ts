/** What all sessions of a client have in common: servers, credentials, and what is in flight. */
import { Answer } from './answer.js';
import { systemTime, within } from './call.js';
import type { Call, Time } from './call.js';
import { Checker } from './checker.js';
import { PembaClientError } from './client-error.js';
import type { ConsistencyMemory } from './consistency-memory.js';
import { MAX_BATCH_CHECKS, patienceOf, urlsOf } from './options.js';
import type { CallOptions, PembaClientOptions, QueryOptions } from './options.js';
import { PermitCache } from './permit-cache.js';
import { Retries } from './retries.js';
import { Servers } from './servers.js';
import { Transport } from './transport.js';
import type { Request } from './transport.js';

/** What a request is addressed to. */
export interface Target {
  readonly storeId: string;
  /** The consistency token that goes with it. */
  readonly token: string | undefined;
  /** Members of the body. */
  readonly wire: { readonly authorization_model_id?: string; readonly consistency?: string };
}

export interface Posted {
  readonly target: Target;
  readonly verb: string;
  readonly body: object;
  /** Default true. */
  readonly isRepeatable?: boolean;
}

const TOKEN_HEADER = 'pemba-consistency-token';

export class Connection {
  readonly options: PembaClientOptions;
  readonly time: Time;
  readonly maxBatchChecks: number;
  readonly checker: Checker;
  /** Undefined unless permits are to be used again. */
  readonly permits: PermitCache | undefined;
  readonly #transport: Transport;

  constructor(options: PembaClientOptions) {
    const { batching = false, coalescing = true, exchange } = options;
    this.options = options;
    this.time = options.time ?? systemTime;
    const limits = typeof batching === 'object' ? batching : {};
    this.maxBatchChecks = limits.maxChecks ?? MAX_BATCH_CHECKS;
    this.checker = new Checker(this, { coalescing, ...(batching !== false && { limits }) });
    const cache = exchange?.cache ?? false;
    if (cache !== false) {
      this.permits = new PermitCache(this.time, typeof cache === 'object' ? cache : {});
    }
    this.#transport = new Transport({
      fetch: options.fetch ?? globalThis.fetch,
      time: this.time,
      servers: new Servers(urlsOf(options)),
      retries: new Retries(options.retries ?? {}, options.random ?? Math.random),
    });
  }

  send<Result>(request: Request<Result>, call: Call): Promise<Result> {
    return this.#transport.send(request, call);
  }

  within<Result>(options: CallOptions, run: (call: Call) => Promise<Result>): Promise<Result> {
    return within(this.time, patienceOf(options, this.options), run);
  }

  post(posted: Posted, call: Call): Promise<Answer> {
    return this.send(
      this.requestOf(posted, (response) => Answer.of(response)),
      call,
    );
  }

  requestOf<Result>(
    { target, verb, body, isRepeatable = true }: Posted,
    read: (response: Response) => Promise<Result>,
  ): Request<Result> {
    const text = JSON.stringify({ ...body, ...target.wire });
    return {
      path: `${storePath(target.storeId)}/${verb}`,
      isRepeatable,
      read,
      message: async () => ({
        headers: {
          'content-type': 'application/json',
          ...(await this.authorization()),
          ...(target.token !== undefined && { [TOKEN_HEADER]: target.token }),
        },
        body: text,
      }),
    };
  }

  async authorization(): Promise<{ readonly authorization?: string }> {
    const { apiKey, token } = this.options;
    if (token === undefined) {
      return apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
    }
    return { authorization: `Bearer ${await credential('token', token)}` };
  }
}

export const storePath = (storeId: string): string => `/stores/${encodeURIComponent(storeId)}`;

/** From what the caller gave to make one. */
export async function credential(name: string, make: () => Promise<string>): Promise<string> {
  try {
    return await make();
  } catch (cause) {
    throw new PembaClientError('credentials_failed', `${name}: there was none to be had`, {
      cause,
    });
  }
}

/** One caller's view: what it has been told is its own. */
export interface Session {
  readonly connection: Connection;
  readonly memory: ConsistencyMemory;
}

export function storeIdOf({ connection }: Session, { storeId }: CallOptions): string {
  const id = storeId ?? connection.options.storeId;
  if (id === undefined) throw new TypeError('storeId: neither the call nor the client names one');
  return id;
}

export function targetOf(session: Session, options: QueryOptions): Target {
  const client = session.connection.options;
  const storeId = storeIdOf(session, options);
  const modelId = options.modelId ?? client.modelId;
  const model = modelId === undefined ? {} : { authorization_model_id: modelId };
  const consistency = options.consistency ?? client.consistency;
  switch (consistency) {
    case undefined:
      return { storeId, token: session.memory.tokenOf(storeId), wire: model };
    case 'minimize_latency':
      return { storeId, token: undefined, wire: model };
    case 'higher':
      return {
        storeId,
        token: undefined,
        wire: { ...model, consistency: 'HIGHER_CONSISTENCY' },
      };
    default:
      return { storeId, token: consistency.atLeast, wire: model };
  }
}

/** Asks within the caller's deadline, and remembers what it was told. */
export async function ask<Result>(
  session: Session,
  options: CallOptions,
  posted: Posted & { readonly isWrite?: boolean },
  read: (answer: Answer) => Result,
): Promise<Result> {
  const { connection } = session;
  const answer = await connection.within(options, (call) => connection.post(posted, call));
  learn(session, posted.target, answer.consistencyToken, posted.isWrite);
  return read(answer);
}

export function learn(
  { memory }: Session,
  target: Target,
  token: string | undefined,
  isWrite = false,
): void {
  memory.learn(target.storeId, { token, sentWith: target.token, isWrite });
}
