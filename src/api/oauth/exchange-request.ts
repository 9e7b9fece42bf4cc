/** A form → what is asked of the exchange (RFC 8693, 2.1). Parameters that are not known are ignored. */
import { PembaError, invalidRequest } from '../../errors.js';
import type { ExchangeRequest, RequestedDetail } from '../../delegation/exchange.js';
import type { AuthenticatedClient } from '../../identity/clients.js';
import type { StoreId } from '../../ids.js';
import { formatObject, parseObject } from '../../tuple/tuple.js';
import { readDetails } from './details.js';
import { jsonParameter, objectParameter } from './form.js';
import type { Form } from './form.js';

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';
export const JWT_TYPE = `${TOKEN_TYPE}jwt`;
export const TXN_TOKEN_TYPE = `${TOKEN_TYPE}txn_token`;
const INPUT_TYPES: readonly string[] = [`${TOKEN_TYPE}access_token`, JWT_TYPE];

/** OpenFGA's, for a whole object. */
const MAX_AUDIENCE_LENGTH = 256;
/** As long as a claim that is read may be. */
const MAX_SCOPE_LENGTH = 512;
/** A token of a revision has some 60. */
const MAX_CONSISTENCY_TOKEN_LENGTH = 512;
/** RFC 6749, 3.3. */
const SCOPE = /^[!#-[\]-~]+( [!#-[\]-~]+)*$/;
const VISIBLE = /^[!-~]+$/;

export interface Asker {
  readonly storeId: StoreId;
  readonly client: AuthenticatedClient;
  readonly maxTokenBytes: number;
}

export function exchangeRequestOf(form: Form, asker: Asker): ExchangeRequest {
  const { storeId, client, maxTokenBytes } = asker;
  if (required(form, 'grant_type') !== TOKEN_EXCHANGE) {
    throw new PembaError('unsupported_grant_type', `grant_type: must be ${TOKEN_EXCHANGE}`);
  }
  const requested = requestedOf(form.get('requested_token_type'));
  const subjectToken = token(form, 'subject_token', maxTokenBytes);
  const subjectTokenType = tokenType(form, 'subject_token_type');
  const actorToken = actorTokenOf(form, maxTokenBytes);
  const consistencyToken = form.get('consistency_token');
  if ((consistencyToken?.length ?? 0) > MAX_CONSISTENCY_TOKEN_LENGTH) {
    throw invalidRequest('consistency_token', 'is too long');
  }
  return {
    storeId,
    client,
    subjectToken,
    subjectTokenType,
    ...(actorToken !== undefined && { actorToken }),
    requested,
    ...(requested === 'permit' ? permitParameters(form) : txnParameters(form)),
    ...(consistencyToken !== undefined && { consistencyToken }),
  };
}

type Parameters = Pick<
  ExchangeRequest,
  'audience' | 'details' | 'scope' | 'requestContext' | 'requestDetails'
>;

function permitParameters(form: Form): Parameters {
  const details = jsonParameter(form, 'authorization_details');
  if (details === undefined) throw invalidRequest('authorization_details', 'is missing');
  if (form.has('scope')) {
    throw new PembaError('invalid_scope', 'scope: a permit has authorization_details instead');
  }
  refuseAny(form, ['request_context', 'request_details'], 'goes with a transaction token');
  return { audience: serviceOf(form), details: readDetails(details) };
}

function txnParameters(form: Form): Parameters {
  const audience = required(form, 'audience');
  if (!VISIBLE.test(audience) || audience.length > MAX_AUDIENCE_LENGTH) {
    throw invalidTarget('audience', 'must be the name of a trust domain');
  }
  refuseOtherResource(form, audience);
  refuseAny(form, ['authorization_details'], 'goes with a permit');
  const scope = form.get('scope') ?? '';
  if (!SCOPE.test(scope) || scope.length > MAX_SCOPE_LENGTH) {
    throw new PembaError('invalid_scope', 'scope: must be words with one space between them');
  }
  const requestContext = objectParameter(form, 'request_context');
  const requestDetails = objectParameter(form, 'request_details');
  const none: readonly RequestedDetail[] = [];
  return {
    audience,
    details: none,
    scope,
    ...(requestContext !== undefined && { requestContext }),
    ...(requestDetails !== undefined && { requestDetails }),
  };
}

/** `service:inventory`, also where it is called `inventory`. */
function serviceOf(form: Form): string {
  const audience = required(form, 'audience');
  const name = audience.startsWith('service:') ? audience : `service:${audience}`;
  const object = name.length > MAX_AUDIENCE_LENGTH ? undefined : parseObject(name);
  if (object === undefined) throw invalidTarget('audience', 'must be the name of one service');
  const service = formatObject(object);
  refuseOtherResource(form, service);
  return service;
}

/** Audience and resource both name the target (RFC 8693, 2.1.1): two targets would be two tokens. */
function refuseOtherResource(form: Form, audience: string): void {
  const resource = form.get('resource');
  if (resource !== undefined && resource !== audience) {
    throw invalidTarget('resource', 'must be left out, or be the audience');
  }
}

function requestedOf(type: string | undefined): ExchangeRequest['requested'] {
  switch (type) {
    case undefined:
    case JWT_TYPE:
      return 'permit';
    case TXN_TOKEN_TYPE:
      return 'txn_token';
    default:
      throw invalidRequest('requested_token_type', `must be ${JWT_TYPE} or ${TXN_TOKEN_TYPE}`);
  }
}

function actorTokenOf(form: Form, maxTokenBytes: number): string | undefined {
  if (!form.has('actor_token') && !form.has('actor_token_type')) return undefined;
  tokenType(form, 'actor_token_type');
  return token(form, 'actor_token', maxTokenBytes);
}

function token(form: Form, name: string, maxTokenBytes: number): string {
  const text = required(form, name);
  if (text.length > maxTokenBytes) throw invalidRequest(name, 'is too long');
  if (!VISIBLE.test(text)) throw invalidRequest(name, 'is not a token');
  return text;
}

function tokenType(form: Form, name: string): string {
  const type = required(form, name);
  if (!INPUT_TYPES.includes(type)) {
    throw invalidRequest(name, `must be ${INPUT_TYPES.join(' or ')}`);
  }
  return type;
}

function required(form: Form, name: string): string {
  const value = form.get(name);
  if (value === undefined) throw invalidRequest(name, 'is missing');
  return value;
}

/** Dropping what somebody meant would give out something else than was asked for. */
function refuseAny(form: Form, names: readonly string[], problem: string): void {
  const given = names.find((name) => form.has(name));
  if (given !== undefined) throw invalidRequest(given, problem);
}

const invalidTarget = (field: string, problem: string): PembaError =>
  new PembaError('invalid_target', `${field}: ${problem}`, { facts: { field } });
