/**
 * Assertions of registered clients (`private_key_jwt`, RFC 7523): who has the key says who it is, to
 * one store, for minutes, once. The way of one:
 *
 *   form → whose it says it is → algorithm, type, audience, times → its key → the signature → once
 *
 * A client that is not registered takes as long as one whose signature is wrong.
 */
import { errors as joseErrors, jwtVerify } from 'jose';
import type { CryptoKey } from 'jose';
import type { Clock } from '../clock.js';
import type { RegisteredClient } from './client-file.js';
import type { UnverifiedToken } from './compact-token.js';
import { ALGORITHMS } from './issuers.js';
import type { Algorithm, TokenRules } from './issuers.js';
import { KeySet } from './key-set.js';
import type { KeySetParts, KeySetState } from './key-set.js';
import type { OneUse } from './one-use.js';
import { refused } from './refusal.js';
import { tokenRefusal } from './token-refusal.js';
import { allowedAlgorithm, validityOf } from './token-rules.js';

/** No longer than a permit lives; clients make one for each request. */
const TIMES = { clockSkewMs: 5000, maxLifetimeMs: 300_000 };
/** `JWT` and nothing is what clients send today, the third what RFC 7523's successor asks for. */
const TYPES = [undefined, 'jwt', 'client-authentication+jwt'];
const JTI_LENGTH_MAX = 256;

interface Signer {
  readonly client: RegisteredClient;
  readonly keySet: KeySet;
  readonly algorithms: readonly Algorithm[];
}

export class ClientAssertions {
  readonly #clock: Clock;
  readonly #oneUse: OneUse;
  readonly #signers: ReadonlyMap<string, Signer>;

  constructor(clients: readonly RegisteredClient[], parts: KeySetParts, oneUse: OneUse) {
    this.#clock = parts.clock;
    this.#oneUse = oneUse;
    this.#signers = new Map(
      clients.flatMap((client) => {
        const { id, signs } = client;
        if (signs === undefined) return [];
        const { algorithms } = signs;
        return [[id, { client, keySet: new KeySet(signs, parts), algorithms }] as const];
      }),
    );
  }

  start(): void {
    for (const { keySet } of this.#signers.values()) void keySet.start();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#signers.values()].map(({ keySet }) => keySet.stop()));
  }

  keySetStates(): ReadonlyMap<string, KeySetState> {
    return new Map(
      [...this.#signers.values()].flatMap(({ client, keySet }) =>
        client.signs === undefined ? [] : [[client.signs.name, keySet.state()] as const],
      ),
    );
  }

  /**
   * Whose it is. Rejects with `unauthenticated`, `issuer_unavailable` where the client's keys cannot
   * be had, or `unavailable`.
   */
  async verify(
    text: string,
    token: UnverifiedToken,
    audiences: readonly string[],
  ): Promise<RegisteredClient> {
    const { iss, sub, jti, aud } = token.claims;
    if (typeof iss !== 'string' || iss !== sub) throw tokenRefusal('client');
    if (Array.isArray(aud) && aud.length !== 1) throw tokenRefusal('audience');
    if (!Object.hasOwn(token.claims, 'iat')) throw tokenRefusal('issued_at');
    if (typeof jti !== 'string' || jti === '' || jti.length > JTI_LENGTH_MAX) throw refused('jti');
    const rules: TokenRules = { audience: audiences, types: TYPES, rfc9068: false, subject: [] };
    const { expiresAt } = validityOf(token, TIMES, rules, this.#clock.now());
    const signer = this.#signers.get(iss);
    if (signer === undefined) return this.#refuseStranger(text, token);
    const algorithm = allowedAlgorithm(token, signer);
    const { forAlgorithm } = await signer.keySet.find(algorithm, token.keyId);
    await this.#checkSignature(text, forAlgorithm.get(algorithm), algorithm);
    if (!(await this.#oneUse.isFirst(['assertion', iss, jti], expiresAt + TIMES.clockSkewMs))) {
      throw refused('replayed');
    }
    return signer.client;
  }

  /** What is asked here of times and claims has been asked before. */
  async #checkSignature(
    text: string,
    key: CryptoKey | undefined,
    algorithm: Algorithm,
  ): Promise<void> {
    if (key === undefined) throw tokenRefusal('key_algorithm');
    const currentDate = new Date(this.#clock.now());
    const clockTolerance = TIMES.clockSkewMs / 1000;
    try {
      await jwtVerify(text, key, { algorithms: [algorithm], currentDate, clockTolerance });
    } catch (error) {
      throw error instanceof joseErrors.JOSEError ? tokenRefusal('signature', error) : error;
    }
  }

  /** Not before a signature has been looked at, with the key of whoever has one. */
  async #refuseStranger(text: string, token: UnverifiedToken): Promise<never> {
    const algorithm = allowedAlgorithm(token, { algorithms: ALGORITHMS });
    const keys = [...this.#signers.values()].map(({ keySet }) => keySet.any(algorithm));
    const decoy = keys.find((key) => key !== undefined);
    if (decoy !== undefined) {
      await this.#checkSignature(text, decoy, algorithm).catch(() => undefined);
    }
    throw tokenRefusal('client');
  }
}
