/** Pemba's error codes as OpenFGA's statuses and bodies. A new code fails to compile until it is here. */
import type { ErrorCode, PembaError } from '../../errors.js';

export interface ErrorBody {
  readonly code: string;
  readonly message: string;
}

export interface ErrorAnswer {
  readonly status: number;
  readonly body: ErrorBody;
}

const ANSWERS: Readonly<Record<ErrorCode, readonly [status: number, code: string]>> = {
  invalid_request: [400, 'validation_error'],
  unsupported_media_type: [415, 'validation_error'],
  body_too_large: [413, 'exceeded_entity_limit'],
  request_timeout: [408, 'cancelled'],
  undefined_endpoint: [404, 'undefined_endpoint'],
  method_not_supported: [404, 'unimplemented'],
  limit_exceeded: [400, 'exceeded_entity_limit'],
  too_many_assertions: [400, 'assertions_too_many_items'],
  invalid_page_size: [400, 'page_size_invalid'],
  invalid_page_token: [400, 'invalid_continuation_token'],
  page_token_mismatch: [400, 'query_string_type_continuation_token_mismatch'],
  invalid_start_time: [400, 'invalid_start_time'],
  invalid_consistency_token: [400, 'validation_error'],
  unauthenticated: [401, 'unauthenticated'],
  issuer_unavailable: [503, 'unavailable'],
  forbidden: [403, 'forbidden'],
  invalid_subject_token: [400, 'validation_error'],
  too_many_requests: [429, 'rate_limit_exceeded'],
  overloaded: [503, 'resource_exhausted'],
  invalid_client: [401, 'unauthenticated'],
  invalid_dpop_proof: [400, 'validation_error'],
  unauthorized_client: [403, 'forbidden'],
  unsupported_grant_type: [400, 'validation_error'],
  invalid_target: [400, 'validation_error'],
  invalid_scope: [400, 'validation_error'],
  invalid_authorization_details: [400, 'validation_error'],
  no_delegation: [400, 'validation_error'],
  store_not_found: [404, 'store_id_not_found'],
  store_exists: [409, 'store_exists'],
  key_not_found: [404, 'key_id_not_found'],
  signing_key_not_found: [404, 'key_id_not_found'],
  model_not_found: [400, 'authorization_model_not_found'],
  no_model: [400, 'latest_authorization_model_not_found'],
  type_not_found: [400, 'type_not_found'],
  relation_not_found: [400, 'relation_not_found'],
  invalid_model: [400, 'invalid_authorization_model'],
  model_conflict: [409, 'authorization_model_conflict'],
  invalid_claims_mapping: [400, 'validation_error'],
  invalid_delegation_settings: [400, 'validation_error'],
  invalid_authzen_mapping: [400, 'validation_error'],
  invalid_route_table: [400, 'validation_error'],
  invalid_tuple: [400, 'validation_error'],
  invalid_contextual_tuple: [400, 'invalid_tuple'],
  empty_write: [400, 'invalid_write_input'],
  duplicate_tuple: [400, 'cannot_allow_duplicate_tuples_in_one_request'],
  tuple_exists: [400, 'write_failed_due_to_invalid_input'],
  tuple_missing: [400, 'write_failed_due_to_invalid_input'],
  invalid_attributes: [400, 'validation_error'],
  attributes_not_found: [404, 'attributes_not_found'],
  write_conflict: [409, 'Aborted'],
  condition_failed: [400, 'validation_error'],
  query_too_deep: [400, 'authorization_model_resolution_too_complex'],
  query_too_large: [422, 'throttled_timeout_error'],
  query_deadline: [500, 'deadline_exceeded'],
  consistency_timeout: [503, 'deadline_exceeded'],
  store_too_large: [503, 'resource_exhausted'],
  unavailable: [503, 'unavailable'],
  shutting_down: [503, 'unavailable'],
  cannot_start: [500, 'internal_error'],
  internal: [500, 'internal_error'],
};

/** OpenFGA's own codes for some broken rules of some fields, by the field's last name. */
const RULE_CODES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  page_size: { minimum: 'page_size_invalid', maximum: 'page_size_invalid' },
  object: { maxLength: 'object_too_long' },
  id: { maxLength: 'id_too_long' },
  relation: { maxLength: 'relation_too_long' },
  type: { maxLength: 'type_invalid_length' },
  tuple_key: { required: 'tuple_key_value_not_specified' },
  type_definitions: { minItems: 'type_definitions_too_few_items' },
};

export function errorAnswer(error: PembaError): ErrorAnswer {
  const [status, code] = ANSWERS[error.code];
  if (error.code === 'internal') return INTERNAL;
  return { status, body: { code: ruleCode(error) ?? code, message: error.message } };
}

/** What anything else than a PembaError answers: nothing of it is shown. */
export const INTERNAL: ErrorAnswer = {
  status: 500,
  body: { code: 'internal_error', message: 'Internal Server Error' },
};

function ruleCode({ code, facts }: PembaError): string | undefined {
  const { field, rule } = facts;
  if (code !== 'invalid_request' || typeof field !== 'string' || typeof rule !== 'string') {
    return undefined;
  }
  const name = field.slice(field.lastIndexOf('.') + 1);
  return Object.hasOwn(RULE_CODES, name) ? RULE_CODES[name]?.[rule] : undefined;
}

/** gRPC's numbers for statuses: OpenFGA's streams show them instead of its codes. */
const GRPC_CODES: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  408: 1,
  413: 8,
  415: 3,
  422: 8,
  429: 8,
  500: 13,
  503: 14,
};

/** The body of a stream that fails before its first line. */
export const streamErrorBody = ({ status, body }: ErrorAnswer): object => ({
  error: { code: GRPC_CODES[status] ?? 2, message: body.message, details: [] },
});

/** For the items of a batch. */
export function batchItemError(error: PembaError): Readonly<Record<string, string>> {
  const [status, code] = ANSWERS[error.code];
  return status >= 500
    ? { internal_error: code, message: errorAnswer(error).body.message }
    : { input_error: code, message: error.message };
}
