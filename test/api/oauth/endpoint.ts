/** The token endpoint as clients call it. */
import type { Answer, CallOptions, Pemba } from '../../support/pemba.js';

export const FORM_TYPE = 'application/x-www-form-urlencoded';
export const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

const DETAILS = [
  {
    type: 'urn:pemba:permission',
    actions: ['can_reserve'],
    resource: { type: 'item', id: '9' },
  },
];

/** A permit to reserve item 9. */
export const permitForm = (more: Readonly<Record<string, string>> = {}): string =>
  new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: 'a.b.c',
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    audience: 'inventory',
    authorization_details: JSON.stringify(DETAILS),
    ...more,
  }).toString();

/** With no credentials but those that are given. */
export function post(
  pemba: Pemba,
  path: string,
  form: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const all: CallOptions['headers'] = { 'content-type': FORM_TYPE, authorization: '', ...headers };
  return pemba.call('POST', path, undefined, { raw: form, headers: all });
}

/** What every answer of the endpoint has, whatever it says. */
export const errorsOf = (answer: Answer): object => ({
  status: answer.status,
  error: answer.json?.error,
  cache: answer.headers.get('cache-control'),
  pragma: answer.headers.get('pragma'),
  type: answer.headers.get('content-type'),
});

export const failure = (status: number, error: string): object => ({
  status,
  error,
  cache: 'no-store',
  pragma: 'no-cache',
  type: 'application/json; charset=utf-8',
});
