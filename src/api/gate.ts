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
  }
}

interface Admission {
  readonly caller: Caller;
  readonly verdict: Verdict;
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
}

export interface DirectGate {
  /**
   * Whether the caller is known and holds the right, as far as is remembered; false when it has to
   * be found out, or refused, by the way of all requests.
   */
  isAdmitted(request: IncomingMessage, right: StoreRight, storeId: StoreId): boolean;
}

/** A route that does not declare what it needs keeps the server from starting. */
export function installGate(
  instance: FastifyInstance,
  { authenticator, rights }: GateParts,
): DirectGate {
  instance.addHook('onRoute', ({ url, method, config }) => {
    if (config?.right === undefined) {
      throw new TypeError(`${String(method)} ${url} does not declare the right that it needs`);
    }
  });
  instance.decorateRequest('admission', undefined);
  if (rights === undefined) return { isAdmitted: () => true };
  const gate = new Gate(authenticator, rights);
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

  constructor(authenticator: Authenticator, rights: Rights) {
    this.#authenticator = authenticator;
    this.#rights = rights;
  }

  admit(request: FastifyRequest, reply: FastifyReply, right: Right, done: Done): void {
    const fail = (error: unknown): void => {
      challenge(reply, request, error);
      done(error as Error);
    };
    try {
      const caller = this.#authenticator.authenticate(onlyAuthorization(request.raw));
      if (caller instanceof Promise) {
        caller
          .then((found) => this.#authorize(request, right, found))
          .then(() => {
            done();
          }, fail);
        return;
      }
      const authorized = this.#authorize(request, right, caller);
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

  isAdmitted(request: IncomingMessage, right: StoreRight, storeId: StoreId): boolean {
    try {
      const caller = this.#authenticator.authenticate(onlyAuthorization(request));
      const verdict = caller instanceof Promise || this.#rights.verdict(caller, right, storeId);
      if (verdict === true || verdict instanceof Promise) {
        // Whoever goes the way of all requests joins in waiting for it, and hears of a failure.
        for (const found of [caller, verdict]) {
          if (found instanceof Promise) found.catch(() => undefined);
        }
        return false;
      }
      return verdict.kind === 'allowed';
    } catch {
      return false;
    }
  }

  #authorize(request: FastifyRequest, right: Right, caller: Caller): Promise<void> | undefined {
    const storeId = isStoreRight(right) ? storeIdOf(request) : undefined;
    const verdict = this.#rights.verdict(caller, right, storeId);
    if (verdict instanceof Promise) {
      return verdict.then((found) => {
        enforce(right, storeId, found);
        request.admission = { caller, verdict: found };
      });
    }
    enforce(right, storeId, verdict);
    request.admission = { caller, verdict };
    return undefined;
  }
}

/** Node takes the first of several, others the last: whoever sends two means mischief. */
function onlyAuthorization({ headers, rawHeaders }: IncomingMessage): string | undefined {
  const { authorization } = headers;
  if (authorization === undefined) return undefined;
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name?.length === AUTHORIZATION.length && name.toLowerCase() === AUTHORIZATION) count++;
  }
  if (count > 1) throw invalidCredentials();
  return authorization;
}

const AUTHORIZATION = 'authorization';

const invalidCredentials = (): PembaError =>
  new PembaError('unauthenticated', 'the credentials are not valid', {
    facts: { rule: 'several_headers' },
  });

function storeIdOf({ params }: FastifyRequest): StoreId {
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
function challenge(reply: FastifyReply, { headers }: FastifyRequest, error: unknown): void {
  if (!(error instanceof PembaError)) return;
  if (error.code === 'unauthenticated') {
    const invalid = headers.authorization === undefined ? '' : ', error="invalid_token"';
    void reply.header('www-authenticate', `Bearer realm="pemba"${invalid}`);
  } else if (error.code === 'forbidden') {
    void reply.header('www-authenticate', 'Bearer realm="pemba", error="insufficient_scope"');
  }
}
