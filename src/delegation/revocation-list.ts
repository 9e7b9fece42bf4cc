/**
 * The watermarks that are known, bounded: of those that do not fit, the newest moment is kept for
 * everybody. So a flood of revocations refuses some permits that nobody revoked, each for its minute,
 * and never admits one that somebody did.
 */
import type { Watermark } from './watermark.js';

/** What of a token a watermark may concern. */
export interface Revocable {
  readonly id: string;
  readonly subject: string;
  readonly actors: readonly string[];
  readonly transactionId: string;
  /** Seconds since 1970. */
  readonly issuedAt: number;
}

type Mark = Pick<Watermark, 'notBefore' | 'expiresAt'>;

/** In five minutes, the longest that a permit lives, 300 a second; some 20 MB. */
const ENTRIES_MAX_DEFAULT = 100_000;
const NO_MARK: Mark = { notBefore: -1, expiresAt: -1 };

export class RevocationList {
  readonly #entriesMax: number;
  readonly #marks = new Map<string, Mark>();
  #ofAll: Mark = NO_MARK;

  constructor(entriesMax = ENTRIES_MAX_DEFAULT) {
    this.#entriesMax = entriesMax;
  }

  get size(): number {
    return this.#marks.size;
  }

  note({ kind, value, ...mark }: Watermark): void {
    const key = keyOf(kind, value);
    const known = this.#marks.get(key);
    if (kind === 'all' || (known === undefined && this.#marks.size >= this.#entriesMax)) {
      this.#ofAll = later(this.#ofAll, mark);
    } else {
      this.#marks.set(key, later(known ?? NO_MARK, mark));
    }
  }

  concerns({ id, subject, actors, transactionId, issuedAt }: Revocable): boolean {
    if (issuedAt <= this.#ofAll.notBefore) return true;
    if (this.#marks.size === 0) return false;
    const keys = [
      keyOf('jti', id),
      keyOf('sub', subject),
      keyOf('txn', transactionId),
      ...actors.map((actor) => keyOf('act', actor)),
    ];
    return keys.some((key) => issuedAt <= (this.#marks.get(key)?.notBefore ?? -1));
  }

  /** `before` is in seconds since 1970. */
  forgetExpired(before: number): void {
    if (this.#ofAll.expiresAt < before) this.#ofAll = NO_MARK;
    for (const [key, { expiresAt }] of this.#marks) {
      if (expiresAt < before) this.#marks.delete(key);
    }
  }
}

const keyOf = (kind: string, value: string): string => `${kind} ${value}`;

const later = (one: Mark, other: Mark): Mark => ({
  notBefore: Math.max(one.notBefore, other.notBefore),
  expiresAt: Math.max(one.expiresAt, other.expiresAt),
});
