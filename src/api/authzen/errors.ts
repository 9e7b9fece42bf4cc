/**
 * Pemba's error codes as AuthZEN's statuses, told as problem details (RFC 9457), whose `detail` is the
 * message that AuthZEN asks for. A new code fails to compile until it is here.
 *
 * AuthZEN has 400, 401, 403 and 500. Others stand where HTTP's meaning is the client's to act on.
 */
import { STATUS_CODES } from 'node:http';
import type { ErrorCode, PembaError } from '../../errors.js';

export interface Problem {
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
}

const STATUSES: Readonly<Record<ErrorCode, number>> = {
  invalid_request: 400,
  // A wrong content type is a bad request among others (certification scenario).
  unsupported_media_type: 400,
  body_too_large: 413,
  request_timeout: 408,
  undefined_endpoint: 404,
  method_not_supported: 404,
  limit_exceeded: 400,
  too_many_assertions: 400,
  invalid_page_size: 400,
  invalid_page_token: 400,
  page_token_mismatch: 400,
  invalid_start_time: 400,
  invalid_consistency_token: 400,
  unauthenticated: 401,
  issuer_unavailable: 503,
  forbidden: 403,
  invalid_subject_token: 400,
  too_many_requests: 429,
  overloaded: 503,
  invalid_client: 401,
  invalid_dpop_proof: 400,
  unauthorized_client: 403,
  unsupported_grant_type: 400,
  invalid_target: 400,
  invalid_scope: 400,
  invalid_authorization_details: 400,
  no_delegation: 400,
  store_not_found: 404,
  store_exists: 409,
  model_not_found: 404,
  no_model: 404,
  type_not_found: 400,
  relation_not_found: 400,
  key_not_found: 404,
  signing_key_not_found: 404,
  invalid_model: 400,
  model_conflict: 409,
  invalid_claims_mapping: 400,
  invalid_delegation_settings: 400,
  invalid_authzen_mapping: 400,
  invalid_route_table: 400,
  invalid_attributes: 400,
  attributes_not_found: 404,
  invalid_tuple: 400,
  invalid_contextual_tuple: 400,
  empty_write: 400,
  duplicate_tuple: 400,
  tuple_exists: 400,
  tuple_missing: 400,
  write_conflict: 409,
  condition_failed: 400,
  query_too_deep: 500,
  query_too_large: 500,
  query_deadline: 500,
  consistency_timeout: 503,
  store_too_large: 503,
  unavailable: 503,
  shutting_down: 503,
  cannot_start: 500,
  internal: 500,
};

/** Undefined for what is no PembaError: nothing of it is shown. */
export function problemOf(error: PembaError | undefined): Problem {
  if (error === undefined || error.code === 'internal') return INTERNAL;
  const { code, message } = error;
  const status = STATUSES[code];
  return { title: titleOf(status), status, detail: message, code };
}

const titleOf = (status: number): string => STATUS_CODES[status] ?? 'Error';

const INTERNAL: Problem = {
  title: titleOf(500),
  status: 500,
  detail: 'the request failed',
  code: 'internal',
};

/** In the context of a decision that is "no" because the question could not be answered. */
export function itemError(error: PembaError): {
  readonly status: number;
  readonly message: string;
} {
  const { status, detail } = problemOf(error);
  return { status, message: detail };
}
