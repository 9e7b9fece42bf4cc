/** Token exchange (RFC 8693): a proof of one decision to carry along, or a Transaction Token. */
import { Answer } from './answer.js';
import type { Call } from './call.js';
import { credential, learn, storeIdOf, storePath } from './connection.js';
import type { Session } from './connection.js';
import { clientAssertion, dpopProof } from './jwt.js';
import type { CallOptions } from './options.js';
import type { Message } from './transport.js';
import type { JsonObject } from './wire.js';

export interface PermissionDetail {
  /** Relations, such as `can_reserve`. */
  readonly actions: readonly string[];
  readonly resource: { readonly type: string; readonly id: string };
  /** Parameters of conditions; whoever takes the permit compares them with the real request. */
  readonly context?: JsonObject | undefined;
}

interface SubjectToken {
  /** The user's token, or a permit that was addressed to this service. */
  readonly subjectToken: string;
  /** Default `access_token`; a permit is a `jwt`. */
  readonly subjectTokenType?: 'access_token' | 'jwt' | undefined;
}

export interface PermitRequest extends SubjectToken {
  readonly requested?: 'permit' | undefined;
  readonly actorToken?: string | undefined;
  /** For whom the permit is, one: `service:inventory`. */
  readonly audience: string;
  /** What it is to permit: at most 16 pairs of an action and a resource. */
  readonly details: readonly PermissionDetail[];
  /** For a service that takes each permit once: it is neither taken from the cache nor kept. */
  readonly once?: boolean | undefined;
}

export interface TransactionTokenRequest extends SubjectToken {
  readonly requested: 'txn_token';
  /** The trust domain. */
  readonly audience: string;
  /** What the transaction is for. */
  readonly scope: string;
  /** Of the environment: becomes `rctx`. */
  readonly requestContext?: JsonObject | undefined;
  /** What does not change on the way: becomes `tctx`. */
  readonly requestDetails?: JsonObject | undefined;
}

export type ExchangeRequest = PermitRequest | TransactionTokenRequest;

export interface ExchangeCallOptions extends CallOptions {
  /** At which revision it is decided, or a later one. Default: as for a query. */
  readonly consistency?: 'minimize_latency' | { readonly atLeast: string } | undefined;
}

export interface IssuedToken {
  readonly token: string;
  /** From now on. */
  readonly expiresInSeconds: number;
  /** What was permitted, if the server says so. */
  readonly details: readonly PermissionDetail[] | undefined;
  readonly scope: string | undefined;
}

export async function exchangeToken(
  session: Session,
  request: ExchangeRequest,
  options: ExchangeCallOptions,
): Promise<IssuedToken> {
  const { connection } = session;
  const exchange = exchangeOf(session, request, options);
  const fetch = (call: Call): Promise<IssuedToken> => issue(session, exchange, call);
  const key = isReusable(request, options) ? keyOf(exchange) : undefined;
  return connection.within(options, (call) =>
    key === undefined || connection.permits === undefined
      ? fetch(call)
      : connection.permits.get(key, call, fetch),
  );
}

interface Exchange {
  readonly storeId: string;
  readonly token: string | undefined;
  readonly form: Readonly<Record<string, string | undefined>>;
}

/** A revision that is asked for expressly is one that no kept permit answers for. */
const isReusable = (request: ExchangeRequest, { consistency }: ExchangeCallOptions): boolean =>
  request.requested !== 'txn_token' && request.once !== true && typeof consistency !== 'object';

/** Not the consistency token: that writes of this client empty the cache is enough of it. */
const keyOf = ({ storeId, form }: Exchange): string => JSON.stringify([storeId, form]);

const typeOf = (name: string): string => `urn:ietf:params:oauth:token-type:${name}`;
const DETAIL_TYPE = 'urn:pemba:permission';
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

function exchangeOf(
  session: Session,
  request: ExchangeRequest,
  options: ExchangeCallOptions,
): Exchange {
  const storeId = storeIdOf(session, options);
  return {
    storeId,
    token: tokenOf(session, storeId, options),
    form: {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: request.subjectToken,
      subject_token_type: typeOf(request.subjectTokenType ?? 'access_token'),
      audience: request.audience,
      ...(request.requested === 'txn_token' ? transactionForm(request) : permitForm(request)),
    },
  };
}

function tokenOf(
  { memory }: Session,
  storeId: string,
  { consistency }: ExchangeCallOptions,
): string | undefined {
  if (consistency === 'minimize_latency') return undefined;
  return consistency?.atLeast ?? memory.tokenOf(storeId);
}

const permitForm = ({ actorToken, details }: PermitRequest): Exchange['form'] => ({
  requested_token_type: typeOf('jwt'),
  actor_token: actorToken,
  actor_token_type: actorToken && typeOf('jwt'),
  authorization_details: JSON.stringify(
    details.map(({ actions, resource, context }) => ({
      type: DETAIL_TYPE,
      actions,
      resource,
      context,
    })),
  ),
});

const transactionForm = (request: TransactionTokenRequest): Exchange['form'] => ({
  requested_token_type: typeOf('txn_token'),
  scope: request.scope,
  request_context: request.requestContext && JSON.stringify(request.requestContext),
  request_details: request.requestDetails && JSON.stringify(request.requestDetails),
});

async function issue(session: Session, exchange: Exchange, call: Call): Promise<IssuedToken> {
  const { storeId, token } = exchange;
  const answer = await session.connection.send(
    {
      path: `${storePath(storeId)}/oauth/token`,
      message: (url) => messageOf(session, exchange, url),
      // Another token is made; whoever gets it has asked once.
      isRepeatable: true,
      read: (response) => Answer.of(response),
    },
    call,
  );
  learn(session, { storeId, token, wire: {} }, answer.consistencyToken);
  return {
    token: answer.string('access_token'),
    expiresInSeconds: answer.number('expires_in'),
    details: answer.has('authorization_details')
      ? answer.members('authorization_details').map(detailOf)
      : undefined,
    scope: answer.optionalString('scope'),
  };
}

function detailOf(detail: Answer): PermissionDetail {
  const resource = detail.member('resource');
  return {
    actions: detail.strings('actions'),
    resource: { type: resource.string('type'), id: resource.string('id') },
    ...(detail.has('context') && { context: detail.value('context') as JsonObject }),
  };
}

/** A service proves who it is in one way only (RFC 6749, 2.3). */
async function messageOf(
  { connection }: Session,
  { storeId, token, form }: Exchange,
  url: string,
): Promise<Message> {
  const { key, clientAssertion: assertion, dpopKey, publicUrl } = connection.options.exchange ?? {};
  const issuer = (publicUrl ?? url) + storePath(storeId);
  const made =
    key === undefined
      ? assertion && (await credential('clientAssertion', assertion))
      : await clientAssertion(connection.time, key, issuer);
  const members = {
    ...form,
    consistency_token: token,
    ...(made !== undefined && { client_assertion_type: ASSERTION_TYPE, client_assertion: made }),
  };
  return {
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(made === undefined && (await connection.authorization())),
      ...(dpopKey && {
        dpop: await dpopProof(connection.time, dpopKey, `${issuer}/oauth/token`),
      }),
    },
    body: new URLSearchParams(present(members)).toString(),
  };
}

const present = (members: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(members).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
