/**
 * `pemba/verifier`: permits and transaction tokens, verified offline by the service that gets them.
 *
 *   length, form, header → issuer, audience, rules of every permit, times → who presents it
 *     → the request → its key → its signature → the proof's signature → revoked? → used before?
 *
 * All but the signature is decided first, because it can only refuse. Nothing waits for the network
 * while the key is known: keys and revocations come in the background.
 */
import { systemClock } from '../clock.js';
import type { Clock } from '../clock.js';
import { requireCurrent } from '../delegation/lifetime.js';
import type { Lifetime } from '../delegation/lifetime.js';
import { PermitRefused } from '../delegation/permit-refused.js';
import { parsePermit } from '../delegation/permit.js';
import type { Permit } from '../delegation/permit.js';
import { SIGNING_ALGORITHMS, isSignedBy } from '../delegation/signed-token.js';
import type { SignedToken, SigningAlgorithm } from '../delegation/signed-token.js';
import { parseTransactionToken } from '../delegation/transaction-token.js';
import type { TransactionToken } from '../delegation/transaction-token.js';
import { systemTimers } from '../identity/timers.js';
import type { DpopProof } from './verifier/dpop.js';
import { IssuerKeys } from './verifier/issuer-keys.js';
import { issuerOf, requireSound, revocationsUrl } from './verifier/options.js';
import type { VerifierOptions } from './verifier/options.js';
import { requirePresenter } from './verifier/presenter.js';
import type { Peer } from './verifier/presenter.js';
import { MemoryReplayCache } from './verifier/replay-cache.js';
import type { ReplayCache } from './verifier/replay-cache.js';
import { requirePermission } from './verifier/request-match.js';
import type { RequestedPermission } from './verifier/request-match.js';
import { RevocationFeed } from './verifier/revocation-feed.js';
import { RevocationList } from '../delegation/revocation-list.js';
import type { Revocable } from '../delegation/revocation-list.js';

export { PermitRefused, REFUSAL_REASONS } from '../delegation/permit-refused.js';
export type { RefusalReason } from '../delegation/permit-refused.js';
export type { Confirmation, Permit, PermitDetail } from '../delegation/permit.js';
export type { SigningAlgorithm } from '../delegation/signed-token.js';
export type { TransactionToken } from '../delegation/transaction-token.js';
export type { DpopPresentation } from './verifier/dpop.js';
export type { VerifierOptions } from './verifier/options.js';
export type { Peer } from './verifier/presenter.js';
export { MemoryReplayCache } from './verifier/replay-cache.js';
export type { ReplayCache, ReplayOutcome } from './verifier/replay-cache.js';
export type { RequestedPermission } from './verifier/request-match.js';

/** The request as it is, and who makes it. */
export interface PermitPresentation extends RequestedPermission {
  readonly peer: Peer;
  /** For what changes something: the permit is used up by it. */
  readonly once?: boolean;
}

export interface TransactionTokenExpectations {
  /** The exact `aud`. */
  readonly trustDomain: string;
}

export interface VerifierState {
  readonly keys: 'absent' | 'fresh' | 'stale';
  /** Since everything that was revoked was known; undefined where revocations are off. */
  readonly revocationsAgeSeconds: number | undefined;
}

const CLOCK_SKEW_DEFAULT_S = 5;

export const createVerifier = (options: VerifierOptions): Verifier => new Verifier(options);

export class Verifier {
  readonly #issuer: string;
  readonly #service: string;
  readonly #algorithms: readonly SigningAlgorithm[];
  readonly #skewSeconds: number;
  readonly #freshnessMs: number;
  readonly #clock: Clock;
  readonly #keys: IssuerKeys;
  readonly #replay: ReplayCache;
  readonly #revocations = new RevocationList();
  readonly #feed: RevocationFeed | undefined;

  /** Throws a `TypeError` for options that make no sense. */
  constructor(options: VerifierOptions) {
    requireSound(options);
    const { onFailure = () => undefined, clock = systemClock, timers = systemTimers } = options;
    const { revocations: mode = 'poll', requireFreshRevocations: freshSeconds } = options;
    const fetch = options.fetch ?? globalThis.fetch;
    const issuer = issuerOf(options);
    this.#issuer = issuer.issuer;
    this.#service = options.service;
    this.#algorithms = options.algorithms ?? SIGNING_ALGORITHMS;
    this.#skewSeconds = options.clockSkewSeconds ?? CLOCK_SKEW_DEFAULT_S;
    this.#freshnessMs = freshSeconds === undefined ? Infinity : freshSeconds * 1000;
    this.#clock = clock;
    this.#replay = options.replay ?? new MemoryReplayCache(clock);
    const events = {
      loaded: () => undefined,
      failed: (_: unknown, error: unknown) => {
        onFailure('keys', error);
      },
    };
    this.#keys = new IssuerKeys(issuer, { clock, timers, fetch, events });
    if (mode === 'off') return;
    this.#feed = new RevocationFeed({
      url: revocationsUrl(options),
      mode,
      list: this.#revocations,
      authorization: options.authorization,
      clockSkewSeconds: this.#skewSeconds,
      ...{ fetch, clock, timers },
      failed: (error) => {
        onFailure('revocations', error);
      },
    });
  }

  /**
   * Reads keys and revocations, and goes on doing so. Resolves after the first attempts, whatever
   * came of them: a service may start while Pemba is away.
   */
  async start(): Promise<void> {
    await Promise.all([this.#keys.start(), this.#feed?.start()]);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#keys.stop(), this.#feed?.stop()]);
  }

  state(): VerifierState {
    const age = this.#feed?.ageMs();
    return {
      keys: this.#keys.state(),
      revocationsAgeSeconds: age === undefined ? undefined : age / 1000,
    };
  }

  /** Rejects with `PermitRefused`. Undefined, an absent header, is refused like any other text. */
  async verifyPermit(text: string | undefined, presented: PermitPresentation): Promise<Permit> {
    if (text === undefined) throw new PermitRefused('missing');
    const { permit, token } = parsePermit(text, this.#algorithms);
    this.#requireIssuer(permit.issuer);
    if (permit.audience !== this.#service) throw new PermitRefused('wrong_audience');
    const proof = this.#requireRequest(text, permit, presented);
    await this.#requireSignature(token);
    if (proof?.isSigned() === false) throw new PermitRefused('invalid_proof');
    this.#requireUnrevoked(permit);
    if (proof !== undefined) await this.#useProof(proof, permit);
    if (presented.once === true) await this.#usePermit(permit);
    return permit;
  }

  /** What the transaction is about. It permits nothing. Rejects with `PermitRefused`. */
  async verifyTransactionToken(
    text: string | undefined,
    { trustDomain }: TransactionTokenExpectations,
  ): Promise<TransactionToken> {
    if (text === undefined) throw new PermitRefused('missing');
    const { transaction, token } = parseTransactionToken(text, this.#algorithms);
    this.#requireIssuer(transaction.issuer);
    if (transaction.trustDomain !== trustDomain) throw new PermitRefused('wrong_audience');
    this.#requireCurrent(transaction);
    await this.#requireSignature(token);
    this.#requireUnrevoked({ ...transaction, actors: [] });
    return transaction;
  }

  #requireIssuer(issuer: string): void {
    if (issuer !== this.#issuer) throw new PermitRefused('wrong_issuer');
  }

  #requireCurrent(lifetime: Lifetime): void {
    requireCurrent(lifetime, this.#clock.now(), this.#skewSeconds);
  }

  #requireRequest(
    text: string,
    permit: Permit,
    { peer, ...request }: PermitPresentation,
  ): DpopProof | undefined {
    this.#requireCurrent(permit);
    const proof = requirePresenter(permit, peer, {
      permit: text,
      algorithms: this.#algorithms,
      now: this.#clock.now(),
      skewSeconds: this.#skewSeconds,
    });
    requirePermission(permit, request);
    return proof;
  }

  async #requireSignature(token: SignedToken): Promise<void> {
    const found = this.#keys.find(token);
    const key = found instanceof Promise ? await found : found;
    if (!isSignedBy(token, key)) throw new PermitRefused('bad_signature');
  }

  #requireUnrevoked(token: Revocable): void {
    const age = this.#feed?.ageMs() ?? 0;
    if (age > this.#freshnessMs) throw new PermitRefused('revocations_stale');
    if (this.#revocations.concerns(token)) throw new PermitRefused('revoked');
  }

  async #useProof({ id, expiresAt }: DpopProof, { confirmation }: Permit): Promise<void> {
    const key = confirmation !== undefined && 'jkt' in confirmation ? confirmation.jkt : '';
    const outcome = await this.#replay.remember(`dpop ${key} ${id}`, expiresAt);
    if (outcome === 'seen') throw new PermitRefused('proof_replayed');
    if (outcome === 'full') throw new PermitRefused('replay_cache_full');
  }

  async #usePermit({ id, expiresAt }: Permit): Promise<void> {
    const until = Math.ceil(expiresAt + this.#skewSeconds);
    const outcome = await this.#replay.remember(`permit ${this.#issuer} ${id}`, until);
    if (outcome === 'seen') throw new PermitRefused('replayed');
    if (outcome === 'full') throw new PermitRefused('replay_cache_full');
  }
}
