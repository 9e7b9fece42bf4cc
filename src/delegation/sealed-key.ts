/**
 * A private key as it lies in the database: AES-256-GCM under the master key. What is sealed is bound
 * to what it is for and to the key's id, so that one row's secret is of no use in another.
 *
 *   version (1) | nonce (12) | ciphertext | tag (16)
 */
import { createCipheriv, createDecipheriv, createPrivateKey } from 'node:crypto';
import type { RandomBytes } from '../identity/key-text.js';
import { SigningKey } from './signing-key.js';

/** By its class it cannot be mistaken for other bytes, and it shows in no dump. */
export class MasterKey {
  readonly #bytes: Buffer;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  static readonly LENGTH = 32;

  /** Base64, of either alphabet; undefined if it is not that of 32 bytes. */
  static parse(text: string): MasterKey | undefined {
    if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return undefined;
    return new MasterKey(Buffer.from(text, 'base64'));
  }

  seal(key: SigningKey, random: RandomBytes): Uint8Array {
    const nonce = random(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#bytes, nonce).setAAD(purposeOf(key.id));
    const text = Buffer.concat([cipher.update(key.exportPrivate()), cipher.final()]);
    return Buffer.concat([Buffer.of(VERSION), nonce, text, cipher.getAuthTag()]);
  }

  /** Undefined when it was sealed under another master key, for another id, or was changed. */
  open(id: string, sealed: Uint8Array): SigningKey | undefined {
    const bytes = Buffer.from(sealed);
    if (bytes[0] !== VERSION || bytes.length <= 1 + NONCE_BYTES + TAG_BYTES) return undefined;
    const nonce = bytes.subarray(1, 1 + NONCE_BYTES);
    const text = bytes.subarray(1 + NONCE_BYTES, -TAG_BYTES);
    const decipher = createDecipheriv(CIPHER, this.#bytes, nonce, { authTagLength: TAG_BYTES })
      .setAAD(purposeOf(id))
      .setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      const der = Buffer.concat([decipher.update(text), decipher.final()]);
      const key = SigningKey.of(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
      return key?.id === id ? key : undefined;
    } catch {
      return undefined;
    }
  }
}

const VERSION = 1;
const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const purposeOf = (id: string): Buffer => Buffer.from(`pemba signing key ${id}`);
