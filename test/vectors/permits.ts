/**
 * The golden vectors as they stand in `permits.json`. EdDSA signs the same always; a token of ES256
 * that is in the file already stays, as long as what it signs does.
 */
import { createPublicKey, verify } from 'node:crypto';
import { acceptedPermits, refusedClaims, refusedForm, transactionVectors } from './permit-cases.js';
import { ISSUER, JWKS, SERVICE, dpopEs, es } from './permit-vector.js';
import type { Vector } from './permit-vector.js';
import { confirmationVectors, refusedRequests } from './request-cases.js';

export interface VectorFile {
  readonly issuer: string;
  readonly service: string;
  readonly clock_skew_seconds: number;
  readonly jwks: typeof JWKS;
  readonly vectors: readonly Vector[];
}

export function vectorFile(stored: VectorFile | undefined): VectorFile {
  const vectors = [
    ...acceptedPermits(),
    ...refusedForm(),
    ...refusedClaims(),
    ...refusedRequests(),
    ...confirmationVectors(),
    ...transactionVectors(),
  ];
  const known = new Map(stored?.vectors.map((vector) => [idOf(vector), vector]));
  return {
    issuer: ISSUER,
    service: SERVICE,
    clock_skew_seconds: 5,
    jwks: JWKS,
    vectors: vectors.map((vector) => keptFrom(known.get(idOf(vector)), vector)),
  };
}

const idOf = ({ kind, name }: Vector): string => `${kind} ${name}`;

function keptFrom(known: Vector | undefined, made: Vector): Vector {
  if (known?.kind !== 'permit' || made.kind !== 'permit') return made;
  const token = keptToken(known.token, made.token);
  const { peer } = made.parameters;
  const knownProof = known.parameters.peer.dpop?.proof;
  if (peer.dpop === undefined || knownProof === undefined || token !== known.token) {
    return { ...made, token };
  }
  const dpop = { ...peer.dpop, proof: keptToken(knownProof, peer.dpop.proof) };
  return { ...made, token, parameters: { ...made.parameters, peer: { ...peer, dpop } } };
}

/** The stored one, if it is the same but for the dice in its signature. */
function keptToken(known: string, made: string): string {
  const input = signedPart(known);
  const isSame = input === signedPart(made) && (isOf(es, known) || isOf(dpopEs, known));
  return isSame ? known : made;
}

const signedPart = (token: string): string => token.slice(0, token.lastIndexOf('.'));

function isOf({ publicJwk }: typeof es, token: string): boolean {
  const key = createPublicKey({ key: publicJwk, format: 'jwk' });
  const signature = Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url');
  const options = { key, dsaEncoding: 'ieee-p1363' as const };
  return verify('sha256', Buffer.from(signedPart(token)), options, signature);
}
