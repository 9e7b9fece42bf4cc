/** Keys that are there for as long as the process runs: those of files, or none. */
import type { KeyObject } from 'node:crypto';
import { PembaError } from '../errors.js';
import type { Database } from '../storage/database.js';
import { readSigningKeys } from '../storage/signing-keys.js';
import type { JsonObject } from '../tuple/tuple.js';
import { JWKS_MAX_AGE_SECONDS } from './key-schedule.js';
import { keySetDocument } from './key-set-document.js';
import type { SigningKey } from './signing-key.js';
import type { ListedKey, PublishedKeys, SigningKeyEvents, SigningKeys } from './signing-keys.js';

export class FixedKeys implements SigningKeys {
  readonly #keys: readonly SigningKey[];
  readonly #database: Database;
  readonly #events: SigningKeyEvents;
  readonly #published: PublishedKeys;

  /** The first signs; without any, nothing is signed. */
  constructor(
    keys: readonly SigningKey[],
    parts: { readonly database: Database; readonly events: SigningKeyEvents },
  ) {
    this.#keys = keys;
    this.#database = parts.database;
    this.#events = parts.events;
    this.#published = { ...keySetDocument(keys), maxAgeSeconds: JWKS_MAX_AGE_SECONDS };
  }

  async start(): Promise<void> {
    const [first] = this.#keys;
    if (first !== undefined) {
      this.#events.signing(first.id);
      return;
    }
    if ((await readSigningKeys(this.#database)).length > 0) {
      throw new PembaError(
        'cannot_start',
        'The database has signing keys, and PEMBA_MASTER_KEY is not set: set it to the one that ' +
          'they were made with, as for the other processes. If it is lost, or nothing is to be ' +
          'signed any more, "pemba signing-keys reset" removes the keys: what they have signed is ' +
          'refused then.',
      );
    }
    this.#events.off();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  sign(typ: string, claims: JsonObject): string {
    const [key] = this.#keys;
    if (key === undefined) {
      throw new PembaError('unavailable', 'nothing is signed here: permits are off');
    }
    return key.sign(typ, claims);
  }

  verificationKey(kid: string): KeyObject | undefined {
    return this.#keys.find(({ id }) => id === kid)?.publicKey;
  }

  jwks(): { readonly keys: readonly JsonObject[] } {
    return { keys: this.#keys.map(({ jwk }) => jwk) };
  }

  published(): PublishedKeys {
    return this.#published;
  }

  list(): readonly ListedKey[] {
    return this.#keys.map(({ id, algorithm }, i) => ({
      id,
      algorithm,
      state: i === 0 ? 'active' : 'published',
      createdAt: undefined,
      activeFrom: undefined,
    }));
  }

  rotate(): Promise<never> {
    return Promise.reject(this.#unchangeable());
  }

  drop(): Promise<never> {
    return Promise.reject(this.#unchangeable());
  }

  /** For administrators, who may know of the settings. */
  #unchangeable(): PembaError {
    return this.#keys.length === 0
      ? new PembaError('unavailable', 'permits are off: set PEMBA_MASTER_KEY')
      : new PembaError(
          'invalid_request',
          'the signing keys are those of PEMBA_SIGNING_KEY_FILES: change it, and restart',
        );
  }
}
