/**
 * The watermarks of one store: in their order, for whoever follows them, and by what they concern.
 * Those that this process raised count before they have an id; what is read back is the same again.
 */
import type { NewRevocation } from '../storage/revocations.js';
import type { Watermark } from './watermark.js';

/** What of a permit a watermark can name. */
export interface Revocable {
  readonly id: string;
  readonly subject: string;
  readonly actors: readonly string[];
  readonly transactionId: string;
  /** Seconds since 1970. */
  readonly issuedAt: number;
}

type Mark = Pick<NewRevocation, 'notBefore' | 'expiresAt'>;

export class StoreWatermarks {
  #ordered: Watermark[] = [];
  readonly #marks = new Map<string, Mark>();
  #lastId = 0;
  /** Seconds; what expires before it may still be in the map. */
  #prunedAt = 0;

  get lastId(): number {
    return this.#lastId;
  }

  add(watermarks: readonly (NewRevocation & { readonly id: number })[]): void {
    for (const watermark of watermarks) {
      // Two readings may overlap.
      if (watermark.id <= this.#lastId) continue;
      this.#lastId = watermark.id;
      this.#ordered.push(watermark as Watermark);
      this.#mark(watermark);
    }
  }

  addOwn(revocations: readonly NewRevocation[]): void {
    for (const revocation of revocations) this.#mark(revocation);
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

  concern({ id, subject, actors, transactionId, issuedAt }: Revocable, now: number): boolean {
    this.#prune(now);
    const named = [`jti ${id}`, `sub ${subject}`, `txn ${transactionId}`, 'all '];
    return [...named, ...actors.map((actor) => `act ${actor}`)].some(
      (name) => issuedAt <= (this.#marks.get(name)?.notBefore ?? -1),
    );
  }

  #mark({ kind, value, notBefore, expiresAt }: NewRevocation): void {
    const name = `${kind} ${value}`;
    const known = this.#marks.get(name);
    this.#marks.set(name, {
      notBefore: Math.max(notBefore, known?.notBefore ?? 0),
      expiresAt: Math.max(expiresAt, known?.expiresAt ?? 0),
    });
  }

  /** Once a second at most. */
  #prune(now: number): void {
    if (now <= this.#prunedAt) return;
    this.#prunedAt = now;
    this.#ordered = this.#ordered.filter(({ expiresAt }) => expiresAt > now);
    for (const [name, { expiresAt }] of this.#marks) {
      if (expiresAt <= now) this.#marks.delete(name);
    }
  }
}
