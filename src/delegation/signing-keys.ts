/**
 * What Pemba signs permits and transaction tokens with. Three ways, by the settings:
 *
 *   PEMBA_SIGNING_KEY_FILES                    the keys of these files            (fixed-keys.ts)
 *   PEMBA_MASTER_KEY, or a database of our own keys in the database, sealed       (stored-keys.ts)
 *   neither                                    nothing is signed: permits are off (fixed-keys.ts)
 */
import type { KeyObject } from 'node:crypto';
import type { Clock } from '../clock.js';
import { isAudited } from '../config.js';
import type { Config } from '../config.js';
import type { RandomBytes } from '../identity/key-text.js';
import type { Timers } from '../identity/timers.js';
import type { StoreId } from '../ids.js';
import type { Deed } from '../storage/audit-chain.js';
import type { Database } from '../storage/database.js';
import type { JsonObject } from '../tuple/tuple.js';
import { FixedKeys } from './fixed-keys.js';
import { loadKeyFiles } from './key-files.js';
import type { KeyState } from './key-schedule.js';
import { masterKeyIn, masterKeySource } from './master-key.js';
import type { SigningAlgorithm } from './signing-key.js';
import { StoredKeys } from './stored-keys.js';

/** Throws `unavailable` while there is nothing to sign with, and none can be known. */
export interface Signer {
  /** A JWS in compact form with the header { alg, kid, typ }. */
  sign(typ: string, claims: JsonObject): string;
  /** Of what is published. */
  verificationKey(kid: string): KeyObject | undefined;
  jwks(): { readonly keys: readonly JsonObject[] };
}

export interface PublishedKeys {
  /** The JWK set as JSON. */
  readonly body: string;
  readonly etag: string;
  readonly maxAgeSeconds: number;
}

export interface ListedKey {
  readonly id: string;
  readonly algorithm: SigningAlgorithm;
  /** `published`: from a file that is not the first. */
  readonly state: KeyState | 'published';
  /** Undefined for keys of files. */
  readonly createdAt: Date | undefined;
  readonly activeFrom: Date | undefined;
}

export interface SigningKeys extends Signer {
  /** Throws `cannot_start` when the keys cannot be had. */
  start(): Promise<void>;
  stop(): Promise<void>;
  published(): PublishedKeys;
  list(): readonly ListedKey[];
  /** The next key signs as soon as verifiers can be expected to know it. Returns how it stands. */
  rotate(deed?: Deed): Promise<readonly ListedKey[]>;
  /** What the key has signed is refused from now on. Throws `signing_key_not_found`. */
  drop(id: string, deed?: Deed): Promise<readonly ListedKey[]>;
}

export interface SigningKeyEvents {
  made(key: { readonly id: string; readonly algorithm: string; readonly activeFrom: Date }): void;
  removed(id: string): void;
  /** From now on. */
  signing(id: string): void;
  /** A key of the database was not made with our master key. */
  unreadable(id: string): void;
  failed(error: unknown): void;
  off(): void;
}

export interface SigningKeyParts {
  readonly config: Config;
  readonly database: Database;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly timers: Timers;
  readonly events: SigningKeyEvents;
  /** Whose audit log tells of changes; undefined when callers are not authenticated. */
  readonly systemStore: StoreId | undefined;
}

/** Nothing is read but the files of keys until `start`. */
export function createSigningKeys(parts: SigningKeyParts): SigningKeys {
  const { config, random, systemStore } = parts;
  if (config.signingKeyFiles !== '') {
    return new FixedKeys(loadKeyFiles(config.signingKeyFiles), parts);
  }
  const source = masterKeySource(config);
  if (source.kind === 'none') return new FixedKeys([], parts);
  return new StoredKeys({
    ...parts,
    // As the settings' validation has seen to.
    algorithm: config.signingAlgorithm as SigningAlgorithm,
    lifetimeMs: config.signingKeyLifetimeMs,
    pollIntervalMs: config.pollIntervalMs,
    auditStore: isAudited(config) ? systemStore : undefined,
    masterKey: () => (source.kind === 'given' ? source.key : masterKeyIn(source.folder, random)),
  });
}
