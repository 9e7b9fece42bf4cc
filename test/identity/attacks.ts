/**
 * Tokens that must not be accepted, each wrong in one way and else as good as can be. They are made
 * with the keys of live issuers, so that what refuses them is the rule that they break. The list
 * serves the verifier alone and the whole service over HTTP.
 */
import type { TokenRule } from '../../src/identity/token-refusal.js';
import { makeKey } from '../support/issuer.js';
import type { TestIssuer } from '../support/issuer.js';
import {
  audienceCases,
  claimCases,
  issuerCases,
  keyCases,
  kindCases,
  timeCases,
} from './attacks-on-claims.js';
import {
  algorithmCases,
  encodingCases,
  encryptedCases,
  headerCases,
  jsonCases,
  signatureCases,
} from './attacks-on-form.js';

export interface Attack {
  readonly name: string;
  readonly token: string;
  /** Whether a client can send it: no white space, and within the 16 KiB that Node takes. */
  readonly fitsHeader: boolean;
  /** That the verifier names in its log. */
  readonly rule: TokenRule;
}

export interface AttackTargets {
  /** Configured by its `settings`: RFC 9068 tokens only. */
  readonly strict: TestIssuer;
  /** Configured by its `settings` with `LAX_CALLERS`. */
  readonly lax: TestIssuer;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** `callers` of an issuer whose access tokens are not typed. */
export const LAX_CALLERS = {
  audience: ['pemba'],
  types: ['at+jwt', 'JWT', 'absent'],
  rfc9068: false,
};

/** Less than 16 KiB by what else a request's head holds. */
const HEADER_LENGTH_MAX = 15_000;

export type AttackCase = readonly [name: string, rule: TokenRule, token: string | Promise<string>];

/** Publishes keys: to be called before anybody reads those of the issuers. */
export async function attackTokens(targets: AttackTargets): Promise<readonly Attack[]> {
  const rsa = await makeKey('rsa', 'RS256');
  const second = await makeKey('second');
  await targets.strict.publish(rsa);
  await targets.strict.publish(second);
  const mallory = await makeKey(targets.strict.key.id);
  const cases = [
    ...(await algorithmCases(targets, rsa)),
    ...(await signatureCases(targets, mallory)),
    ...(await encodingCases(targets)),
    ...jsonCases(targets),
    ...headerCases(targets, mallory),
    ...keyCases(targets, mallory),
    ...issuerCases(targets, mallory),
    ...audienceCases(targets),
    ...timeCases(targets),
    ...kindCases(targets),
    ...(await encryptedCases(targets)),
    ...claimCases(targets),
  ];
  return Promise.all(
    cases.map(async ([name, rule, pending]) => {
      const token = await pending;
      const fitsHeader = /^[\x21-\x7e]+$/.test(token) && token.length <= HEADER_LENGTH_MAX;
      return { name, token, fitsHeader, rule };
    }),
  );
}

export interface AttackRequest {
  readonly name: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Goes behind the path. */
  readonly query: string;
}

/** Requests that bring a good token where none is looked for, or more than one credential. */
export function attackRequests(token: string): readonly AttackRequest[] {
  const bearer = ['authorization', `Bearer ${token}`] as const;
  const request = (name: string, headers: AttackRequest['headers'], query = ''): AttackRequest => ({
    name,
    headers,
    query,
  });
  const authorization = (name: string, value: string): AttackRequest =>
    request(name, [['authorization', value]]);
  return [
    request('no credential', []),
    request('two credentials', [bearer, bearer]),
    request('a credential and one of another scheme', [bearer, ['authorization', 'Basic YTpi']]),
    request('a token in the query', [], `?access_token=${token}`),
    request('a token in a cookie', [['cookie', `access_token=${token}; token=${token}`]]),
    request('a token in a header of a proxy', [['x-forwarded-access-token', token]]),
    request('a name in a header of a proxy', [['x-forwarded-user', 'anne']]),
    authorization('no scheme', token),
    authorization('no token', 'Bearer'),
    authorization('no token but a space', 'Bearer '),
    authorization('another scheme', `Basic ${token}`),
    authorization('DPoP, of which there is no proof', `DPoP ${token}`),
    authorization('two tokens', `Bearer ${token} ${token}`),
    authorization('two tokens with a comma', `Bearer ${token}, Bearer ${token}`),
    authorization('a token in quotes', `Bearer "${token}"`),
  ];
}
