/**
 * One store's consistency tokens: a revision, authenticated with the store's key, which is a column
 * of its row. So a token is good in every process and after a dump and a restore, and nobody can
 * make one up, for this store or from another's.
 *
 *   byte     0        1 … 7      8 … 23
 *            version  revision   HMAC-SHA256(key, "consistency" 0 store 0 bytes 0 … 7), its first half
 *
 * 24 bytes fill 32 characters of base64url to the last bit: every token has one spelling.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { asRevision } from '../ids.js';
import type { Revision, StoreId } from '../ids.js';

const VERSION = 2;
const REVISION_BITS = 0xff_ff_ff_ff_ff_ff_ffn;
const MAC_OFFSET = 8;
const MAC_LENGTH = 16;
const TOKEN = /^[A-Za-z0-9_-]{32}$/;

interface Known {
  readonly revision: Revision;
  readonly token: string;
}

export class ConsistencyTokens {
  readonly #storeId: StoreId;
  readonly #key: Uint8Array;
  /** Most answers have the token of the one before, and clients hand the newest back. */
  #given: Known | undefined;
  #verified: Known | undefined;

  constructor(storeId: StoreId, key: Uint8Array) {
    this.#storeId = storeId;
    this.#key = key;
  }

  of(revision: Revision): string {
    if (this.#given?.revision !== revision) {
      this.#given = { revision, token: this.#make(revision) };
    }
    return this.#given.token;
  }

  /** Undefined unless it is a token of this store; the revision need not exist any more. */
  revisionOf(token: string): Revision | undefined {
    // Comparing with what is known may tell how much of it agrees: of tokens that were given out.
    if (token === this.#given?.token) return this.#given.revision;
    if (token !== this.#verified?.token) {
      const revision = this.#verify(token);
      if (revision === undefined) return undefined;
      this.#verified = { revision, token };
    }
    return this.#verified.revision;
  }

  #make(revision: Revision): string {
    const bytes = Buffer.alloc(MAC_OFFSET + MAC_LENGTH);
    // A revision is less than 2^53: the first byte is free.
    bytes.writeBigUInt64BE(BigInt(revision));
    bytes[0] = VERSION;
    this.#mac(bytes).copy(bytes, MAC_OFFSET);
    return bytes.toString('base64url');
  }

  #verify(token: string): Revision | undefined {
    if (!TOKEN.test(token)) return undefined;
    const bytes = Buffer.from(token, 'base64url');
    if (bytes[0] !== VERSION) return undefined;
    if (!timingSafeEqual(bytes.subarray(MAC_OFFSET), this.#mac(bytes))) return undefined;
    return asRevision(Number(bytes.readBigUInt64BE() & REVISION_BITS));
  }

  #mac(bytes: Buffer): Buffer {
    return createHmac('sha256', this.#key)
      .update(`consistency\0${this.#storeId}\0`)
      .update(bytes.subarray(0, MAC_OFFSET))
      .digest()
      .subarray(0, MAC_LENGTH);
  }
}
