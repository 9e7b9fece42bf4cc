/**
 * Where gateways ask over HTTP, with each request that they get: `/stores/{id}/edge/{profile}`, and
 * `/edge/{profile}` for the store that PEMBA_EDGE_STORE names. What stands behind that in the address
 * is Envoy's original request, which comes with any method; a body is nobody's business.
 *
 * `Authorization` is the user's, so the gateway says who it is in `Pemba-Key`.
 */
import { METHODS } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { invalidRequest } from '../../errors.js';
import { isUlid } from '../../ids.js';
import type { StoreId } from '../../ids.js';
import { callerOf, chargeMore } from '../gate.js';
import { answer, toldOf, toldOfError } from './answer.js';
import type { AskedBy, EdgeParts, Told, ToldAllow, ToldRefusal } from './answer.js';
import { forbidden } from './outcome.js';
import { isProfile, originalRequest, varyingHeaders } from './profiles.js';
import type { Profile } from './profiles.js';

interface EdgeRoute {
  Params: { readonly profile: string; readonly storeId?: string };
}

const ADDRESS = /^(?:\/stores\/[^/?]+)?\/edge\/[a-z]+(?=[/?]|$)/;

/** The router is not to judge, nor to decode, what is Envoy's. */
export const routedAddress = (url: string): string => ADDRESS.exec(url)?.[0] ?? url;

const CREDENTIALS = { right: 'store:query', credentials: 'pemba-key' } as const;

/** Registers on an instance of their own: they have no body and another error than the rest. */
export function registerEdgeRoutes(plugin: FastifyInstance, parts: EdgeParts): void {
  plugin.removeAllContentTypeParsers();
  plugin.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume();
    done(null);
  });
  plugin.setErrorHandler((error, request: FastifyRequest<EdgeRoute>, reply) => {
    refuse(reply, toldOfError(parts, askedBy(request), request.id, error));
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
        const storeId = askedStore(request.params.storeId ?? rootStore);
        const { profile } = request.params;
        if (!isProfile(profile)) {
          refuse(reply, toldOf(parts, 'unknown', forbidden('unknown_profile')));
          return reply;
        }
        const told = await tellOf(parts, request, reply, { profile, storeId });
        if (told.status === 200) allow(reply, profile, told);
        else refuse(reply, told);
        return reply;
      },
    });
  }
}

const askedBy = ({ params: { profile } }: FastifyRequest<EdgeRoute>): AskedBy =>
  isProfile(profile) ? profile : 'unknown';

/** Also where no gate has looked at it. */
export function askedStore(id = ''): StoreId {
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

function tellOf(
  parts: EdgeParts,
  request: FastifyRequest<EdgeRoute>,
  reply: FastifyReply,
  asked: { readonly profile: Profile; readonly storeId: StoreId },
): Promise<Told> {
  const { originalUrl, raw, method } = request;
  const { rawHeaders } = raw;
  const below = originalUrl.slice(routedAddress(originalUrl).length);
  return answer(parts, {
    askedBy: asked.profile,
    gateway: callerOf(request),
    storeId: asked.storeId,
    original: originalRequest(asked.profile, { method, below, rawHeaders }),
    rawHeaders,
    reply,
    charge: (checks) => {
      chargeMore(request, reply, checks - 1);
    },
  });
}

function allow(reply: FastifyReply, profile: Profile, told: ToldAllow): void {
  const seconds = told.keepSeconds;
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
  send(reply, told);
}

function refuse(reply: FastifyReply, told: ToldRefusal): void {
  void reply.code(told.status).header('cache-control', 'no-store');
  if (told.challenge !== undefined) void reply.header('www-authenticate', told.challenge);
  void reply.header('content-type', 'application/json; charset=utf-8');
  send(reply, told);
}

/** Each header on each answer: what a gateway takes over has to replace what a client sent. */
function send(reply: FastifyReply, told: Told): void {
  const isAllow = told.status === 200;
  if (!reply.hasHeader('pemba-decision-id')) void reply.header('pemba-decision-id', '');
  void reply
    .header('pemba-subject', isAllow ? told.subject : '')
    .header('txn-token', isAllow ? told.transaction : '')
    .header('pemba-reason', told.reason)
    .send(isAllow ? undefined : told.body);
}
