/**
 * The one door: before a body is read, who calls is found out, and whether that caller holds the
 * right that the route declares. When all of it is remembered, nothing is waited for.
 *
 * HIDDEN STORES: a caller that may not know of a store is answered as if there were none. That holds
 * by construction: the verdict comes from the rights alone, which say the same of a store of somebody
 * else and of one that never was, in the same time.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PembaError, invalidRequest } from '../errors.js';
import type { Authenticator } from '../identity/authenticator.js';
import { ANYONE, isStoreRight } from '../identity/caller.js';
import type { Caller, Right, StoreRight, Verdict } from '../identity/caller.js';
import { addressKey, rateHeaders } from '../identity/rate-limits.js';
import type { Pool, RateDecision, RateLimits } from '../identity/rate-limits.js';
import { refused } from '../identity/refusal.js';
import type { Rights } from '../identity/rights.js';
import { isUlid } from '../ids.js';
import type { StoreId } from '../ids.js';
import { noModel } from '../operations/resolve.js';
import { storeNotFound } from '../storage/stores.js';

declare module 'fastify' {
  interface FastifyRequest {
    admission: Admission | undefined;
  }
  interface FastifyContextConfig {
    right?: Right;
    /** Tokens of the right's pool, where it is not 1. */
    rateCost?: number;
    /** The header in which a caller says who it is, where `Authorization` is somebody else's. */
    credentials?: 'pemba-key';
    /** Of a route whose path names no store: the one that it is about. */
    storeId?: StoreId;
  }
}

interface Admission {
  readonly caller: Caller;
  readonly verdict: Verdict;
  /** Where the pool is limited. */
  readonly charge?: (reply: FastifyReply, cost: number) => void;
}

/**
 * What a request costs beyond what its route says, as its body shows: to be charged before it is
 * acted on. Throws `too_many_requests`.
 */
export function chargeMore({ admission }: FastifyRequest, reply: FastifyReply, cost: number): void {
  if (cost > 0) admission?.charge?.(reply, cost);
}

/** Who calls; whoever it is, when callers are not authenticated. */
export const callerOf = ({ admission }: FastifyRequest): Caller => admission?.caller ?? ANYONE;

/** The modules that the caller may write to, when it may not write everything. */
export const modulesOf = ({ admission }: FastifyRequest): ReadonlySet<string> | undefined =>
  admission?.verdict.kind === 'modules' ? admission.verdict.modules : undefined;

export interface GateParts {
  readonly authenticator: Authenticator;
  /** Undefined when callers are not authenticated. */
  readonly rights: Rights | undefined;
  readonly limits: RateLimits;
  readonly onLimited: (pool: Pool) => void;
}

export interface DirectGate {
  /**
   * The caller, if it is known and holds the right, as far as is remembered; undefined when that has
   * to be found out, or refused, by the way of all requests.
   */
  admitted(request: IncomingMessage, right: StoreRight, storeId: StoreId): Caller | undefined;
}

/** A route that does not declare what it needs keeps the server from starting. */
export function installGate(instance: FastifyInstance, parts: GateParts): DirectGate {
  const { rights } = parts;
  instance.addHook('onRoute', ({ url, method, config }) => {
    if (config?.right === undefined) {
      throw new TypeError(`${String(method)} ${url} does not declare the right that it needs`);
    }
  });
  instance.decorateRequest('admission', undefined);
  if (rights === undefined) return { admitted: () => ANYONE };
  const gate = new Gate(parts, rights);
  instance.addHook('onRequest', (request, reply, done) => {
    const { right } = request.routeOptions.config;
    // No route matched: there is nothing to protect.
    if (right === undefined || right === 'public') {
      done();
      return;
    }
    gate.admit(request, reply, right, done);
  });
  return gate;
}

type Done = (error?: Error) => void;

class Gate implements DirectGate {
  readonly #authenticator: Authenticator;
  readonly #rights: Rights;
  readonly #limits: RateLimits;
  readonly #onLimited: (pool: Pool) => void;

  constructor({ authenticator, limits, onLimited }: GateParts, rights: Rights) {
    this.#authenticator = authenticator;
    this.#rights = rights;
    this.#limits = limits;
    this.#onLimited = onLimited;
  }

  #admission(caller: Caller, verdict: Verdict, pool: Pool): Admission {
    if (!this.#limits.isLimited(pool)) return { caller, verdict };
    return {
      caller,
      verdict,
      charge: (reply, cost) => {
        this.#limit(reply, this.#limits.take(pool, caller.name, cost));
      },
    };
  }

  #limit(reply: FastifyReply, decision: RateDecision | undefined): void {
    if (decision === undefined) return;
    // How many guesses are left is nobody's business.
    if (decision.pool !== 'authentication' || !decision.allowed) {
      void reply.headers(rateHeaders(decision));
    }
    if (decision.allowed) return;
    this.#onLimited(decision.pool);
    throw new PembaError('too_many_requests', 'too many requests: try again later', {
      facts: { pool: decision.pool, retry_after_s: decision.retryAfterSeconds },
    });
  }

  admit(request: FastifyRequest, reply: FastifyReply, right: Right, done: Done): void {
    const fail = (error: unknown): void => {
      challenge(reply, request, error);
      done(error as Error);
    };
    try {
      const caller = this.#authenticator.known(credentialsOf(request));
      const authorized =
        caller === undefined
          ? this.#introduce(request, reply, right)
          : this.#authorize(request, reply, right, caller);
      if (authorized === undefined) done();
      else {
        authorized.then(() => {
          done();
        }, fail);
      }
    } catch (error) {
      fail(error);
    }
  }

  admitted(request: IncomingMessage, right: StoreRight, storeId: StoreId): Caller | undefined {
    if (countHeaders(request, 'authorization') > 1) return undefined;
    try {
      const caller = this.#authenticator.known(request.headers.authorization);
      const verdict = caller && this.#rights.remembered(caller, right, storeId);
      return verdict?.kind === 'allowed' ? caller : undefined;
    } catch {
      // It fails again by the way of all requests, where that has an answer.
      return undefined;
    }
  }

  /** Finds out who calls. Whoever fails too often from one address has to wait. */
  async #introduce(request: FastifyRequest, reply: FastifyReply, right: Right): Promise<void> {
    const address = addressKey(request.ip);
    this.#limit(reply, this.#limits.look('authentication', address));
    let caller: Caller;
    try {
      caller = await this.#authenticator.authenticate(credentialsOf(request));
    } catch (error) {
      if (error instanceof PembaError && error.code === 'unauthenticated') {
        this.#limits.chargeFailure(address);
      }
      throw error;
    }
    await this.#authorize(request, reply, right, caller);
  }

  #authorize(
    request: FastifyRequest,
    reply: FastifyReply,
    right: Right,
    caller: Caller,
  ): Promise<void> | undefined {
    const pool = poolOf(right);
    const { rateCost = 1 } = request.routeOptions.config;
    this.#limit(reply, this.#limits.take(pool, caller.name, rateCost));
    const storeId = isStoreRight(right) ? askedStoreOf(request) : undefined;
    const verdict = this.#rights.verdict(caller, right, storeId);
    if (verdict instanceof Promise) {
      return verdict.then((found) => {
        enforce(right, storeId, found);
        request.admission = this.#admission(caller, found, pool);
      });
    }
    enforce(right, storeId, verdict);
    request.admission = this.#admission(caller, verdict, pool);
    return undefined;
  }
}

/** Node takes the first of several, others the last: whoever sends two means mischief. */
function credentialsOf({ raw, routeOptions }: FastifyRequest): string | undefined {
  const { credentials: header = 'authorization' } = routeOptions.config;
  if (countHeaders(raw, header) > 1) throw refused('several_headers');
  if (header === 'authorization') return raw.headers.authorization;
  const key = raw.headers[header];
  return typeof key === 'string' && key !== '' ? `Bearer ${key}` : undefined;
}

function countHeaders({ headers, rawHeaders }: IncomingMessage, wanted: string): number {
  if (headers[wanted] === undefined) return 0;
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name?.length === wanted.length && name.toLowerCase() === wanted) count++;
  }
  return count;
}

/** By what a right is about. */
function poolOf(right: Right): Pool {
  switch (right) {
    case 'store:query':
    case 'store:read':
    case 'store:see':
      return 'queries';
    case 'store:write':
      return 'writes';
    default:
      return 'administration';
  }
}

/** Throws `invalid_request` for what is no id of a store. */
export function askedStoreOf({ params, routeOptions }: FastifyRequest): StoreId {
  if (routeOptions.config.storeId !== undefined) return routeOptions.config.storeId;
  const { storeId = '' } = params as { readonly storeId?: string };
  if (!isUlid(storeId)) throw invalidRequest('store_id', 'must be a ULID (26 characters)');
  return storeId as StoreId;
}

function enforce(right: Right, storeId: StoreId | undefined, verdict: Verdict): void {
  switch (verdict.kind) {
    case 'allowed':
    case 'modules':
      return;
    case 'forbidden':
      throw new PembaError('forbidden', `the caller does not hold the right ${right}`, {
        facts: { right },
      });
    case 'hidden':
      // As the endpoints themselves answer for a store that is not there.
      throw right === 'store:query' || right === 'store:write'
        ? noModel(storeId ?? ('' as StoreId))
        : storeNotFound(storeId ?? '');
  }
}

/** RFC 6750's; without a reason, which would be of use to a guesser only. */
function challenge(
  reply: FastifyReply,
  { headers, routeOptions }: FastifyRequest,
  error: unknown,
): void {
  if (!(error instanceof PembaError) || routeOptions.config.credentials !== undefined) return;
  if (error.code === 'unauthenticated') {
    const invalid = headers.authorization === undefined ? '' : ', error="invalid_token"';
    void reply.header('www-authenticate', `Bearer realm="pemba"${invalid}`);
  } else if (error.code === 'forbidden') {
    void reply.header('www-authenticate', 'Bearer realm="pemba", error="insufficient_scope"');
  }
}
