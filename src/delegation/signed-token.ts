/**
 * A token that Pemba signs, in JWS compact form: `{alg, kid, typ}` in the header and nothing else,
 * so that there is nothing in it to be misunderstood, and claims in strict JSON. Reading it believes
 * nothing; `isSignedBy` does, once a key of the issuer was found for it.
 *
 * The key that verifies is chosen by `kid` among the issuer's alone, and it must be of the kind that
 * `alg` asks for: a key of another kind is never tried.
 */
import { verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { compactParts } from '../identity/compact-token.js';
import { isJsonObject, strictJson } from '../identity/strict-json.js';
import type { JsonObject } from '../tuple/tuple.js';
import { PermitRefused } from './permit-refused.js';

export const SIGNING_ALGORITHMS = ['EdDSA', 'ES256'] as const;
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

export interface SignedToken {
  readonly algorithm: SigningAlgorithm;
  readonly keyId: string;
  readonly claims: JsonObject;
  readonly signedBytes: Uint8Array;
  readonly signature: Uint8Array;
}

/** Sixteen permissions with their contexts fit well; Node takes no longer headers either. */
const TOKEN_LENGTH_MAX = 16_384;
const KEY_ID_LENGTH_MAX = 200;
/** Of both algorithms: r and s, or R and S, of 32 bytes each. */
const SIGNATURE_BYTES = 64;

/** Throws `PermitRefused` for what is not of this type, form and list of algorithms. */
export function readSignedToken(
  token: string,
  type: string,
  algorithms: readonly SigningAlgorithm[] = SIGNING_ALGORITHMS,
): SignedToken {
  if (token.length > TOKEN_LENGTH_MAX) throw new PermitRefused('too_long');
  const parts = compactParts(token);
  if (parts === undefined) throw new PermitRefused('malformed');
  const header = strictJson(parts.header);
  const claims = strictJson(parts.payload);
  if (!isJsonObject(header) || !isJsonObject(claims)) throw new PermitRefused('malformed');
  const { alg, kid, typ, ...others } = header;
  if (Object.keys(others).length > 0) throw new PermitRefused('header_not_allowed');
  if (typ !== type) throw new PermitRefused('wrong_type');
  const algorithm = algorithms.find((allowed) => allowed === alg);
  if (algorithm === undefined) throw new PermitRefused('algorithm_not_allowed');
  if (typeof kid !== 'string' || kid === '' || kid.length > KEY_ID_LENGTH_MAX) {
    throw new PermitRefused('unknown_key');
  }
  const signedBytes = Buffer.from(token.slice(0, token.lastIndexOf('.')), 'latin1');
  return { algorithm, keyId: kid, claims, signedBytes, signature: parts.signature };
}

/** What a token says it is; believed by nobody yet. Undefined where it says nothing. */
export function claimedType(token: string): string | undefined {
  const header = token.length > TOKEN_LENGTH_MAX ? undefined : compactParts(token)?.header;
  const members = header && strictJson(header);
  return isJsonObject(members) && typeof members['typ'] === 'string' ? members['typ'] : undefined;
}

type Signed = Pick<SignedToken, 'algorithm' | 'signedBytes' | 'signature'>;

export function isSignedBy({ algorithm, signedBytes, signature }: Signed, key: KeyObject): boolean {
  if (!isKeyFor(algorithm, key) || signature.length !== SIGNATURE_BYTES) return false;
  return algorithm === 'EdDSA'
    ? verify(null, signedBytes, key, signature)
    : verify('sha256', signedBytes, { key, dsaEncoding: 'ieee-p1363' }, signature);
}

export function isKeyFor(algorithm: SigningAlgorithm, key: KeyObject): boolean {
  if (key.type !== 'public') return false;
  if (algorithm === 'EdDSA') return key.asymmetricKeyType === 'ed25519';
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
}
