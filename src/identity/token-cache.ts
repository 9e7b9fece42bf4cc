/**
 * What became of tokens that were checked, by the SHA-256 of their text: the tokens themselves do
 * not stay in memory. A verdict counts as long as the key that gave it is in its issuer's set, an
 * acceptance while the token is valid (without the clock skew; within it a token is checked anew),
 * a wrong signature for a short while.
 *
 * Acceptances and refusals stand apart, so that a flood of forgeries drives out no honest token.
 */
import { hash } from 'node:crypto';
import type { Clock } from '../clock.js';
import { BoundedMap } from './bounded-map.js';
import type { VerificationKey } from './jwk-set.js';
import type { KeySet } from './key-set.js';
import type { VerifiedToken } from './token-verifier.js';

/** The key that a token was checked with, and the set that has to go on holding it. */
export interface UsedKey {
  readonly keySet: KeySet;
  readonly key: VerificationKey;
}

interface Acceptance extends UsedKey {
  readonly token: VerifiedToken;
  readonly notBefore: number;
}

interface Refusal extends UsedKey {
  readonly error: Error;
  readonly until: number;
}

/** A signature check takes 0.1 to 0.6 ms, this 1 µs; a client that goes on with a bad token pays for few. */
const REFUSALS_MAX = 1000;
const REFUSED_MS = 30_000;

export const digestOf = (token: string): string => hash('sha256', token, 'base64');

export class TokenCache {
  readonly #clock: Clock;
  readonly #acceptances: BoundedMap<string, Acceptance>;
  readonly #refusals = new BoundedMap<string, Refusal>(REFUSALS_MAX);

  constructor(clock: Clock, entriesMax: number) {
    this.#clock = clock;
    this.#acceptances = new BoundedMap(entriesMax);
  }

  get size(): number {
    return this.#acceptances.size;
  }

  /** Undefined when nothing counts for it any more. */
  accepted(digest: string): VerifiedToken | undefined {
    const found = this.#acceptances.get(digest);
    if (found === undefined) return undefined;
    const { token, notBefore, keySet, key } = found;
    const now = this.#clock.now();
    if (notBefore <= now && now < token.expiresAt && keySet.holds(key)) return token;
    this.#acceptances.delete(digest);
    return undefined;
  }

  refused(digest: string): Error | undefined {
    const found = this.#refusals.get(digest);
    if (found === undefined) return undefined;
    if (this.#clock.monotonic() < found.until && found.keySet.holds(found.key)) return found.error;
    this.#refusals.delete(digest);
    return undefined;
  }

  accept(digest: string, token: VerifiedToken, notBefore: number, { keySet, key }: UsedKey): void {
    this.#acceptances.set(digest, { token, notBefore, keySet, key });
  }

  refuse(digest: string, error: Error, { keySet, key }: UsedKey): void {
    this.#refusals.set(digest, { error, until: this.#clock.monotonic() + REFUSED_MS, keySet, key });
  }
}
