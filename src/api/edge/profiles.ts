/**
 * Where a gateway tells which request it asks about. Each profile has its own places, and nothing else
 * is looked at: what a client can make a gateway pass on must not be able to speak for the gateway.
 */
import { isIP } from 'node:net';
import type { RoutedRequest } from '../../schema/route-table.js';
import { hostOf, segmentsOf } from './request-path.js';

/** A client's request as its gateway got it. */
export interface GatewayRequest extends RoutedRequest {
  /** Undefined where the gateway does not tell it. */
  readonly clientAddress: string | undefined;
}

interface HeaderFamily {
  readonly method: string;
  readonly uri: string;
  readonly host: string;
  readonly address: string;
}

const ORIGINAL: HeaderFamily = {
  method: 'x-original-method',
  uri: 'x-original-uri',
  host: 'x-original-host',
  address: 'x-original-address',
};
const FORWARDED: HeaderFamily = {
  method: 'x-forwarded-method',
  uri: 'x-forwarded-uri',
  host: 'x-forwarded-host',
  address: 'x-forwarded-for',
};

/** `envoy` sends the request's own line, under Pemba's path, and its own host. */
const FAMILIES = {
  nginx: ORIGINAL,
  haproxy: ORIGINAL,
  caddy: FORWARDED,
  traefik: FORWARDED,
  envoy: undefined,
} as const satisfies Readonly<Record<string, HeaderFamily | undefined>>;

export type Profile = keyof typeof FAMILIES;

export const PROFILES = Object.keys(FAMILIES) as readonly Profile[];

export const isProfile = (name: string): name is Profile => Object.hasOwn(FAMILIES, name);

/** What else than the subject's token an answer depends on. */
export function varyingHeaders(profile: Profile): readonly string[] {
  const family = FAMILIES[profile];
  return family === undefined ? ['host'] : [family.method, family.uri, family.host];
}

/** Of the request that a gateway sends to ask. */
export interface AskingRequest {
  readonly method: string;
  /** What of its target is below Pemba's own path. */
  readonly below: string;
  /** Names and values in turn, as they arrived. */
  readonly rawHeaders: readonly string[];
}

export type Unreadable = 'incomplete_request' | 'ambiguous_request' | 'ambiguous_path';

/** RFC 9110's tokens; longer ones are nobody's. */
const METHOD = /^[!#$%&'*+\-.^_`|~A-Za-z0-9]{1,32}$/;

/** The original request, or why there is none. */
export function originalRequest(
  profile: Profile,
  asking: AskingRequest,
): GatewayRequest | Unreadable {
  const family = FAMILIES[profile];
  const { rawHeaders } = asking;
  return gatewayRequest({
    method: family === undefined ? asking.method : header(rawHeaders, family.method),
    target: family === undefined ? asking.below : header(rawHeaders, family.uri),
    authority: header(rawHeaders, family?.host ?? 'host'),
    address: family && header(rawHeaders, family.address),
  });
}

type Sent = string | typeof SEVERAL | undefined;

/** What a gateway says of a request, in whatever way. */
export interface RequestFacts {
  readonly method: Sent;
  /** The path with its query, undecoded. */
  readonly target: Sent;
  readonly authority: Sent;
  readonly address: Sent;
}

export function gatewayRequest(facts: RequestFacts): GatewayRequest | Unreadable {
  const { method, target, authority, address } = facts;
  if (method === SEVERAL || target === SEVERAL || authority === SEVERAL) return 'ambiguous_request';
  if (method === undefined || target === undefined) return 'incomplete_request';
  const host = authority === undefined ? '' : hostOf(authority);
  if (!METHOD.test(method) || host === undefined) return 'ambiguous_request';
  const segments = segmentsOf(target);
  if (segments === undefined) return 'ambiguous_path';
  return { method, host, segments, clientAddress: certainAddress(address) };
}

/** Of a list, or of several headers, which one the client's is cannot be told. */
const certainAddress = (address: Sent): string | undefined =>
  typeof address === 'string' && isIP(address) !== 0 ? address : undefined;

/** Node keeps the first of several, or joins them: here each one counts, and empty ones are none. */
export const SEVERAL = Symbol('several');

export function header(
  rawHeaders: readonly string[],
  name: string,
): string | typeof SEVERAL | undefined {
  let found: string | undefined;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() !== name) continue;
    if (found !== undefined) return SEVERAL;
    found = rawHeaders[i + 1];
  }
  return found === '' ? undefined : found;
}
