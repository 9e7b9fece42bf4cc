/**
 * The one door, whatever a request comes by: who calls is found out, and whether that caller holds
 * the right that is asked for. When all of it is remembered, nothing is waited for.
 *
 * HIDDEN STORES: a caller that may not know of a store is answered as if there were none. That holds
 * by construction: the verdict comes from the rights alone, which say the same of a store of somebody
 * else and of one that never was, in the same time.
 */
import { PembaError } from '../errors.js';
import type { Authenticator } from '../identity/authenticator.js';
import { isStoreRight } from '../identity/caller.js';
import type { Caller, Right, StoreRight, Verdict } from '../identity/caller.js';
import { addressKey, rateHeaders } from '../identity/rate-limits.js';
import type { Pool, RateDecision, RateLimits } from '../identity/rate-limits.js';
import type { Rights } from '../identity/rights.js';
import type { StoreId } from '../ids.js';
import { noModel } from '../operations/resolve.js';
import { storeNotFound } from '../storage/stores.js';

export interface Admission {
  readonly caller: Caller;
  readonly verdict: Verdict;
  /** Where the pool is limited. Throws `too_many_requests`. */
  readonly charge?: (tell: TellRate, cost: number) => void;
}

/** By headers, what is left of a caller's rate. */
export type TellRate = (headers: Readonly<Record<string, string>>) => void;

/** Who wants in, and for what. */
export interface Entrant {
  /** As `Authorization` has it. */
  readonly credentials: string | undefined;
  /** Of the line: who fails too often from one has to wait. */
  readonly address: string;
  readonly right: Right;
  /** Asked of who is known; throws where the store's name is no id. */
  readonly storeId: () => StoreId;
  /** Tokens of the right's pool. */
  readonly cost: number;
  readonly tell: TellRate;
}

export interface DoorParts {
  readonly authenticator: Authenticator;
  readonly limits: RateLimits;
  readonly onLimited: (pool: Pool) => void;
}

export class Door {
  readonly #authenticator: Authenticator;
  readonly #rights: Rights;
  readonly #limits: RateLimits;
  readonly #onLimited: (pool: Pool) => void;

  constructor({ authenticator, limits, onLimited }: DoorParts, rights: Rights) {
    this.#authenticator = authenticator;
    this.#rights = rights;
    this.#limits = limits;
    this.#onLimited = onLimited;
  }

  /** Throws or rejects with what keeps the entrant out. */
  admit(entrant: Entrant): Admission | Promise<Admission> {
    const caller = this.#authenticator.known(entrant.credentials);
    return caller === undefined ? this.#introduce(entrant) : this.#authorize(entrant, caller);
  }

  /** The caller, if it is known and holds the right, as far as is remembered. */
  remembered(
    credentials: string | undefined,
    right: StoreRight,
    storeId: StoreId,
  ): Caller | undefined {
    const caller = this.#authenticator.known(credentials);
    const verdict = caller && this.#rights.remembered(caller, right, storeId);
    return verdict?.kind === 'allowed' ? caller : undefined;
  }

  async #introduce(entrant: Entrant): Promise<Admission> {
    const address = addressKey(entrant.address);
    this.#limit(entrant.tell, this.#limits.look('authentication', address));
    let caller: Caller;
    try {
      caller = await this.#authenticator.authenticate(entrant.credentials);
    } catch (error) {
      if (error instanceof PembaError && error.code === 'unauthenticated') {
        this.#limits.chargeFailure(address);
      }
      throw error;
    }
    return this.#authorize(entrant, caller);
  }

  #authorize(
    { right, storeId: askedStore, cost, tell }: Entrant,
    caller: Caller,
  ): Admission | Promise<Admission> {
    const pool = poolOf(right);
    this.#limit(tell, this.#limits.take(pool, caller.name, cost));
    const storeId = isStoreRight(right) ? askedStore() : undefined;
    const verdict = this.#rights.verdict(caller, right, storeId);
    const admission = (found: Verdict): Admission => {
      enforce(right, storeId, found);
      return this.#admission(caller, found, pool);
    };
    return verdict instanceof Promise ? verdict.then(admission) : admission(verdict);
  }

  #admission(caller: Caller, verdict: Verdict, pool: Pool): Admission {
    if (!this.#limits.isLimited(pool)) return { caller, verdict };
    return {
      caller,
      verdict,
      charge: (tell, cost) => {
        this.#limit(tell, this.#limits.take(pool, caller.name, cost));
      },
    };
  }

  #limit(tell: TellRate, decision: RateDecision | undefined): void {
    if (decision === undefined) return;
    // How many guesses are left is nobody's business.
    if (decision.pool !== 'authentication' || !decision.allowed) tell(rateHeaders(decision));
    if (decision.allowed) return;
    this.#onLimited(decision.pool);
    throw new PembaError('too_many_requests', 'too many requests: try again later', {
      facts: { pool: decision.pool, retry_after_s: decision.retryAfterSeconds },
    });
  }
}

/** By what a right is about. */
function poolOf(right: Right): Pool {
  switch (right) {
    case 'store:query':
    case 'store:read':
    case 'store:see':
      return 'queries';
    case 'store:write':
      return 'writes';
    default:
      return 'administration';
  }
}

function enforce(right: Right, storeId: StoreId | undefined, verdict: Verdict): void {
  switch (verdict.kind) {
    case 'allowed':
    case 'modules':
      return;
    case 'forbidden':
      throw new PembaError('forbidden', `the caller does not hold the right ${right}`, {
        facts: { right },
      });
    case 'hidden':
      // As the endpoints themselves answer for a store that is not there.
      throw right === 'store:query' || right === 'store:write'
        ? noModel(storeId ?? ('' as StoreId))
        : storeNotFound(storeId ?? '');
  }
}
