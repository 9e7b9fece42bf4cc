/** What a gateway is told, in Envoy's words. */
import { status as codes } from '@grpc/grpc-js';
import type { ServerErrorResponse } from '@grpc/grpc-js';
import type { Told } from '../answer.js';
import type { CheckResponse, HeaderOption } from './wire.js';

/** What a service would do something else by than what was allowed. */
const MISLEADING = [
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
  'x-original-url',
  'x-rewrite-url',
];

/**
 * A failure of our own is one of the call, so that Envoy takes it for one and `failure_mode_allow`
 * decides, and a deny is an answer.
 */
export function responseOf(
  told: Told,
  decisionId: string,
): CheckResponse | Partial<ServerErrorResponse> {
  if (told.status === 503) return { code: codes.UNAVAILABLE, details: told.reason };
  const metadata = { reason: told.reason, decision_id: decisionId };
  return told.status === 200
    ? { status: { code: codes.OK, message: '' }, ...allowed(told, decisionId), ...said(metadata) }
    : { ...denied(told), ...said(metadata) };
}

export const isFailure = (
  response: CheckResponse | Partial<ServerErrorResponse>,
): response is Partial<ServerErrorResponse> => 'code' in response;

type Allow = Extract<Told, { status: 200 }>;
type Refusal = Exclude<Told, Allow>;

/**
 * Each identity header is set or taken away, so that what a client sent never stands. Envoy sets
 * first and removes then: none is in both.
 */
function allowed(
  { subject, transaction }: Allow,
  decisionId: string,
): Pick<CheckResponse, 'ok_response'> {
  const identity = [
    ['pemba-subject', subject],
    ['pemba-decision-id', decisionId],
    ['txn-token', transaction],
  ] as const;
  return {
    ok_response: {
      headers: identity.filter(([, value]) => value !== '').map(overwrite),
      headers_to_remove: [
        ...identity.filter(([, value]) => value === '').map(([name]) => name),
        ...MISLEADING,
      ],
    },
  };
}

function denied({
  status,
  reason,
  challenge,
  body,
}: Refusal): Pick<CheckResponse, 'status' | 'denied_response'> {
  const isUnknown = status === 401;
  return {
    status: {
      code: isUnknown ? codes.UNAUTHENTICATED : codes.PERMISSION_DENIED,
      message: reason,
    },
    denied_response: {
      status: { code: isUnknown ? 'Unauthorized' : 'Forbidden' },
      headers: [
        ...(challenge === undefined ? [] : [overwrite(['www-authenticate', challenge])]),
        overwrite(['content-type', 'application/json; charset=utf-8']),
        overwrite(['cache-control', 'no-store']),
      ],
      body,
    },
  };
}

const overwrite = ([key, value]: readonly [string, string]): HeaderOption => ({
  header: { key, value },
  append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
});

/** For Envoy's log: `%DYNAMIC_METADATA(envoy.filters.http.ext_authz:reason)%`. */
const said = (
  facts: Readonly<Record<string, string>>,
): Pick<CheckResponse, 'dynamic_metadata'> => ({
  dynamic_metadata: {
    fields: Object.fromEntries(
      Object.entries(facts).map(([name, stringValue]) => [name, { stringValue }]),
    ),
  },
});
