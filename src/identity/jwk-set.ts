/**
 * A JWK set as its issuer publishes it → keys that verify. A set that holds a secret is refused
 * whole: whoever publishes one has lost it, and nothing signed with it or beside it proves anything.
 * Members that are merely of no use here (for encryption, of other algorithms, too weak) are left
 * out and told of.
 */
import { calculateJwkThumbprint, importJWK } from 'jose';
import type { CryptoKey, JWK } from 'jose';
import type { JsonObject, JsonValue } from '../tuple/tuple.js';
import type { Algorithm } from './issuers.js';
import { isJsonObject, strictJson } from './strict-json.js';

export interface VerificationKey {
  readonly id: string | undefined;
  /** Tells whether a set that was read later still has this key, for the same use. */
  readonly identity: string;
  readonly forAlgorithm: ReadonlyMap<Algorithm, CryptoKey>;
}

export interface JwkSet {
  readonly keys: readonly VerificationKey[];
  /** A sentence for each member that is left out. */
  readonly ignored: readonly string[];
}

/** Issuers have a handful; each import costs, and a lookup walks over them. */
const KEYS_MAX = 100;
const KEY_ID_LENGTH_MAX = 200;
/** Below is broken or soon will be; above, each signature costs milliseconds. */
const RSA_BITS_MIN = 2048;
const RSA_BITS_MAX = 8192;

const SECRET_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

/** Of a key, what says which point or number it is; all else is not handed on. */
const MATERIAL = { RSA: ['kty', 'n', 'e'], EC: ['kty', 'crv', 'x', 'y'], OKP: ['kty', 'crv', 'x'] };

const KINDS: Readonly<Record<Algorithm, { readonly kty: string; readonly crv?: string }>> = {
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
  PS256: { kty: 'RSA' },
  PS384: { kty: 'RSA' },
  PS512: { kty: 'RSA' },
  RS256: { kty: 'RSA' },
  RS384: { kty: 'RSA' },
  RS512: { kty: 'RSA' },
};

/** Throws, with a sentence for the log, when the text is no set or one that is refused whole. */
export async function readJwkSet(
  bytes: Uint8Array,
  algorithms: readonly Algorithm[],
): Promise<JwkSet> {
  const keys: VerificationKey[] = [];
  const ignored: string[] = [];
  for (const [index, jwk] of membersOf(strictJson(bytes)).entries()) {
    const key = await readKey(jwk, algorithms);
    if (typeof key === 'string') ignored.push(`key ${index + 1} ${key}`);
    else keys.push(key);
  }
  return { keys, ignored };
}

function membersOf(set: JsonValue | undefined): readonly JsonObject[] {
  const keys = isJsonObject(set) && Object.hasOwn(set, 'keys') ? set['keys'] : undefined;
  if (!Array.isArray(keys) || !keys.every(isJsonObject)) throw new Error('it is not a JWK set');
  if (keys.length > KEYS_MAX) throw new Error(`it has more than ${KEYS_MAX} keys`);
  for (const jwk of keys) {
    if (jwk['kty'] === 'oct' || SECRET_MEMBERS.some((name) => Object.hasOwn(jwk, name))) {
      throw new Error('it publishes a private or symmetric key');
    }
  }
  return keys;
}

/** The key, or why it is left out. */
async function readKey(
  jwk: JsonObject,
  algorithms: readonly Algorithm[],
): Promise<VerificationKey | string> {
  const { kid, use, key_ops: operations, alg } = jwk;
  if (kid !== undefined && !isKeyId(kid)) return 'has a kid that is no key id';
  if (use !== undefined && use !== 'sig') return 'is not for signatures';
  if (operations !== undefined && !isVerifying(operations)) return 'is not for verifying';
  const fitting = algorithms.filter((algorithm) => {
    const { kty, crv } = KINDS[algorithm];
    const isOfKind = jwk['kty'] === kty && (crv === undefined || jwk['crv'] === crv);
    return isOfKind && (alg === undefined || alg === algorithm);
  });
  if (fitting.length === 0) return 'is of no accepted algorithm';
  const material = materialOf(jwk);
  if (material === undefined) return 'is incomplete';
  const weakness = material.kty === 'RSA' ? rsaProblem(material) : undefined;
  if (weakness !== undefined) return weakness;
  try {
    const thumbprint = await calculateJwkThumbprint(material);
    const forAlgorithm = new Map<Algorithm, CryptoKey>();
    for (const algorithm of fitting) {
      const key = await importJWK(material, algorithm);
      if (!(key instanceof Uint8Array)) forAlgorithm.set(algorithm, key);
    }
    const identity = [thumbprint, fitting.join(), kid ?? ''].join(' ');
    return { id: kid, identity, forAlgorithm };
  } catch {
    return 'is not a valid key';
  }
}

const isKeyId = (kid: JsonValue): kid is string =>
  typeof kid === 'string' && kid !== '' && kid.length <= KEY_ID_LENGTH_MAX;

const isVerifying = (operations: JsonValue): boolean =>
  Array.isArray(operations) && operations.includes('verify');

function materialOf(jwk: JsonObject): JWK | undefined {
  const { kty } = jwk;
  if (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP') return undefined;
  const entries = MATERIAL[kty].map((name) => [name, jwk[name]] as const);
  if (!entries.every(([, value]) => typeof value === 'string')) return undefined;
  return Object.fromEntries(entries);
}

function rsaProblem({ n = '', e = '' }: JWK): string | undefined {
  const modulus = Buffer.from(n, 'base64url').toString('hex').replace(/^0+/, '');
  const bits = modulus.length * 4;
  if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX) return `has ${bits} bits`;
  const exponent = Number(`0x${Buffer.from(e, 'base64url').toString('hex')}`);
  // With an exponent of 1 every message is its own signature.
  const isSound = exponent >= 3 && exponent <= 0xffffffff && exponent % 2 === 1;
  return isSound ? undefined : 'has an unsound exponent';
}
