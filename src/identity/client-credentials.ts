/**
 * What a client brings to prove who it is: of all methods exactly one (RFC 6749, 2.3). A certificate
 * is none of them: it belongs to the connection, and counts alone or beside any.
 */
import { PembaError, invalidRequest } from '../errors.js';
import { clientRefused } from './client-refusal.js';
import { decodeFormText } from './form-text.js';

/** As they stand in the form. */
export interface ClientParameters {
  readonly clientId: string | undefined;
  readonly clientSecret: string | undefined;
  readonly assertion: string | undefined;
  readonly assertionType: string | undefined;
}

export type ClientCredentials =
  | { readonly kind: 'none' }
  /** A key, or a token of an issuer, as every request of the API brings it. */
  | { readonly kind: 'bearer'; readonly authorization: string }
  | { readonly kind: 'secret'; readonly secret: string }
  | { readonly kind: 'assertion'; readonly assertion: string };

export interface GivenCredentials {
  readonly credentials: ClientCredentials;
  /** By which the client calls itself. */
  readonly clientId: string | undefined;
}

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const BASIC = /^Basic +([A-Za-z0-9+/]+={0,2})$/i;

/** Throws `invalid_request` for two methods at once, and `invalid_client` for what is none. */
export function credentialsOf(
  authorizations: readonly string[],
  parameters: ClientParameters,
): GivenCredentials {
  const { clientId, clientSecret, assertion, assertionType } = parameters;
  const [authorization] = authorizations;
  const given = [...authorizations, clientSecret, assertion ?? assertionType];
  if (given.filter((method) => method !== undefined).length > 1) {
    throw new PembaError('invalid_request', 'authenticate by one method only', {
      facts: { rule: 'several_methods' },
    });
  }
  if (authorization !== undefined) return ofHeader(authorization, clientId);
  if (clientSecret !== undefined) {
    return { credentials: { kind: 'secret', secret: clientSecret }, clientId };
  }
  if (assertion === undefined && assertionType === undefined) {
    return { credentials: { kind: 'none' }, clientId };
  }
  if (assertion === undefined) throw invalidRequest('client_assertion', 'is missing');
  if (assertionType !== JWT_BEARER) {
    throw invalidRequest('client_assertion_type', `must be ${JWT_BEARER}`);
  }
  return { credentials: { kind: 'assertion', assertion }, clientId };
}

function ofHeader(authorization: string, clientId: string | undefined): GivenCredentials {
  if (!/^Basic\b/i.test(authorization)) {
    return { credentials: { kind: 'bearer', authorization }, clientId };
  }
  const [, encoded = ''] = BASIC.exec(authorization) ?? [];
  const pair = Buffer.from(encoded, 'base64').toString('latin1');
  const colon = pair.indexOf(':');
  const id = decodeFormText(pair.slice(0, Math.max(0, colon)));
  const secret = decodeFormText(pair.slice(colon + 1));
  if (colon < 0 || id === undefined || secret === undefined) throw clientRefused('basic');
  if (id !== '' && clientId !== undefined && clientId !== id) throw clientRefused('client_id');
  return { credentials: { kind: 'secret', secret }, clientId: id === '' ? clientId : id };
}
