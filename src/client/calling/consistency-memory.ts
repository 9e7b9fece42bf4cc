/**
 * The newest consistency token of each store that any answer brought, so that no later answer is
 * older: neither than a write that was made, nor than what was already shown.
 *
 * WHICH IS NEWER. Answers overtake one another, so the one that comes last is not the newest. A
 * token cannot be made up without the store's key, but its first eight bytes, a version and the
 * revision, can be read by anybody; of two tokens in the version known here, the greater revision
 * counts. Going by the order of events alone was considered: of two writes at once nobody could
 * tell the later, and answers at once would step back.
 *
 * A version not known here says nothing; then the order of events is all there is. A write's token
 * is newer than whatever was known when it was sent. A query's is not older than the token that it
 * was sent with, so it counts if that is still the one in memory. Only of writes that overlap can
 * the wrong one be kept.
 *
 * Tokens that come from outside (`import`) count like others, so a forged one is believed until
 * Pemba refuses it. That is why a user's cookie goes into a session, not into everybody's memory.
 */
import { PembaClientError } from './client-error.js';

export interface Learned {
  readonly token: string | undefined;
  /** What the request was sent with. */
  readonly sentWith: string | undefined;
  readonly isWrite: boolean;
}

export class ConsistencyMemory {
  readonly #held = new Map<string, string>();

  tokenOf(storeId: string): string | undefined {
    return this.#held.get(storeId);
  }

  learn(storeId: string, { token, sentWith, isWrite }: Learned): void {
    if (token === undefined) return;
    const held = this.#held.get(storeId);
    const isNews = held === undefined || (isNewer(token, held) ?? (isWrite || sentWith === held));
    if (isNews) this.#held.set(storeId, token);
  }

  forget(storeId: string): void {
    this.#held.delete(storeId);
  }

  /** Of characters that may stand in a cookie. */
  export(): string {
    return [...this.#held].map((entry) => entry.map(encodeURIComponent).join('.')).join('~');
  }

  import(text: string): void {
    for (const entry of text === '' ? [] : text.split('~')) {
      const [, storeId, token] = ENTRY.exec(entry) ?? [];
      if (storeId === undefined || token === undefined) {
        throw new PembaClientError('invalid_session', 'the text is no exported session');
      }
      this.learn(storeId, { token, sentWith: undefined, isWrite: false });
    }
  }
}

const ENTRY = /^([0-9A-Za-z_-]{1,64})\.([0-9A-Za-z_-]{1,256})$/;

/** Undefined when that cannot be told. */
function isNewer(token: string, held: string): boolean | undefined {
  const [one, other] = [orderOf(token), orderOf(held)];
  return one === undefined || other === undefined ? undefined : one > other;
}

const READABLE = /^[A-Za-z0-9_-]{32}$/;
const VERSION = '\u0002';

/** Version and revision as eight characters of a byte each, which sort as the revisions do. */
function orderOf(token: string): string | undefined {
  if (!READABLE.test(token)) return undefined;
  const bytes = atob(token.slice(0, 12).replaceAll('-', '+').replaceAll('_', '/')).slice(0, 8);
  return bytes.startsWith(VERSION) ? bytes : undefined;
}
