/**
 * What counts once only: assertions of clients and proofs of possession, for as long as they could
 * count again. A process remembers what it has seen itself, which decides at once between requests
 * that arrive together; the database decides between processes.
 *
 * While the database is away, each process goes on by itself: something stolen could then be used
 * once with every process, within its minutes. The other choice was that nobody gets a token while
 * the database is away, although the decision itself needs none. RFC 7523 leaves even less to be
 * demanded: there, to look for replays at all is optional.
 */
import { createHash } from 'node:crypto';
import { PembaError } from '../errors.js';
import { BoundedMap } from './bounded-map.js';

/** Claims a digest for all processes; rejects with `unavailable`. */
export type Claim = (digest: Uint8Array, expiresAt: Date) => Promise<boolean>;

/** Of some 150 bytes each; three hundred a second for five minutes. */
const MAX_REMEMBERED = 100_000;

export class OneUse {
  readonly #claim: Claim;
  readonly #now: () => number;
  readonly #onAlone: (error: PembaError) => void;
  /** By digest, until when. */
  readonly #seen = new BoundedMap<string, number>(MAX_REMEMBERED);

  /** `onAlone` hears of every use that no other process could be asked about. */
  constructor(claim: Claim, now: () => number, onAlone: (error: PembaError) => void) {
    this.#claim = claim;
    this.#now = now;
    this.#onAlone = onAlone;
  }

  /** Whether this is the first use; `name` tells whose and which it is. */
  async isFirst(name: readonly string[], expiresAt: number): Promise<boolean> {
    const digest = createHash('sha256').update(JSON.stringify(name)).digest();
    const key = digest.toString('base64');
    if ((this.#seen.get(key) ?? -Infinity) > this.#now()) return false;
    this.#seen.set(key, expiresAt);
    try {
      return await this.#claim(digest, new Date(expiresAt));
    } catch (error) {
      if (!(error instanceof PembaError && error.code === 'unavailable')) throw error;
      this.#onAlone(error);
      return true;
    }
  }
}
