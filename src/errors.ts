/**
 * Every failure that a caller can cause or has to be told of is one class with a stable code.
 * Protocol folders map the codes in one exhaustive table each; nothing else of an error leaves the
 * process. `cause` is for the log only.
 */
export type ErrorCode =
  // the request
  | 'invalid_request'
  | 'unsupported_media_type'
  | 'body_too_large'
  | 'request_timeout'
  | 'undefined_endpoint'
  | 'method_not_supported'
  | 'limit_exceeded'
  | 'too_many_assertions'
  | 'invalid_page_size'
  | 'invalid_page_token'
  | 'page_token_mismatch'
  | 'invalid_start_time'
  | 'invalid_consistency_token'
  // who asks
  | 'unauthenticated'
  | 'issuer_unavailable'
  | 'forbidden'
  | 'invalid_subject_token'
  | 'too_many_requests'
  | 'overloaded'
  // services that act for users; see RFC 6749, 8693, 9396 and 9449
  | 'invalid_client'
  | 'invalid_dpop_proof'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_target'
  | 'invalid_scope'
  | 'invalid_authorization_details'
  | 'no_delegation'
  // what it names
  | 'store_not_found'
  | 'store_exists'
  | 'model_not_found'
  | 'no_model'
  | 'type_not_found'
  | 'relation_not_found'
  | 'key_not_found'
  | 'signing_key_not_found'
  // models
  | 'invalid_model'
  | 'model_conflict'
  | 'invalid_claims_mapping'
  | 'invalid_delegation_settings'
  | 'invalid_authzen_mapping'
  | 'invalid_route_table'
  // tuples
  | 'invalid_tuple'
  | 'invalid_contextual_tuple'
  | 'empty_write'
  | 'duplicate_tuple'
  | 'tuple_exists'
  | 'tuple_missing'
  | 'invalid_attributes'
  | 'attributes_not_found'
  | 'write_conflict'
  // evaluation
  | 'condition_failed'
  | 'query_too_deep'
  | 'query_too_large'
  | 'query_deadline'
  // the service
  | 'consistency_timeout'
  | 'store_too_large'
  | 'unavailable'
  | 'shutting_down'
  | 'cannot_start'
  | 'internal';

export type ErrorFacts = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export class PembaError extends Error {
  readonly code: ErrorCode;
  /** What the message says, as values: names of fields, limits, identifiers. Never secrets. */
  readonly facts: ErrorFacts;

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly facts?: ErrorFacts; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PembaError';
    this.code = code;
    this.facts = options.facts ?? {};
  }
}

/** A request value is wrong; `field` is its path in the request, such as `tuple_key.object`. */
export function invalidRequest(field: string, problem: string): PembaError {
  return new PembaError('invalid_request', `${field}: ${problem}`, { facts: { field } });
}

/** For the default arm of an exhaustive switch: unreachable while the types hold. */
export function unreachable(value: never): never {
  throw new PembaError('internal', `unexpected value ${JSON.stringify(value)}`);
}
