/**
 * A key as its owner holds it: `pemba_{id}_{secret}`. The id finds the row, the secret has 256 random
 * bits. What is stored is a slow hash of the secret: a stolen table gives no key away, and were the
 * secrets ever made with less care, guessing would still be slow. The prefix is for the scanners that
 * look for leaked credentials.
 */
import { scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { isUlid } from '../ids.js';
import type { KeyId } from '../ids.js';
import type { KeyProof } from '../storage/api-keys.js';

export const KEY_PREFIX = 'pemba_';
const SECRET_BYTES = 32;
const SALT_BYTES = 16;
const PROOF_BYTES = 32;
/** About 10 ms and 4 MB, once for each process that meets the key: the outcome is kept. */
const COST = { N: 4096, r: 8, p: 1 } as const;

const KEY = /^pemba_([0-9A-Z]{26})_([A-Za-z0-9_-]{43})$/;

export interface KeyParts {
  readonly id: KeyId;
  readonly secret: string;
}

export type RandomBytes = (count: number) => Buffer;

export function newSecret(random: RandomBytes): string {
  return random(SECRET_BYTES).toString('base64url');
}

export const formatKey = ({ id, secret }: KeyParts): string => `${KEY_PREFIX}${id}_${secret}`;

export function parseKey(text: string): KeyParts | undefined {
  const [, id = '', secret = ''] = KEY.exec(text) ?? [];
  return isUlid(id) ? { id: id as KeyId, secret } : undefined;
}

const hash = promisify<string, Uint8Array, number, typeof COST, Buffer>(scrypt);

export async function proofOf(secret: string, random: RandomBytes): Promise<KeyProof> {
  const salt = random(SALT_BYTES);
  return { salt, proof: await hash(secret, salt, PROOF_BYTES, COST) };
}

export async function provesKey(secret: string, { salt, proof }: KeyProof): Promise<boolean> {
  const made = await hash(secret, salt, PROOF_BYTES, COST);
  return proof.length === made.length && timingSafeEqual(made, proof);
}

/** Held against when there is no such key, so that it takes as long as a wrong secret. */
export const NO_PROOF: KeyProof = {
  salt: Buffer.alloc(SALT_BYTES),
  proof: Buffer.alloc(PROOF_BYTES),
};
