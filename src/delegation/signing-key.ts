/**
 * A key that signs: Ed25519 (EdDSA) or P-256 (ES256). Its id is its RFC 7638 thumbprint, so no two
 * keys share one, and whoever has the public key can tell. The private key shows in no dump of the
 * object, and leaves it only to be sealed.
 */
import { createPublicKey, generateKeyPairSync, hash, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { JsonObject } from '../tuple/tuple.js';

export type SigningAlgorithm = 'EdDSA' | 'ES256';

interface PublicMembers {
  readonly kty: string;
  readonly crv: string;
  readonly x: string;
  readonly y?: string;
}

/** What is signed to see that the two halves of a key belong together. */
const PROBE = Buffer.from('pemba');

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

export class SigningKey {
  readonly id: string;
  readonly algorithm: SigningAlgorithm;
  readonly publicKey: KeyObject;
  /** As it is published. */
  readonly jwk: JsonObject;
  readonly #privateKey: KeyObject;
  /** Encoded, by `typ`. */
  readonly #headers = new Map<string, string>();
  readonly #signature: (data: Buffer) => Buffer;

  private constructor(privateKey: KeyObject, algorithm: SigningAlgorithm) {
    this.algorithm = algorithm;
    this.#privateKey = privateKey;
    this.publicKey = createPublicKey(privateKey);
    const members = this.publicKey.export({ format: 'jwk' }) as unknown as PublicMembers;
    const { kty, crv, x, y } = members;
    this.id = thumbprint(members);
    this.jwk = {
      kty,
      crv,
      x,
      ...(y !== undefined && { y }),
      kid: this.id,
      alg: algorithm,
      use: 'sig',
    };
    if (algorithm === 'EdDSA') {
      this.#signature = (data) => sign(null, data, privateKey);
    } else {
      const key = { key: privateKey, dsaEncoding: 'ieee-p1363' as const };
      this.#signature = (data) => sign('sha256', data, key);
    }
  }

  /** Undefined for what is no key of these two kinds, or whose halves do not belong together. */
  static of(privateKey: KeyObject): SigningKey | undefined {
    const algorithm = algorithmOf(privateKey);
    if (algorithm === undefined) return undefined;
    const key = new SigningKey(privateKey, algorithm);
    return key.#isWhole() ? key : undefined;
  }

  /** From OpenSSL's own generator: no other is to be trusted with it. */
  static generate(algorithm: SigningAlgorithm): SigningKey {
    const { privateKey } =
      algorithm === 'EdDSA'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = new SigningKey(privateKey, algorithm);
    // On a command line it would be taken for an option.
    return key.id.startsWith('-') ? SigningKey.generate(algorithm) : key;
  }

  /** A JWS in compact form. */
  sign(typ: string, claims: JsonObject): string {
    let header = this.#headers.get(typ);
    if (header === undefined) {
      header = encoded({ alg: this.algorithm, kid: this.id, typ });
      this.#headers.set(typ, header);
    }
    const signed = `${header}.${encoded(claims)}`;
    return `${signed}.${this.#signature(Buffer.from(signed)).toString('base64url')}`;
  }

  /** PKCS #8. To be sealed, and to go nowhere else. */
  exportPrivate(): Buffer {
    return this.#privateKey.export({ format: 'der', type: 'pkcs8' });
  }

  /** A JWK of P-256 names its public half beside the private one, and OpenSSL believes it. */
  #isWhole(): boolean {
    const signature = this.#signature(PROBE);
    return this.algorithm === 'EdDSA'
      ? verify(null, PROBE, this.publicKey, signature)
      : verify('sha256', PROBE, { key: this.publicKey, dsaEncoding: 'ieee-p1363' }, signature);
  }
}

/** RFC 7638: the required members, in the order of their names. */
export function thumbprint({ kty, crv, x, y }: PublicMembers): string {
  return hash('sha256', JSON.stringify({ crv, kty, x, y }), 'base64url');
}

function algorithmOf({
  type,
  asymmetricKeyType,
  asymmetricKeyDetails,
}: KeyObject): SigningAlgorithm | undefined {
  if (type !== 'private') return undefined;
  if (asymmetricKeyType === 'ed25519') return 'EdDSA';
  const isP256 = asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1';
  return isP256 ? 'ES256' : undefined;
}
