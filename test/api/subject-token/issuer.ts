/** An issuer of users' tokens with a key of its own, and a small verifier that trusts it. */
import { SignJWT, generateKeyPair, jwtVerify } from 'jose';
import { PembaError } from '../../../src/errors.js';
import { subjectTokens } from '../../../src/identity/subject-tokens.js';
import type { SubjectTokens } from '../../../src/identity/subject-tokens.js';
import { idOfClaim } from '../../../src/tuple/claim-id.js';
import type { JsonObject } from '../../../src/tuple/tuple.js';

const ISSUER = 'https://login.example.com/realms/corp';
const AUDIENCE = 'pemba';
const ALGORITHM = 'ES256';

export interface Issuer {
  readonly tokens: SubjectTokens;
  /** How often a signature has been looked at. */
  readonly verifications: () => number;
  /** Signed, with everything that a token needs besides these claims. */
  sign(claims: object): Promise<string>;
}

interface Verified {
  readonly claims: JsonObject;
  readonly expiresAt: number;
}

export async function createIssuer(): Promise<Issuer> {
  const { privateKey, publicKey } = await generateKeyPair(ALGORITHM);
  const known = new Map<string, Verified>();
  let verifications = 0;

  async function verifyAnew(token: string): Promise<Verified> {
    verifications += 1;
    const { payload } = await jwtVerify(token, publicKey, {
      algorithms: [ALGORITHM],
      issuer: ISSUER,
      audience: AUDIENCE,
      requiredClaims: ['exp', 'sub'],
    }).catch((error: unknown) => {
      throw new PembaError('unauthenticated', 'the token is not valid', { cause: error });
    });
    const verified = { claims: payload as JsonObject, expiresAt: (payload.exp ?? 0) * 1000 };
    known.set(token, verified);
    return verified;
  }

  return {
    tokens: subjectTokens(
      (token) => known.get(token) ?? verifyAnew(token),
      ({ claims }) => {
        const type = typeof claims['typ'] === 'string' ? claims['typ'] : 'user';
        const id = typeof claims['sub'] === 'string' ? idOfClaim(claims['sub']) : undefined;
        if (id === undefined) throw new PembaError('unauthenticated', 'sub is no id');
        return { kind: 'object', type, id };
      },
    ),
    verifications: () => verifications,
    sign: (claims) =>
      new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: 'anne', ...claims })
        .setProtectedHeader({ alg: ALGORITHM })
        .setExpirationTime('5m')
        .sign(privateKey),
  };
}
