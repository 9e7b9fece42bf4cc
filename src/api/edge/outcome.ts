/**
 * What a gateway is told: 200 to let the request through, 401 that the user has to say who he is, 403
 * for whatever else keeps it out, 503 that Pemba cannot tell. No other status, since gateways make
 * something else of each other one; and 503 only for what passes, since some let requests through on
 * it if they are told to.
 */
import type { ErrorCode, PembaError } from '../../errors.js';
import type { Unreadable } from './profiles.js';

/** Why. */
export type Refusal =
  | { readonly status: 401; readonly reason: 'no_token' | 'invalid_token' }
  | { readonly status: 403; readonly reason: Forbidden | ErrorCode | 'gateway_unauthenticated' }
  | { readonly status: 503; readonly reason: ErrorCode };

type Forbidden =
  | Unreadable
  | 'unknown_profile'
  | 'unmapped_route'
  | 'denied'
  /** The object cannot be told: the token has no such claim, or it is no id. */
  | 'incomplete_object';

export type Reason = Refusal['reason'] | 'allowed' | 'public';

export const forbidden = (reason: Forbidden): Refusal => ({ status: 403, reason });

/** What passes. A new code fails to compile until it is here. */
const PASSES: Readonly<Record<ErrorCode, boolean>> = {
  invalid_request: false,
  unsupported_media_type: false,
  body_too_large: false,
  request_timeout: false,
  undefined_endpoint: false,
  method_not_supported: false,
  limit_exceeded: false,
  too_many_assertions: false,
  invalid_page_size: false,
  invalid_page_token: false,
  page_token_mismatch: false,
  invalid_start_time: false,
  invalid_consistency_token: false,
  unauthenticated: false,
  issuer_unavailable: true,
  forbidden: false,
  invalid_subject_token: false,
  // It passes, but must not open a gate that opens on failures to whoever floods it.
  too_many_requests: false,
  overloaded: true,
  invalid_client: false,
  invalid_dpop_proof: false,
  unauthorized_client: false,
  unsupported_grant_type: false,
  invalid_target: false,
  invalid_scope: false,
  invalid_authorization_details: false,
  no_delegation: false,
  store_not_found: false,
  store_exists: false,
  model_not_found: false,
  no_model: false,
  type_not_found: false,
  relation_not_found: false,
  key_not_found: false,
  signing_key_not_found: true,
  invalid_model: false,
  model_conflict: false,
  invalid_claims_mapping: false,
  invalid_delegation_settings: false,
  invalid_authzen_mapping: false,
  invalid_route_table: false,
  invalid_attributes: false,
  attributes_not_found: false,
  invalid_tuple: false,
  invalid_contextual_tuple: false,
  empty_write: false,
  duplicate_tuple: false,
  tuple_exists: false,
  tuple_missing: false,
  write_conflict: true,
  condition_failed: false,
  // What a request can bring about by what it asks is no failure of Pemba's.
  query_too_deep: false,
  query_too_large: false,
  query_deadline: true,
  consistency_timeout: true,
  store_too_large: true,
  unavailable: true,
  shutting_down: true,
  cannot_start: true,
  internal: true,
};

export function refusalOf({ code }: PembaError): Refusal {
  if (code === 'invalid_subject_token') return { status: 401, reason: 'invalid_token' };
  // The gateway's own credentials: to ask the user for his would be of no use.
  if (code === 'unauthenticated') return { status: 403, reason: 'gateway_unauthenticated' };
  return PASSES[code] ? { status: 503, reason: code } : { status: 403, reason: code };
}

/** What anything else than a PembaError answers. */
export const FAILED: Refusal = { status: 503, reason: 'internal' };
