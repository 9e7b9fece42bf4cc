/**
 * Why a token is refused. The log gets the rule; whoever presented the token as a credential gets
 * nothing, since he may be anybody; a caller that is known already, and hands over the token of a
 * user, may read what to mend.
 */
import { PembaError } from '../errors.js';
import { refused } from './refusal.js';

const RULES = {
  size: 'it is too long',
  form: 'it is not a signed JWT in compact form',
  json: 'its header or payload is not a JSON object, or names a member twice',
  header: 'its header has a member that is not accepted',
  key_id: 'its `kid` is not a key id',
  algorithm: 'its `alg` is not accepted',
  type: 'its `typ` is not accepted here',
  issuer: 'its `iss` is not a known issuer',
  use: 'tokens of its issuer do not serve this purpose',
  audience: 'its `aud` does not name the audience expected here',
  expiry: 'it has expired, or its `exp` is missing or wrong',
  not_before: 'it is not valid yet, or its `nbf` is wrong',
  issued_at: 'its `iat` is in the future or wrong',
  lifetime: 'it lives longer than is accepted',
  required_claim: 'a claim is missing that access tokens must have',
  id_token: 'it is an ID token, not an access token',
  unknown_key: 'its issuer has no such key',
  ambiguous_key: 'several keys of its issuer fit, and it does not name one',
  key_algorithm: 'the key that it names is of another algorithm',
  signature: 'its signature is wrong',
  subject: 'the claim that identifies its subject is missing or cannot be an id',
  client: 'the claim that identifies its client is missing or cannot be an id',
} as const;

export type TokenRule = keyof typeof RULES;

export const tokenRefusal: (rule: TokenRule, cause?: unknown) => PembaError = refused;

/** The broken rule of an error of `tokenRefusal`. */
export function brokenRule(error: unknown): TokenRule | undefined {
  if (!(error instanceof PembaError) || error.code !== 'unauthenticated') return undefined;
  const { rule } = error.facts;
  return typeof rule === 'string' && isTokenRule(rule) ? rule : undefined;
}

const isTokenRule = (rule: string): rule is TokenRule => Object.hasOwn(RULES, rule);

/**
 * What a known caller is told of a subject token: the rule, in words. Any other error, such as
 * `issuer_unavailable`, is what it was.
 */
export function subjectTokenError(error: unknown): unknown {
  const rule = brokenRule(error);
  if (rule === undefined) return error;
  return new PembaError('invalid_subject_token', `subject_token: ${RULES[rule]}`, {
    facts: { field: 'subject_token', rule },
    cause: error,
  });
}

export const issuerUnavailable = (cause?: unknown): PembaError =>
  new PembaError('issuer_unavailable', "the keys of the token's issuer cannot be had", {
    ...(cause !== undefined && { cause }),
  });
