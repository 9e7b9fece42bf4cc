/** What a verifier is made of, and what it refuses to be made of. */
import type { Clock } from '../../clock.js';
import { CLOCK_SKEW_MAX_S } from '../../delegation/lifetime.js';
import { SIGNING_ALGORITHMS } from '../../delegation/signed-token.js';
import type { SigningAlgorithm } from '../../delegation/signed-token.js';
import type { Issuer, KeySource } from '../../identity/issuers.js';
import type { Fetch } from '../../identity/key-source.js';
import type { Timers } from '../../identity/timers.js';
import { webAddressProblem } from '../../identity/web-address.js';
import { parseObject } from '../../tuple/tuple.js';
import type { ReplayCache } from './replay-cache.js';

export interface VerifierOptions {
  /** The exact `iss`: `https://pemba.example/stores/01…`. */
  readonly issuer: string;
  /** Who verifies, `service:inventory`: the only `aud` of permits that counts here. */
  readonly service: string;
  /** Where the keys are; by default where an issuer of Pemba's has them. */
  readonly jwksUri?: string;
  /** The keys themselves, as a JWK set, instead of an address: nothing is fetched then. */
  readonly keys?: { readonly keys: readonly object[] };
  /** Of `EdDSA` and `ES256`; both by default. */
  readonly algorithms?: readonly SigningAlgorithm[];
  /**
   * How revoked permits are known of: by asking every five seconds (the default), by a stream, or
   * not at all, since a permit lives for a minute.
   */
  readonly revocations?: 'poll' | 'stream' | 'off';
  /**
   * When the feed has been silent for so many seconds (20 at least), everything is refused with
   * `revocations_stale`. By default verification goes on: a permit that was revoked meanwhile counts
   * until it expires.
   */
  readonly requireFreshRevocations?: number;
  /** The `Authorization` header with which the feed is read, where it has to be. */
  readonly authorization?: () => string | Promise<string>;
  /** What was used once; by default in the memory of this process. */
  readonly replay?: ReplayCache;
  /** By how much the issuer's clock may differ: 5, the most there may be. */
  readonly clockSkewSeconds?: number;
  /** Told when keys or revocations cannot be read. */
  readonly onFailure?: (of: 'keys' | 'revocations', error: unknown) => void;
  readonly fetch?: Fetch;
  readonly clock?: Clock;
  readonly timers?: Timers;
}

/** More often than that a healthy feed may be silent: a heartbeat comes every 15 seconds. */
const FRESHNESS_SECONDS_MIN = 20;

/** Throws a `TypeError` with a sentence for whoever wrote the options. */
export function requireSound(options: VerifierOptions): void {
  const { service, algorithms, clockSkewSeconds, requireFreshRevocations: fresh } = options;
  if (options.issuer === '') throw new TypeError('issuer must not be empty');
  if (parseObject(service)?.type !== 'service') {
    throw new TypeError(`service must be service:ID, not ${service}`);
  }
  if (algorithms?.length === 0 || !(algorithms ?? []).every(isKnown)) {
    throw new TypeError(`algorithms must be among ${SIGNING_ALGORITHMS.join(', ')}`);
  }
  if (options.keys !== undefined && options.jwksUri !== undefined) {
    throw new TypeError('either keys or jwksUri is to be given');
  }
  const skew = clockSkewSeconds ?? 0;
  if (!(skew >= 0 && skew <= CLOCK_SKEW_MAX_S)) {
    throw new TypeError(`clockSkewSeconds must be between 0 and ${CLOCK_SKEW_MAX_S}`);
  }
  if (fresh === undefined) return;
  if (options.revocations === 'off') {
    throw new TypeError('requireFreshRevocations needs revocations');
  }
  if (!(fresh >= FRESHNESS_SECONDS_MIN)) {
    throw new TypeError(`requireFreshRevocations must be ${FRESHNESS_SECONDS_MIN} at least`);
  }
}

const isKnown = (algorithm: string): boolean =>
  SIGNING_ALGORITHMS.some((known) => known === algorithm);

/** The issuer as sets of keys know one; what its other tokens would have to say does not matter. */
export function issuerOf(options: VerifierOptions): Issuer {
  return {
    name: options.issuer,
    issuer: options.issuer,
    keys: keySourceOf(options),
    algorithms: options.algorithms ?? SIGNING_ALGORITHMS,
    clockSkewMs: 0,
    maxLifetimeMs: 0,
    callers: undefined,
    subjects: undefined,
  };
}

function keySourceOf({ issuer, jwksUri, keys }: VerifierOptions): KeySource {
  if (keys !== undefined) return { kind: 'given', set: Buffer.from(JSON.stringify(keys)) };
  // One set for all stores of a deployment.
  const url = jwksUri ?? `${issuer.replace(/\/stores\/[^/]+$/, '')}/.well-known/jwks.json`;
  return { kind: 'url', url: requireAddress(jwksUri === undefined ? 'issuer' : 'jwksUri', url) };
}

export const revocationsUrl = ({ issuer }: VerifierOptions): string =>
  requireAddress('issuer', `${issuer}/revocations`);

function requireAddress(option: string, url: string): string {
  const problem = webAddressProblem(url);
  if (problem !== undefined) throw new TypeError(`${option}: ${url} ${problem}`);
  return url;
}
