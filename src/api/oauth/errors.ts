/**
 * Pemba's error codes as RFC 6749 (5.2), 8693, 9396 and 9449 have them. A new code fails to compile
 * until it is here.
 *
 * Whoever is refused for what he is learns nothing: a store that is not there, one in which the client
 * is no service, and a path that is no store's have one answer.
 */
import type { ErrorCode, PembaError } from '../../errors.js';

export type OAuthError =
  | 'invalid_request'
  | 'invalid_client'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'invalid_authorization_details'
  | 'invalid_dpop_proof'
  /** Of the authorization endpoint; here for 429 and 503, for which there is nothing of its own. */
  | 'temporarily_unavailable'
  | 'server_error';

export interface OAuthAnswer {
  readonly status: number;
  readonly body: { readonly error: OAuthError; readonly error_description?: string };
}

/** `told`: the message is about the request itself, and its sender may read it. */
type Row = readonly [status: number, error: OAuthError, told?: 'told'];

const BAD_REQUEST: Row = [400, 'invalid_request', 'told'];
const NOT_YOURS: Row = [400, 'unauthorized_client'];
const BAD_DETAILS: Row = [400, 'invalid_authorization_details'];
const LATER: Row = [503, 'temporarily_unavailable'];
const BROKEN: Row = [500, 'server_error'];

const ROWS: Readonly<Record<ErrorCode, Row>> = {
  invalid_request: BAD_REQUEST,
  unsupported_media_type: [415, 'invalid_request', 'told'],
  body_too_large: [413, 'invalid_request', 'told'],
  request_timeout: [408, 'invalid_request', 'told'],
  undefined_endpoint: [404, 'invalid_request', 'told'],
  method_not_supported: [405, 'invalid_request', 'told'],
  limit_exceeded: BAD_REQUEST,
  too_many_assertions: BAD_REQUEST,
  invalid_page_size: BAD_REQUEST,
  invalid_page_token: BAD_REQUEST,
  page_token_mismatch: BAD_REQUEST,
  invalid_start_time: BAD_REQUEST,
  invalid_consistency_token: BAD_REQUEST,
  unauthenticated: [400, 'invalid_client'],
  issuer_unavailable: LATER,
  forbidden: NOT_YOURS,
  invalid_subject_token: BAD_REQUEST,
  too_many_requests: [429, 'temporarily_unavailable'],
  overloaded: LATER,
  invalid_client: [400, 'invalid_client'],
  invalid_dpop_proof: [400, 'invalid_dpop_proof'],
  unauthorized_client: NOT_YOURS,
  unsupported_grant_type: [400, 'unsupported_grant_type', 'told'],
  invalid_target: [400, 'invalid_target', 'told'],
  invalid_scope: [400, 'invalid_scope', 'told'],
  invalid_authorization_details: [400, 'invalid_authorization_details', 'told'],
  no_delegation: [400, 'invalid_target'],
  store_not_found: NOT_YOURS,
  store_exists: NOT_YOURS,
  key_not_found: NOT_YOURS,
  signing_key_not_found: BROKEN,
  model_not_found: NOT_YOURS,
  no_model: NOT_YOURS,
  type_not_found: BAD_DETAILS,
  relation_not_found: BAD_DETAILS,
  invalid_model: BROKEN,
  model_conflict: BROKEN,
  invalid_claims_mapping: BROKEN,
  invalid_delegation_settings: BROKEN,
  invalid_authzen_mapping: BROKEN,
  invalid_route_table: BROKEN,
  invalid_tuple: BAD_DETAILS,
  invalid_contextual_tuple: BAD_DETAILS,
  empty_write: BAD_REQUEST,
  duplicate_tuple: BAD_DETAILS,
  tuple_exists: BAD_REQUEST,
  tuple_missing: BAD_REQUEST,
  invalid_attributes: BAD_REQUEST,
  attributes_not_found: BAD_REQUEST,
  write_conflict: LATER,
  condition_failed: BAD_DETAILS,
  query_too_deep: BAD_DETAILS,
  query_too_large: BAD_DETAILS,
  query_deadline: LATER,
  consistency_timeout: LATER,
  store_too_large: LATER,
  unavailable: LATER,
  shutting_down: LATER,
  cannot_start: BROKEN,
  internal: BROKEN,
};

/** One for each error, where the message is not told. */
const DESCRIPTIONS: Readonly<Partial<Record<OAuthError, string>>> = {
  invalid_client: 'client authentication failed',
  unauthorized_client: 'the client is no service of this store',
  invalid_target: 'no token is issued for this',
  invalid_authorization_details: 'this cannot be authorized',
  invalid_dpop_proof: 'the proof is not valid',
  temporarily_unavailable: 'try again later',
};

/** What `error_description` may be made of. */
const NOT_DESCRIBABLE = /[^ !#-[\]-~]/g;
/** A sentence; what is longer shows somebody his own input. */
const MAX_DESCRIPTION_LENGTH = 200;

/** `challenged`: the client used the `Authorization` header, so it gets a 401 with a challenge. */
export function oauthAnswer(error: PembaError, challenged: boolean): OAuthAnswer {
  const [status, name, told] = ROWS[error.code];
  const description =
    told === undefined
      ? DESCRIPTIONS[name]
      : error.message.replaceAll(NOT_DESCRIBABLE, '?').slice(0, MAX_DESCRIPTION_LENGTH);
  return {
    status: name === 'invalid_client' && challenged ? 401 : status,
    body: { error: name, ...(description !== undefined && { error_description: description }) },
  };
}

/** What anything else than a PembaError answers: nothing of it is shown. */
export const SERVER_ERROR: OAuthAnswer = { status: 500, body: { error: 'server_error' } };
