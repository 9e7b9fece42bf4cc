/**
 * Where gateways ask, with each request that they get: `/stores/{id}/edge/{profile}`, and
 * `/edge/{profile}` for the store that PEMBA_EDGE_STORE names. What stands behind that in the address
 * is Envoy's original request, which comes with any method; a body is nobody's business.
 *
 * `Authorization` is the user's, so the gateway says who it is in `Pemba-Key`.
 */
import { METHODS } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PembaError, invalidRequest } from '../../errors.js';
import { isUlid } from '../../ids.js';
import type { StoreId } from '../../ids.js';
import { formatObject } from '../../tuple/tuple.js';
import { percentEncoded } from '../../tuple/claim-id.js';
import type { RecordDecisions } from '../decision.js';
import { callerOf, chargeMore } from '../gate.js';
import { decide } from './decide.js';
import type { Allowed, DecideParts } from './decide.js';
import { FAILED, forbidden, refusalOf } from './outcome.js';
import type { Reason, Refusal } from './outcome.js';
import { isProfile, originalRequest, varyingHeaders } from './profiles.js';
import type { Profile } from './profiles.js';
import type { IssueTransaction } from './transaction.js';

export interface EdgeRouteParts extends DecideParts {
  /** At the root, where one is configured. */
  readonly rootStore: StoreId | undefined;
  readonly record: RecordDecisions;
  readonly issueTransaction: IssueTransaction;
  readonly observer: EdgeObserver;
}

export interface EdgeObserver {
  answered(profile: Profile | 'unknown', reason: Reason): void;
  failed(requestId: string, error: unknown): void;
}

interface EdgeRoute {
  Params: { readonly profile: string; readonly storeId?: string };
}

const ADDRESS = /^(?:\/stores\/[^/?]+)?\/edge\/[a-z]+(?=[/?]|$)/;

/** The router is not to judge, nor to decode, what is Envoy's. */
export const routedAddress = (url: string): string => ADDRESS.exec(url)?.[0] ?? url;

const CREDENTIALS = { right: 'store:query', credentials: 'pemba-key' } as const;

/** Registers on an instance of their own: they have no body and another error than the rest. */
export function registerEdgeRoutes(plugin: FastifyInstance, parts: EdgeRouteParts): void {
  plugin.removeAllContentTypeParsers();
  plugin.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume();
    done(null);
  });
  plugin.setErrorHandler((error, request: FastifyRequest<EdgeRoute>, reply) => {
    const known = error instanceof PembaError ? error : undefined;
    const refusal = known === undefined ? FAILED : refusalOf(known);
    if (refusal.status === 503) parts.observer.failed(request.id, error);
    refuse(parts, request, reply, refusal);
  });
  const { rootStore } = parts;
  const routes = [
    { url: '/stores/:storeId/edge/:profile', config: CREDENTIALS },
    ...(rootStore === undefined
      ? []
      : [{ url: '/edge/:profile', config: { ...CREDENTIALS, storeId: rootStore } }]),
  ];
  for (const { url, config } of routes) {
    plugin.route<EdgeRoute>({
      method: plugin.supportedMethods,
      url,
      config,
      handler: async (request, reply) => {
        await answer(parts, request, reply, storeOf(request.params.storeId ?? rootStore));
        return reply;
      },
    });
  }
}

/** Also where no gate has looked at it. */
function storeOf(id = ''): StoreId {
  if (!isUlid(id)) throw invalidRequest('store_id', 'must be a ULID (26 characters)');
  return id as StoreId;
}

/** The methods that a client can send; `CONNECT` never becomes a request here. */
export function admitAllMethods(instance: FastifyInstance): void {
  const known = new Set<string>(instance.supportedMethods);
  for (const method of METHODS) {
    if (method !== 'CONNECT' && !known.has(method)) {
      instance.addHttpMethod(method, { hasBody: true });
    }
  }
}

async function answer(
  parts: EdgeRouteParts,
  request: FastifyRequest<EdgeRoute>,
  reply: FastifyReply,
  storeId: StoreId,
): Promise<void> {
  const { profile } = request.params;
  if (!isProfile(profile)) {
    refuse(parts, request, reply, forbidden('unknown_profile'));
    return;
  }
  const { originalUrl, raw } = request;
  const below = originalUrl.slice(routedAddress(originalUrl).length);
  const { rawHeaders } = raw;
  const original = originalRequest(profile, { method: request.method, below, rawHeaders });
  if (typeof original === 'string') {
    refuse(parts, request, reply, forbidden(original));
    return;
  }
  const outcome = await decide(parts, {
    storeId,
    request: original,
    rawHeaders,
    charge: (checks) => {
      chargeMore(request, reply, checks - 1);
    },
    record: (source, decisions) => {
      parts.record(reply, 'edge', source, decisions);
    },
  });
  if (outcome.status !== 200) {
    refuse(parts, request, reply, outcome);
    return;
  }
  const transaction = await parts.issueTransaction(callerOf(request), storeId, outcome, original);
  allow(parts, reply, profile, outcome, transaction);
}

function allow(
  { engine, observer }: EdgeRouteParts,
  reply: FastifyReply,
  profile: Profile,
  { route, bearer }: Allowed,
  transaction: string,
): void {
  const reason = route.required.length === 0 ? 'public' : 'allowed';
  const remainingMs = bearer === undefined ? Infinity : bearer.expiresAt - engine.clock.now();
  const seconds = Math.floor(Math.min(route.cacheMs, remainingMs) / 1000);
  void reply.code(200);
  if (seconds > 0) {
    // To nginx's cache `private` says no, unless it has read this before.
    if (profile === 'nginx') void reply.header('x-accel-expires', String(seconds));
    void reply
      .header('cache-control', `private, max-age=${seconds}`)
      .header('vary', ['authorization', ...varyingHeaders(profile)].join(', '));
  } else {
    void reply.header('cache-control', 'no-store');
  }
  observer.answered(profile, reason);
  send(reply, reason, bearer === undefined ? '' : headerText(formatObject(bearer.subject)), {
    transaction,
  });
}

const REALM = 'Bearer realm="pemba"';

const MESSAGES = {
  401: { code: 'unauthenticated', message: 'A valid bearer token is required.' },
  403: { code: 'forbidden', message: 'This is not allowed.' },
  503: { code: 'unavailable', message: 'Whether this is allowed cannot be told now.' },
} as const;

function refuse(
  { observer }: EdgeRouteParts,
  request: FastifyRequest<EdgeRoute>,
  reply: FastifyReply,
  { status, reason }: Refusal,
): void {
  const { profile } = request.params;
  observer.answered(isProfile(profile) ? profile : 'unknown', reason);
  void reply.code(status).header('cache-control', 'no-store');
  if (status === 401) {
    const error = reason === 'invalid_token' ? ', error="invalid_token"' : '';
    void reply.header('www-authenticate', REALM + error);
  }
  void reply.header('content-type', 'application/json; charset=utf-8');
  send(reply, reason, '', { body: JSON.stringify(MESSAGES[status]) });
}

/** Each header on each answer: what a gateway takes over has to replace what a client sent. */
function send(
  reply: FastifyReply,
  reason: Reason,
  subject: string,
  { transaction = '', body }: { readonly transaction?: string; readonly body?: string },
): void {
  if (!reply.hasHeader('pemba-decision-id')) void reply.header('pemba-decision-id', '');
  void reply
    .header('pemba-subject', subject)
    .header('txn-token', transaction)
    .header('pemba-reason', reason)
    .send(body);
}

/** As ids are escaped elsewhere: a `%` of its own has been escaped already. */
const headerText = (text: string): string => text.replace(/[^\x21-\x7e]/gu, percentEncoded);
