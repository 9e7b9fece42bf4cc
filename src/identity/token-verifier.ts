/**
 * Whether a token counts, and what it says. The way of a token:
 *
 *   length → verdict in the cache? → form, header, JSON → the issuer, by its exact `iss`
 *     → what the issuer's rules ask of algorithm, type, audience, times → its key → the signature
 *
 * All but the signature is decided before the signature is checked. Nothing that the token says has
 * been believed until then: it chose among the configured issuers and among that issuer's keys, and
 * it could be refused. `jose` verifies, and asks issuer, audience, type and times once more.
 */
import { isNativeError } from 'node:util/types';
import { errors as joseErrors, jwtVerify } from 'jose';
import type { JWTVerifyOptions } from 'jose';
import type { Clock } from '../clock.js';
import type { JsonObject } from '../tuple/tuple.js';
import { readCompactToken } from './compact-token.js';
import type { UnverifiedToken } from './compact-token.js';
import type { Algorithm, Issuer, TokenRules } from './issuers.js';
import { KeySet } from './key-set.js';
import type { KeySetEvents, KeySetState } from './key-set.js';
import type { Fetch } from './key-source.js';
import type { Timers } from './timers.js';
import { TokenCache, digestOf } from './token-cache.js';
import type { UsedKey } from './token-cache.js';
import { tokenRefusal } from './token-refusal.js';
import type { TokenRule } from './token-refusal.js';
import { allowedAlgorithm, validityOf } from './token-rules.js';
import type { Validity } from './token-rules.js';

/** To call Pemba with, or to stand for the user of a query. */
export type TokenUse = 'caller' | 'subject';

export interface VerifiedToken {
  readonly issuer: Issuer;
  readonly claims: JsonObject;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export interface TokenVerifierParts {
  readonly issuers: readonly Issuer[];
  readonly clock: Clock;
  readonly timers: Timers;
  readonly fetch: Fetch;
  readonly events: KeySetEvents;
  readonly maxTokenBytes: number;
  /** Verified tokens of each use that are kept. */
  readonly cachedTokens: number;
}

/** A token that only its signature can save or sink. */
interface Candidate {
  readonly token: string;
  readonly digest: string;
  readonly unverified: UnverifiedToken;
  readonly issuer: Issuer;
  readonly rules: TokenRules;
  readonly algorithm: Algorithm;
  readonly validity: Validity;
  readonly keySet: KeySet;
}

interface Use {
  readonly rulesOf: (issuer: Issuer) => TokenRules | undefined;
  readonly cache: TokenCache;
  /** By digest: who presents the same token meanwhile waits for the same check. */
  readonly pending: Map<string, Promise<VerifiedToken>>;
}

export class TokenVerifier {
  readonly #parts: TokenVerifierParts;
  readonly #keySets: ReadonlyMap<string, { readonly issuer: Issuer; readonly keySet: KeySet }>;
  readonly #uses: Readonly<Record<TokenUse, Use>>;

  constructor(parts: TokenVerifierParts) {
    this.#parts = parts;
    this.#keySets = new Map(
      parts.issuers.map((issuer) => [issuer.issuer, { issuer, keySet: new KeySet(issuer, parts) }]),
    );
    const use = (rulesOf: Use['rulesOf']): Use => ({
      rulesOf,
      cache: new TokenCache(parts.clock, parts.cachedTokens),
      pending: new Map(),
    });
    this.#uses = {
      caller: use((issuer) => issuer.callers),
      subject: use((issuer) => issuer.subjects),
    };
  }

  /** Reads the keys of all issuers, and goes on refreshing them. */
  start(): void {
    for (const { keySet } of this.#keySets.values()) void keySet.start();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#keySets.values()].map(({ keySet }) => keySet.stop()));
  }

  /** By the configured names of the issuers. */
  keySetStates(): ReadonlyMap<string, KeySetState> {
    return new Map(
      [...this.#keySets.values()].map(({ issuer, keySet }) => [issuer.name, keySet.state()]),
    );
  }

  /** Of a token that has been verified and still counts. */
  known(token: string, use: TokenUse): VerifiedToken | undefined {
    return this.#uses[use].cache.accepted(digestOf(token));
  }

  /**
   * From the cache in the same turn, else by a promise. Throws or rejects with `unauthenticated`
   * (`facts.rule` names the broken rule) or `issuer_unavailable`.
   */
  verify(token: string, use: TokenUse): VerifiedToken | Promise<VerifiedToken> {
    if (token.length > this.#parts.maxTokenBytes) throw tokenRefusal('size');
    const { cache, pending, rulesOf } = this.#uses[use];
    const digest = digestOf(token);
    const known = cache.accepted(digest) ?? pending.get(digest);
    if (known !== undefined) return known;
    const refusal = cache.refused(digest);
    if (refusal !== undefined) throw refusal;

    const candidate = this.#judge(token, digest, rulesOf);
    const verified = this.#checkSignature(candidate, cache).finally(() => {
      pending.delete(digest);
    });
    pending.set(digest, verified);
    return verified;
  }

  #judge(token: string, digest: string, rulesOf: Use['rulesOf']): Candidate {
    const unverified = readCompactToken(token);
    const { iss } = unverified.claims;
    const known = typeof iss === 'string' ? this.#keySets.get(iss) : undefined;
    if (known === undefined) throw tokenRefusal('issuer');
    const { issuer, keySet } = known;
    const rules = rulesOf(issuer);
    if (rules === undefined) throw tokenRefusal('use');
    const algorithm = allowedAlgorithm(unverified, issuer);
    const validity = validityOf(unverified, issuer, rules, this.#parts.clock.now());
    return { token, digest, unverified, issuer, rules, algorithm, validity, keySet };
  }

  async #checkSignature(candidate: Candidate, cache: TokenCache): Promise<VerifiedToken> {
    const { token, digest, unverified, issuer, algorithm, validity, keySet } = candidate;
    const key = await keySet.find(algorithm, unverified.keyId);
    const used: UsedKey = { keySet, key };
    const material = key.forAlgorithm.get(algorithm);
    if (material === undefined) throw tokenRefusal('key_algorithm');
    try {
      await jwtVerify(token, material, this.#options(candidate));
    } catch (error) {
      const refusal = refusalOf(error);
      if (error instanceof joseErrors.JWSSignatureVerificationFailed) {
        cache.refuse(digest, refusal, used);
      }
      throw refusal;
    }
    const { claims } = unverified;
    const verified: VerifiedToken = { issuer, claims, expiresAt: validity.expiresAt };
    cache.accept(digest, verified, validity.notBefore, used);
    return verified;
  }

  #options({ unverified, issuer, rules, algorithm }: Candidate): JWTVerifyOptions {
    return {
      algorithms: [algorithm],
      issuer: issuer.issuer,
      audience: [...rules.audience],
      requiredClaims: ['exp'],
      clockTolerance: issuer.clockSkewMs / 1000,
      currentDate: new Date(this.#parts.clock.now()),
      ...(unverified.type !== undefined && { typ: unverified.type }),
    };
  }
}

/** What is no error of jose is one of this program, and stays what it is. */
function refusalOf(error: unknown): Error {
  if (error instanceof joseErrors.JWTExpired) return tokenRefusal('expiry', error);
  if (error instanceof joseErrors.JWTClaimValidationFailed) {
    return tokenRefusal(CLAIM_RULES[error.claim] ?? 'required_claim', error);
  }
  if (error instanceof joseErrors.JWSSignatureVerificationFailed) {
    return tokenRefusal('signature', error);
  }
  if (error instanceof joseErrors.JOSEError) return tokenRefusal('form', error);
  return isNativeError(error) ? error : new Error('verifying failed', { cause: error });
}

/** Rounded to whole seconds, jose's times can be a trifle stricter than ours. */
const CLAIM_RULES: Readonly<Record<string, TokenRule>> = {
  iss: 'issuer',
  aud: 'audience',
  typ: 'type',
  exp: 'expiry',
  nbf: 'not_before',
};
