/**
 * The watermarks of one store, in their order, for whoever follows them, and as a list of what is
 * revoked. Those that this process raised count before they have an id; read back, they are the same.
 */
import type { NewRevocation, StoredRevocation } from '../storage/revocations.js';
import { RevocationList } from './revocation-list.js';
import type { Revocable } from './revocation-list.js';
import type { Watermark } from './watermark.js';

export class StoreWatermarks {
  readonly #list = new RevocationList();
  #ordered: Watermark[] = [];
  #lastId = 0;
  /** Seconds since 1970. */
  #prunedAt = 0;

  get lastId(): number {
    return this.#lastId;
  }

  add(stored: readonly StoredRevocation[]): void {
    for (const revocation of stored) {
      // Two readings may overlap.
      if (revocation.id <= this.#lastId) continue;
      // What this program stores is of a kind that it knows.
      const watermark = revocation as Watermark;
      this.#lastId = watermark.id;
      this.#ordered.push(watermark);
      this.#list.note(watermark);
    }
  }

  addOwn(revocations: readonly NewRevocation[]): void {
    for (const revocation of revocations) this.#list.note({ ...revocation, id: 0 } as Watermark);
  }

  after(id: number, limit: number, now: number): readonly Watermark[] {
    this.#prune(now);
    let low = 0;
    let high = this.#ordered.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ordered[middle]?.id ?? 0) <= id) low = middle + 1;
      else high = middle;
    }
    return this.#ordered.slice(low, low + limit);
  }

  concern(permit: Revocable, now: number): boolean {
    this.#prune(now);
    return this.#list.concerns(permit);
  }

  /** Once a second at most. */
  #prune(now: number): void {
    if (now === this.#prunedAt) return;
    this.#prunedAt = now;
    this.#ordered = this.#ordered.filter(({ expiresAt }) => expiresAt > now);
    this.#list.forgetExpired(now);
  }
}
