/**
 * Proof that a client holds a key (DPoP, RFC 9449): it signs method and address of this request, once,
 * just now. The key is in the proof itself, so it says nothing about who the client is; what is issued
 * is bound to it.
 */
import { calculateJwkThumbprint, jwtVerify } from 'jose';
import { PembaError } from '../errors.js';
import type { JsonObject } from '../tuple/tuple.js';
import { readCompactParts } from './compact-token.js';
import { ALGORITHMS } from './issuers.js';
import { readJwkSet } from './jwk-set.js';
import type { OneUse } from './one-use.js';
import { isJsonObject } from './strict-json.js';

/** Proofs are made for a request; a minute is for slow networks. */
const AGE_MAX_MS = 60_000;
const CLOCK_SKEW_MS = 5000;
const JTI_LENGTH_MAX = 256;

const refusal = (rule: string, cause?: unknown): PembaError =>
  new PembaError('invalid_dpop_proof', 'the DPoP proof is not valid', {
    facts: { rule: `dpop_${rule}` },
    ...(cause !== undefined && { cause }),
  });

export interface ProofExpectations {
  /** As callers know the endpoint. */
  readonly urls: readonly string[];
  readonly now: number;
  readonly oneUse: OneUse;
}

/** The key's thumbprint (RFC 7638). Rejects with `invalid_dpop_proof`, or `unavailable`. */
export async function provedKey(
  proof: string,
  { urls, now, oneUse }: ProofExpectations,
): Promise<string> {
  const { header, claims } = partsOf(proof);
  const { typ, alg, jwk, ...others } = header;
  const algorithm = ALGORITHMS.find((known) => known === alg);
  if (typ !== 'dpop+jwt') throw refusal('type');
  if (algorithm === undefined) throw refusal('algorithm');
  if (!isJsonObject(jwk) || Object.keys(others).length > 0) throw refusal('header');
  const { htm, htu, iat, jti } = claims;
  if (htm !== 'POST') throw refusal('method');
  const isHere = typeof htu === 'string' && urls.map(withoutQuery).includes(withoutQuery(htu));
  if (!isHere) throw refusal('url');
  if (typeof jti !== 'string' || jti === '' || jti.length > JTI_LENGTH_MAX) throw refusal('jti');
  const madeAt = typeof iat === 'number' ? iat * 1000 : NaN;
  const isFresh = madeAt <= now + CLOCK_SKEW_MS && now - madeAt <= AGE_MAX_MS;
  if (!isFresh) throw refusal('age');
  const thumbprint = await signerOf(proof, jwk, algorithm, now);
  if (!(await oneUse.isFirst(['proof', thumbprint, jti], madeAt + AGE_MAX_MS))) {
    throw refusal('replayed');
  }
  return thumbprint;
}

function partsOf(proof: string): ReturnType<typeof readCompactParts> {
  try {
    return readCompactParts(proof);
  } catch (error) {
    throw refusal('form', error);
  }
}

/** The set's rules are this key's: nothing secret in it, nothing weak, and fit for the algorithm. */
async function signerOf(
  proof: string,
  jwk: JsonObject,
  algorithm: (typeof ALGORITHMS)[number],
  now: number,
): Promise<string> {
  try {
    const { keys } = await readJwkSet(Buffer.from(JSON.stringify({ keys: [jwk] })), [algorithm]);
    const key = keys[0]?.forAlgorithm.get(algorithm);
    if (key === undefined) throw refusal('key');
    await jwtVerify(proof, key, {
      algorithms: [algorithm],
      currentDate: new Date(now),
      clockTolerance: CLOCK_SKEW_MS / 1000,
    });
    return await calculateJwkThumbprint(jwk, 'sha256');
  } catch (error) {
    throw error instanceof PembaError ? error : refusal('signature', error);
  }
}

/** As RFC 9449 compares addresses: normalized, and without what stands behind the path. */
function withoutQuery(text: string): string {
  if (!URL.canParse(text)) return text;
  const { origin, pathname } = new URL(text);
  return origin + pathname;
}
