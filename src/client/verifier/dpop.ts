/**
 * A DPoP proof (RFC 9449): who presents a permit has the key that the permit is bound to, now, for
 * this request. The key comes in the proof's header and is believed only because its thumbprint is
 * the one in the permit.
 */
import { createPublicKey, hash } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { PermitRefused } from '../../delegation/permit-refused.js';
import { isSignedBy } from '../../delegation/signed-token.js';
import type { SigningAlgorithm } from '../../delegation/signed-token.js';
import { compactParts } from '../../identity/compact-token.js';
import { isJsonObject, strictJson } from '../../identity/strict-json.js';
import type { JsonObject, JsonValue } from '../../tuple/tuple.js';

export interface DpopPresentation {
  /** The value of the `DPoP` header, of which there must be one. */
  readonly proof: string;
  readonly method: string;
  /** As the client addressed it; what stands in front of the service may have changed it since. */
  readonly url: string;
}

export interface DpopExpectations {
  readonly permit: string;
  /** The thumbprint that the permit names. */
  readonly jkt: string;
  readonly algorithms: readonly SigningAlgorithm[];
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly skewSeconds: number;
}

/** Whose claims fit; only its signature is to be checked. */
export interface DpopProof {
  readonly id: string;
  /** Seconds since 1970; afterwards it is not fresh, and need not be remembered. */
  readonly expiresAt: number;
  readonly isSigned: () => boolean;
}

const PROOF_TYPE = 'dpop+jwt';
/** A proof is made for one request, on its way. */
const FRESH_SECONDS = 60;
const PROOF_LENGTH_MAX = 4096;
const ID_LENGTH_MAX = 512;
/** `jwk` belongs into this header; what these do has no place in one. */
const REFUSED_IN_HEADER = ['crit', 'b64', 'jku', 'x5u', 'x5c', 'zip', 'enc'];
/** Of a key, what says which point it is, in the order of RFC 7638. */
const MATERIAL = {
  EdDSA: { kty: 'OKP', crv: 'Ed25519', members: ['crv', 'kty', 'x'] },
  ES256: { kty: 'EC', crv: 'P-256', members: ['crv', 'kty', 'x', 'y'] },
} as const;

export function readDpopProof(
  { proof, method, url }: DpopPresentation,
  expected: DpopExpectations,
): DpopProof {
  const parts = proof.length > PROOF_LENGTH_MAX ? undefined : compactParts(proof);
  const header = parts && strictJson(parts.header);
  const claims = parts && strictJson(parts.payload);
  if (!parts || !isJsonObject(header) || !isJsonObject(claims)) throw invalidProof();
  const { algorithm, key } = readHeader(header, expected);
  const { htm, htu, jti, ath, iat } = claims;
  if (htm !== method || typeof htu !== 'string' || !isSameAddress(htu, url)) throw invalidProof();
  if (ath !== hash('sha256', expected.permit, 'base64url')) throw invalidProof();
  if (typeof jti !== 'string' || jti === '' || jti.length > ID_LENGTH_MAX) throw invalidProof();
  const signedBytes = Buffer.from(proof.slice(0, proof.lastIndexOf('.')), 'latin1');
  return {
    id: jti,
    expiresAt: freshUntil(iat, expected),
    isSigned: () => isSignedBy({ algorithm, signedBytes, signature: parts.signature }, key),
  };
}

function readHeader(
  header: JsonObject,
  { algorithms, jkt }: DpopExpectations,
): { readonly algorithm: SigningAlgorithm; readonly key: KeyObject } {
  const { typ, alg, jwk } = header;
  if (typ !== PROOF_TYPE) throw invalidProof();
  if (REFUSED_IN_HEADER.some((name) => Object.hasOwn(header, name))) throw invalidProof();
  const algorithm = algorithms.find((allowed) => allowed === alg);
  if (algorithm === undefined || !isJsonObject(jwk) || Object.hasOwn(jwk, 'd')) {
    throw invalidProof();
  }
  const { kty, crv, members } = MATERIAL[algorithm];
  if (jwk['kty'] !== kty || jwk['crv'] !== crv) throw invalidProof();
  const material = Object.fromEntries(members.map((name) => [name, jwk[name] ?? null]));
  if (hash('sha256', JSON.stringify(material), 'base64url') !== jkt) {
    throw new PermitRefused('not_proved');
  }
  try {
    return { algorithm, key: createPublicKey({ key: material, format: 'jwk' }) };
  } catch (error) {
    throw new PermitRefused('invalid_proof', { cause: error });
  }
}

function freshUntil(iat: JsonValue | undefined, { now, skewSeconds }: DpopExpectations): number {
  if (typeof iat !== 'number' || !Number.isFinite(iat)) throw invalidProof();
  const expiresAt = iat + FRESH_SECONDS + skewSeconds;
  const seconds = now / 1000;
  if (iat - skewSeconds > seconds || seconds >= expiresAt) throw invalidProof();
  return Math.ceil(expiresAt);
}

/** Without query and fragment, after what RFC 3986 lets URLs differ in that are the same. */
function isSameAddress(htu: string, url: string): boolean {
  const [one, other] = [htu, url].map((text) => {
    if (!URL.canParse(text)) return undefined;
    const { origin, pathname } = new URL(text);
    return `${origin}${pathname}`;
  });
  return one !== undefined && one === other;
}

const invalidProof = (): PermitRefused => new PermitRefused('invalid_proof');
