/** What belongs together in letting services act for users. */
import type { Identity } from '../identity/identity.js';
import type { Timers } from '../identity/timers.js';
import type { Engine } from '../operations/engine.js';
import type { NewRevocation } from '../storage/revocations.js';
import { tokenExchange } from './exchange.js';
import type { Exchange } from './exchange.js';
import { CLOCK_SKEW_MAX_S } from './lifetime.js';
import { LivePermits } from './live-permits.js';
import type { LivePermit } from './live-permits.js';
import { Revocations } from './revocations.js';
import type { Signer } from './signing-keys.js';
import { TRANSACTION_TOKEN_SECONDS_MAX } from './transaction-token.js';

export interface Delegation {
  readonly exchange: Exchange;
  readonly livePermits: LivePermits;
  readonly revocations: Revocations;
}

export interface DelegationParts {
  readonly engine: Engine;
  readonly identity: Identity;
  readonly signer: Signer;
  readonly timers: Timers;
  readonly onError: (what: string, error: unknown) => void;
  readonly onRevoked: (count: number) => void;
}

export function createDelegation(parts: DelegationParts): Delegation {
  const { engine, identity, onError } = parts;
  const { clock, database, config, plans } = engine;
  const revocations = new Revocations({
    database,
    clock,
    timers: parts.timers,
    onError,
    onRaised: parts.onRevoked,
  });
  const livePermits = new LivePermits({
    now: () => clock.now(),
    max: config.maxLivePermits,
    prepare: (storeId, modelId, done) => {
      const compiled = plans.get(storeId, modelId).catch((error: unknown) => {
        onError('compiling a model', error);
      });
      void compiled.then(done);
    },
    revoke: (storeId, permits, all) => {
      const marks = permits.map(ofPermit);
      revocations.raise(storeId, all ? [everything(permits, clock.now())] : marks);
    },
  });
  const { acting, authenticator, subjectTokens } = identity;
  const { signer } = parts;
  return {
    revocations,
    livePermits,
    exchange: tokenExchange({
      engine,
      signer,
      acting,
      authenticator,
      subjectTokens,
      revocations,
      livePermits,
    }),
  };
}

/** When no token that was issued up to now can count any more; seconds since 1970. */
export const allExpiredAt = (now: number): number =>
  now + TRANSACTION_TOKEN_SECONDS_MAX + CLOCK_SKEW_MAX_S;

/** By the permits' own times as well: the clock may have been set back since. */
function everything(permits: readonly LivePermit[], now: number): NewRevocation {
  const notBefore = permits.reduce(
    (latest, { issuedAt }) => Math.max(latest, issuedAt),
    Math.floor(now / 1000),
  );
  return { kind: 'all', value: '', notBefore, expiresAt: allExpiredAt(notBefore) };
}

const ofPermit = ({ id, issuedAt, expiresAt }: LivePermit): NewRevocation => ({
  kind: 'jti',
  value: id,
  notBefore: issuedAt,
  expiresAt: expiresAt + CLOCK_SKEW_MAX_S,
});
