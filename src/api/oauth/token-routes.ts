/**
 * The token endpoints, on routes of their own: they read forms, answer in OAuth's words, and find out
 * by themselves who asks. In this order: the form is read → the client is authenticated → its rate →
 * what it asks for → the exchange. Up to the exchange nothing looks for the store.
 */
import { isNativeError } from 'node:util/types';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { publicUrlOf } from '../../config.js';
import type { Config } from '../../config.js';
import type {
  Exchange,
  ExchangeRequest,
  IssuedToken,
  RecordExchange,
} from '../../delegation/exchange.js';
import { issuerOf, permitsStoreOf } from '../../delegation/issuer.js';
import { PembaError, invalidRequest } from '../../errors.js';
import type {
  AuthenticatedClient,
  ClientAuthenticator,
  ClientFacts,
} from '../../identity/clients.js';
import { POOLS, rateHeaders } from '../../identity/rate-limits.js';
import type { Pool, RateLimits } from '../../identity/rate-limits.js';
import { isUlid } from '../../ids.js';
import type { StoreId } from '../../ids.js';
import { delegatedResult } from '../decision.js';
import type { RecordDecisions } from '../decision.js';
import { PERMISSION_TYPE } from './details.js';
import { SERVER_ERROR, oauthAnswer } from './errors.js';
import type { OAuthError } from './errors.js';
import { JWT_TYPE, TXN_TOKEN_TYPE, exchangeRequestOf } from './exchange-request.js';
import { MAX_JSON_BYTES, readForm } from './form.js';
import type { Form } from './form.js';

export interface ExchangeObserver {
  issued(exchange: {
    readonly requestId: string;
    readonly request: ExchangeRequest;
    readonly issued: IssuedToken;
  }): void;
  /** `client` where it was found out who asks. */
  refused(exchange: {
    readonly requestId: string;
    readonly client: AuthenticatedClient | undefined;
    readonly status: number;
    readonly outcome: OAuthError;
    readonly error: unknown;
  }): void;
}

export interface TokenRouteParts {
  readonly config: Config;
  readonly clients: Pick<ClientAuthenticator, 'authenticate'>;
  readonly exchange: Exchange;
  readonly record: RecordDecisions;
  readonly limits: Pick<RateLimits, 'take'>;
  readonly observer: ExchangeObserver;
  readonly onLimited: (pool: Pool) => void;
}

export const TOKEN_ROUTES = ['/oauth/token', '/stores/:storeId/oauth/token'] as const;

/** Three tokens, three parameters of JSON in which every octet is escaped, and the small ones. */
const maxFormBytes = ({ maxTokenBytes }: Config): number =>
  3 * maxTokenBytes + 3 * 3 * MAX_JSON_BYTES + 8192;

/** Registers on an instance of their own: they have another body and another error than the rest. */
export function registerTokenRoutes(plugin: FastifyInstance, parts: TokenRouteParts): void {
  plugin.removeAllContentTypeParsers();
  plugin.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: maxFormBytes(parts.config) },
    (_request, text, done) => {
      try {
        done(null, readForm(String(text)));
      } catch (error) {
        done(error as Error);
      }
    },
  );
  plugin.setErrorHandler((error, request, reply) => {
    refuse(parts, error, request, reply, undefined);
  });
  for (const route of TOKEN_ROUTES) {
    plugin.post<{ Params: { readonly storeId?: string } }>(
      route,
      { config: { right: 'public' } },
      async (request, reply) => {
        await exchangeToken(parts, request, reply, storeOf(parts.config, request.params.storeId));
        return reply;
      },
    );
  }
}

/** A path that is no store's tells nothing of those that are. */
function storeOf(config: Config, given: string | undefined): StoreId {
  if (given === undefined) {
    const storeId = permitsStoreOf(config);
    if (storeId === undefined) throw new PembaError('undefined_endpoint', 'Not Found');
    return storeId;
  }
  if (!isUlid(given)) throw invalidRequest('store_id', 'must be a ULID (26 characters)');
  return given as StoreId;
}

async function exchangeToken(
  parts: TokenRouteParts,
  request: FastifyRequest,
  reply: FastifyReply,
  storeId: StoreId,
): Promise<void> {
  let client: AuthenticatedClient | undefined;
  try {
    const form = formOf(request);
    client = await parts.clients.authenticate(factsOf(parts.config, request, storeId, form));
    charge(parts.limits, client, reply);
    const { maxTokenBytes } = parts.config;
    const asked = exchangeRequestOf(form, { storeId, client, maxTokenBytes });
    const record = recordedBy(parts.record, reply);
    const issued = await parts.exchange({ ...asked, record });
    parts.observer.issued({ requestId: request.id, request: asked, issued });
    if (issued.consistencyToken !== undefined) {
      void reply.header('pemba-consistency-token', issued.consistencyToken);
    }
    send(reply, 200, {
      access_token: issued.token,
      issued_token_type: asked.requested === 'permit' ? JWT_TYPE : TXN_TOKEN_TYPE,
      token_type: client.confirmation && 'jkt' in client.confirmation ? 'DPoP' : 'N_A',
      expires_in: issued.expiresInSeconds,
      ...(issued.details && {
        authorization_details: issued.details.map((detail) => ({
          type: PERMISSION_TYPE,
          ...detail,
        })),
      }),
      ...(issued.scope !== undefined && { scope: issued.scope }),
    });
  } catch (error) {
    refuse(parts, error, request, reply, client);
  }
}

const recordedBy =
  (record: RecordDecisions, reply: FastifyReply): RecordExchange =>
  (source, decisions) => {
    record(
      reply,
      'token-exchange',
      source,
      decisions.map(({ question, acting, decision }) => ({
        question,
        acting,
        result: delegatedResult(decision),
      })),
    );
  };

/** What stands in the address gets into logs: secrets must not (RFC 6749, 2.3.1), so nothing may. */
function formOf({ body, url }: FastifyRequest): Form {
  if (url.includes('?')) throw invalidRequest('query', 'send the parameters in the body');
  if (body instanceof Map) return body as Form;
  throw unsupportedMediaType();
}

const unsupportedMediaType = (): PembaError =>
  new PembaError('unsupported_media_type', 'send application/x-www-form-urlencoded');

function factsOf(
  config: Config,
  { raw }: FastifyRequest,
  storeId: StoreId,
  form: Form,
): ClientFacts {
  const issuer = issuerOf(config, storeId);
  // One address, or the two of the store at the root; nothing of it is the client's to say.
  const urls = [issuer, `${publicUrlOf(config)}/stores/${storeId}`].map(
    (base) => `${base}/oauth/token`,
  );
  return {
    header: (name) => headerValues(raw.rawHeaders, name),
    peer: raw.socket.remoteAddress ?? '',
    urls,
    audiences: [issuer, ...urls],
    parameters: {
      clientId: form.get('client_id'),
      clientSecret: form.get('client_secret'),
      assertion: form.get('client_assertion'),
      assertionType: form.get('client_assertion_type'),
    },
  };
}

/** Node keeps the first of several, or joins them: here each one counts. Empty ones are none. */
function headerValues(rawHeaders: readonly string[], name: string): readonly string[] {
  const values: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const value = rawHeaders[i + 1];
    if (value && rawHeaders[i]?.toLowerCase() === name) values.push(value);
  }
  return values;
}

function charge(
  limits: TokenRouteParts['limits'],
  { caller }: AuthenticatedClient,
  reply: FastifyReply,
): void {
  const decision = limits.take('exchanges', caller.name, 1);
  if (decision === undefined) return;
  void reply.headers(rateHeaders(decision));
  if (decision.allowed) return;
  throw new PembaError('too_many_requests', 'too many requests: try again later', {
    facts: { pool: decision.pool, retry_after_s: decision.retryAfterSeconds },
  });
}

function refuse(
  { observer, onLimited }: TokenRouteParts,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  client: AuthenticatedClient | undefined,
): void {
  const known = asPembaError(error);
  const { authorization = '' } = request.headers;
  const answer = known ? oauthAnswer(known, authorization !== '') : SERVER_ERROR;
  const { status, body } = answer;
  if (status === 401) void reply.header('www-authenticate', challengeTo(authorization));
  if (known?.code === 'too_many_requests') {
    const { retry_after_s: seconds, pool: name } = known.facts;
    if (seconds !== undefined) void reply.header('retry-after', String(seconds));
    const pool = POOLS.find((one) => one === name);
    if (pool !== undefined) onLimited(pool);
  }
  observer.refused({ requestId: request.id, client, status, outcome: body.error, error });
  send(reply, status, body);
}

const challengeTo = (authorization: string): string =>
  /^Basic\b/i.test(authorization)
    ? 'Basic realm="pemba", charset="UTF-8"'
    : 'Bearer realm="pemba", error="invalid_token"';

/** Also what is refused must not be answered from a cache. */
function send(reply: FastifyReply, status: number, body: object): void {
  void reply
    .code(status)
    .header('cache-control', 'no-store')
    .header('pragma', 'no-cache')
    .header('content-type', 'application/json; charset=utf-8')
    .send(JSON.stringify(body));
}

/** The framework's own refusals of a body, and a client that went away while it sent one. */
function asPembaError(error: unknown): PembaError | undefined {
  if (error instanceof PembaError) return error;
  // Fastify's own are made without Error's constructor.
  if (!isNativeError(error) && !(error instanceof Error)) return undefined;
  const { statusCode, code } = error as Partial<FastifyError>;
  if (code === 'ECONNRESET' && !('syscall' in error)) return brokenOff(error);
  switch (statusCode) {
    case 408:
      return brokenOff(error);
    case 413:
      return new PembaError('body_too_large', 'the body is too large', { cause: error });
    case 415:
      return unsupportedMediaType();
    case 503:
      return new PembaError('shutting_down', 'the server is shutting down', { cause: error });
    default:
      return statusCode !== undefined && statusCode >= 400 && statusCode < 500
        ? new PembaError('invalid_request', 'the body cannot be read', { cause: error })
        : undefined;
  }
}

const brokenOff = (cause: Error): PembaError =>
  new PembaError('request_timeout', 'the request did not arrive in time', { cause });
