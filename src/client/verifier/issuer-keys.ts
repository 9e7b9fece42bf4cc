/**
 * The issuer's keys as `node:crypto` takes them. A known key is there in the same turn; an unknown
 * one is looked for once a cooldown, as for all issuers' tokens.
 */
import { KeyObject } from 'node:crypto';
import { PermitRefused } from '../../delegation/permit-refused.js';
import type { SignedToken } from '../../delegation/signed-token.js';
import type { VerificationKey } from '../../identity/jwk-set.js';
import { KeySet } from '../../identity/key-set.js';
import type { KeySetParts, KeySetState } from '../../identity/key-set.js';
import type { Issuer } from '../../identity/issuers.js';
import { brokenRule } from '../../identity/token-refusal.js';

export class IssuerKeys {
  readonly #keySet: KeySet;
  readonly #keyObjects = new WeakMap<VerificationKey, KeyObject>();

  constructor(issuer: Issuer, parts: KeySetParts) {
    this.#keySet = new KeySet(issuer, parts);
  }

  start(): Promise<void> {
    return this.#keySet.start();
  }

  stop(): Promise<void> {
    return this.#keySet.stop();
  }

  state(): KeySetState {
    return this.#keySet.state();
  }

  /** Throws or rejects with `PermitRefused`. */
  find({ algorithm, keyId }: SignedToken): KeyObject | Promise<KeyObject> {
    try {
      const found = this.#keySet.find(algorithm, keyId);
      if (!(found instanceof Promise)) return this.#keyObject(found, algorithm);
      return found.then(
        (key) => this.#keyObject(key, algorithm),
        (error: unknown) => {
          throw refusalOf(error);
        },
      );
    } catch (error) {
      throw refusalOf(error);
    }
  }

  #keyObject(key: VerificationKey, algorithm: SignedToken['algorithm']): KeyObject {
    const known = this.#keyObjects.get(key);
    if (known !== undefined) return known;
    const material = key.forAlgorithm.get(algorithm);
    if (material === undefined) throw new PermitRefused('key_mismatch');
    const made = KeyObject.from(material);
    this.#keyObjects.set(key, made);
    return made;
  }
}

function refusalOf(error: unknown): PermitRefused {
  switch (brokenRule(error)) {
    case 'key_algorithm':
      return new PermitRefused('key_mismatch');
    case 'unknown_key':
    case 'ambiguous_key':
      return new PermitRefused('unknown_key');
    default:
      return new PermitRefused('keys_unavailable', { cause: error });
  }
}
