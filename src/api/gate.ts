/**
 * The door before HTTP's routes: before a body is read, an entrant is made of the request, and let in
 * or not (see `admission.ts`) by the right that the route declares.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PembaError, invalidRequest } from '../errors.js';
import { ANYONE } from '../identity/caller.js';
import type { Caller, Right, StoreRight } from '../identity/caller.js';
import { refused } from '../identity/refusal.js';
import type { Rights } from '../identity/rights.js';
import { isUlid } from '../ids.js';
import type { StoreId } from '../ids.js';
import { Door } from './admission.js';
import type { Admission, DoorParts } from './admission.js';

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

/** Of whatever a request came by. */
export type Admitted = Pick<FastifyRequest, 'admission'>;

/**
 * What a request costs beyond what its route says, as its body shows: to be charged before it is
 * acted on. Throws `too_many_requests`.
 */
export function chargeMore({ admission }: Admitted, reply: HeaderSink, cost: number): void {
  if (cost > 0) admission?.charge?.((headers) => void reply.headers(headers), cost);
}

interface HeaderSink {
  headers(headers: Readonly<Record<string, string>>): unknown;
}

/** Who calls; whoever it is, when callers are not authenticated. */
export const callerOf = ({ admission }: Admitted): Caller => admission?.caller ?? ANYONE;

/** The modules that the caller may write to, when it may not write everything. */
export const modulesOf = ({ admission }: Admitted): ReadonlySet<string> | undefined =>
  admission?.verdict.kind === 'modules' ? admission.verdict.modules : undefined;

export interface GateParts extends DoorParts {
  /** Undefined when callers are not authenticated. */
  readonly rights: Rights | undefined;
}

export interface DirectGate {
  /**
   * The caller, if it is known and holds the right, as far as is remembered; undefined when that has
   * to be found out, or refused, by the way of all requests.
   */
  admitted(request: IncomingMessage, right: StoreRight, storeId: StoreId): Caller | undefined;
}

export interface Gate extends DirectGate {
  /** For what does not come by HTTP; undefined when callers are not authenticated. */
  readonly door: Door | undefined;
}

/** A route that does not declare what it needs keeps the server from starting. */
export function installGate(instance: FastifyInstance, parts: GateParts): Gate {
  const { rights } = parts;
  instance.addHook('onRoute', ({ url, method, config }) => {
    if (config?.right === undefined) {
      throw new TypeError(`${String(method)} ${url} does not declare the right that it needs`);
    }
  });
  instance.decorateRequest('admission', undefined);
  if (rights === undefined) return { admitted: () => ANYONE, door: undefined };
  const door = new Door(parts, rights);
  instance.addHook('onRequest', (request, reply, done) => {
    const { right } = request.routeOptions.config;
    // No route matched: there is nothing to protect.
    if (right === undefined || right === 'public') {
      done();
      return;
    }
    admit(door, request, reply, right, done);
  });
  return { admitted: (...asked) => remembered(door, ...asked), door };
}

type Done = (error?: Error) => void;

function admit(
  door: Door,
  request: FastifyRequest,
  reply: FastifyReply,
  right: Right,
  done: Done,
): void {
  const fail = (error: unknown): void => {
    challenge(reply, request, error);
    done(error as Error);
  };
  const enter = (admission: Admission): void => {
    request.admission = admission;
    done();
  };
  let admission: Admission | Promise<Admission>;
  try {
    admission = door.admit({
      credentials: credentialsOf(request),
      // An address is put together of the socket's, or a proxy's word: not for those who are known.
      get address() {
        return request.ip;
      },
      right,
      storeId: () => askedStoreOf(request),
      cost: request.routeOptions.config.rateCost ?? 1,
      tell: (headers) => void reply.headers(headers),
    });
  } catch (error) {
    fail(error);
    return;
  }
  if (admission instanceof Promise) admission.then(enter, fail);
  else enter(admission);
}

function remembered(
  door: Door,
  request: IncomingMessage,
  right: StoreRight,
  storeId: StoreId,
): Caller | undefined {
  if (countHeaders(request, 'authorization') > 1) return undefined;
  try {
    return door.remembered(request.headers.authorization, right, storeId);
  } catch {
    // It fails again by the way of all requests, where that has an answer.
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

/** Throws `invalid_request` for what is no id of a store. */
export function askedStoreOf({ params, routeOptions }: FastifyRequest): StoreId {
  if (routeOptions.config.storeId !== undefined) return routeOptions.config.storeId;
  const { storeId = '' } = params as { readonly storeId?: string };
  if (!isUlid(storeId)) throw invalidRequest('store_id', 'must be a ULID (26 characters)');
  return storeId as StoreId;
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
