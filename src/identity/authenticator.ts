/** The `Authorization` header → who calls. A key and a token of an issuer look different. */
import type { KnownPrincipal } from './principal.js';
import { ANYONE, callerOf } from './caller.js';
import type { Caller } from './caller.js';
import type { ApiKeys } from './api-keys.js';
import { KEY_PREFIX } from './key-text.js';
import { missingCredentials, refused } from './refusal.js';

/** A verified token, kept by whoever verified it: as long as it is the same object, it is valid. */
export interface CallerToken {
  readonly principal: KnownPrincipal;
  readonly roles: readonly string[];
}

export interface CallerTokens {
  /** In the same turn when it is known. Throws or rejects `unauthenticated`, `issuer_unavailable`. */
  authenticate(token: string): CallerToken | Promise<CallerToken>;
}

export interface AuthenticatorParts {
  readonly keys: ApiKeys | undefined;
  readonly tokens: CallerTokens | undefined;
}

const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i;

export class Authenticator {
  readonly #keys: ApiKeys | undefined;
  readonly #tokens: CallerTokens | undefined;
  readonly #callers = new WeakMap<CallerToken, Caller>();

  constructor({ keys, tokens }: AuthenticatorParts) {
    this.#keys = keys;
    this.#tokens = tokens;
  }

  /** Whether callers have to say who they are. */
  get isOn(): boolean {
    return this.#keys !== undefined || this.#tokens !== undefined;
  }

  authenticate(authorization: string | undefined): Caller | Promise<Caller> {
    if (!this.isOn) return ANYONE;
    if (authorization === undefined || authorization === '') throw missingCredentials();
    const [, credentials] = BEARER.exec(authorization) ?? [];
    if (credentials === undefined) throw refused('not_bearer');
    if (credentials.startsWith(KEY_PREFIX)) {
      if (this.#keys === undefined) throw refused('keys_are_off');
      return this.#keys.authenticate(credentials);
    }
    if (this.#tokens === undefined) throw refused('tokens_are_off');
    const token = this.#tokens.authenticate(credentials);
    return token instanceof Promise
      ? token.then((verified) => this.#callerOf(verified))
      : this.#callerOf(token);
  }

  #callerOf(token: CallerToken): Caller {
    let caller = this.#callers.get(token);
    if (caller === undefined) {
      caller = callerOf(token.principal, token.roles);
      this.#callers.set(token, caller);
    }
    return caller;
  }
}
