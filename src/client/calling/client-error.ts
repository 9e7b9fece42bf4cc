/** The one class of everything that goes wrong, with a stable code. Nothing of a request is in it. */

/** What Pemba answers, as OpenFGA names it. */
export type ServerErrorCode =
  | 'Aborted'
  | 'assertions_too_many_items'
  | 'authorization_model_not_found'
  | 'authorization_model_resolution_too_complex'
  | 'cancelled'
  | 'cannot_allow_duplicate_tuples_in_one_request'
  | 'deadline_exceeded'
  | 'exceeded_entity_limit'
  | 'forbidden'
  | 'id_too_long'
  | 'internal_error'
  | 'invalid_authorization_model'
  | 'invalid_continuation_token'
  | 'invalid_start_time'
  | 'invalid_tuple'
  | 'invalid_write_input'
  | 'key_id_not_found'
  | 'latest_authorization_model_not_found'
  | 'object_too_long'
  | 'page_size_invalid'
  | 'query_string_type_continuation_token_mismatch'
  | 'rate_limit_exceeded'
  | 'relation_not_found'
  | 'relation_too_long'
  | 'resource_exhausted'
  | 'store_id_not_found'
  | 'throttled_timeout_error'
  | 'tuple_key_value_not_specified'
  | 'type_definitions_too_few_items'
  | 'type_invalid_length'
  | 'type_not_found'
  | 'unauthenticated'
  | 'unavailable'
  | 'undefined_endpoint'
  | 'unimplemented'
  | 'validation_error'
  | 'write_failed_due_to_invalid_input';

/** What the token endpoint answers, from RFC 6749, 8693, 9396 and 9449. */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'invalid_authorization_details'
  | 'invalid_dpop_proof'
  | 'server_error'
  | 'temporarily_unavailable';

/**
 * What happens on this side: the deadline has passed; the caller's signal was aborted; there was no
 * connection, or it broke; the answer is none of Pemba's; `token` or `clientAssertion` rejected; a
 * text that is no exported session.
 */
export type LocalErrorCode =
  | 'timeout'
  | 'aborted'
  | 'connection_failed'
  | 'invalid_response'
  | 'credentials_failed'
  | 'invalid_session';

/** Open, as servers grow codes; a status without any is `http_` and its number. */
export type PembaErrorCode =
  ServerErrorCode | OAuthErrorCode | LocalErrorCode | (string & Record<never, never>);

interface Details {
  readonly status?: number | undefined;
  readonly requestId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

export class PembaClientError extends Error {
  override readonly name = 'PembaClientError';
  readonly code: PembaErrorCode;
  /** Of the answer; undefined where there was none. */
  readonly status: number | undefined;
  /** As which the server's log knows the request. */
  readonly requestId: string | undefined;
  /** How long the server wants to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(code: PembaErrorCode, message: string, details: Details = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = details.status;
    this.requestId = details.requestId;
    this.retryAfterMs = details.retryAfterMs;
  }
}

export const invalidResponse = (problem: string, details: Details = {}): PembaClientError =>
  new PembaClientError('invalid_response', `the answer is none of Pemba's: ${problem}`, details);

/** From an answer that is not a 2xx, whoever made it. */
export async function errorOf(response: Response): Promise<PembaClientError> {
  const { status, headers } = response;
  const { code = codeOf(status), message = `the server answered ${status}` } = parse(
    await response.text(),
  );
  return new PembaClientError(code, message, {
    status,
    requestId: requestIdOf(headers),
    retryAfterMs: retryAfterMsOf(headers),
  });
}

export const requestIdOf = (headers: Headers): string | undefined =>
  headers.get('x-request-id') ?? undefined;

interface Told {
  readonly code?: string;
  readonly message?: string;
}

/**
 * Three forms: Pemba's `{code, message}`, a stream's `{error: {message}}` with a number for a code,
 * and OAuth's `{error, error_description}`. Anything else is of somebody in between.
 */
function parse(text: string): Told {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return {};
  }
  if (typeof body !== 'object' || body === null) return {};
  const { code, message, error, error_description: description } = body as Record<string, unknown>;
  if (typeof error === 'string') return { code: error, ...asMessage(description ?? error) };
  if (typeof error === 'object' && error !== null) return asMessage(Reflect.get(error, 'message'));
  return { ...(typeof code === 'string' && { code }), ...asMessage(message) };
}

const asMessage = (value: unknown): Told => (typeof value === 'string' ? { message: value } : {});

function codeOf(status: number): PembaErrorCode {
  switch (status) {
    case 400:
      return 'validation_error';
    case 401:
      return 'unauthenticated';
    case 403:
      return 'forbidden';
    case 429:
      return 'rate_limit_exceeded';
    case 500:
      return 'internal_error';
    case 503:
      return 'unavailable';
    default:
      return `http_${status}`;
  }
}

/** Seconds, or a date: then it is held against the answer's own, whatever our clock says. */
function retryAfterMsOf(headers: Headers): number | undefined {
  const text = headers.get('retry-after');
  if (text === null) return undefined;
  const ms = /^\d{1,9}$/.test(text)
    ? Number(text) * 1000
    : Date.parse(text) - Date.parse(headers.get('date') ?? '');
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
