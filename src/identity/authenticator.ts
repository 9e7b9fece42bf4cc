/**
 * The `Authorization` header → who calls. A key and a token of an issuer look different.
 *
 * `known` is for every request: it looks at what has been found out before. `authenticate` finds it
 * out, slowly, and is what a guesser has to go through.
 */
import { ANYONE, callerOf } from './caller.js';
import type { Caller } from './caller.js';
import type { ApiKeys } from './api-keys.js';
import { KEY_PREFIX } from './key-text.js';
import { missingCredentials, refused } from './refusal.js';
import { principalOf, rolesOf } from './token-principal.js';
import type { TokenVerifier, VerifiedToken } from './token-verifier.js';

export interface AuthenticatorParts {
  readonly keys: ApiKeys | undefined;
  readonly tokens: TokenVerifier | undefined;
}

const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i;

export class Authenticator {
  readonly #keys: ApiKeys | undefined;
  readonly #tokens: TokenVerifier | undefined;
  /** A verified token is the same object as long as it counts. */
  readonly #callers = new WeakMap<VerifiedToken, Caller>();

  constructor({ keys, tokens }: AuthenticatorParts) {
    this.#keys = keys;
    this.#tokens = tokens;
  }

  /** Whether callers have to say who they are. */
  get isOn(): boolean {
    return this.#keys !== undefined || this.#tokens !== undefined;
  }

  get takesKeys(): boolean {
    return this.#keys !== undefined;
  }

  known(authorization: string | undefined): Caller | undefined {
    if (!this.isOn) return ANYONE;
    const credentials = credentialsOf(authorization);
    if (credentials === undefined) return undefined;
    if (credentials.startsWith(KEY_PREFIX)) return this.#keys?.known(credentials);
    const token = this.#tokens?.known(credentials, 'caller');
    // Of a token that is good but names nobody there is none, each time.
    return token && this.#callers.get(token);
  }

  /** Rejects with `unauthenticated`, or `issuer_unavailable` when that cannot be found out now. */
  async authenticate(authorization: string | undefined): Promise<Caller> {
    if (!this.isOn) return ANYONE;
    if (authorization === undefined || authorization === '') throw missingCredentials();
    const credentials = credentialsOf(authorization);
    if (credentials === undefined) throw refused('not_bearer');
    if (credentials.startsWith(KEY_PREFIX)) {
      if (this.#keys === undefined) throw refused('keys_are_off');
      return this.#keys.authenticate(credentials);
    }
    if (this.#tokens === undefined) throw refused('tokens_are_off');
    return this.#callerOf(await this.#tokens.verify(credentials, 'caller'));
  }

  #callerOf(token: VerifiedToken): Caller {
    let caller = this.#callers.get(token);
    if (caller === undefined) {
      caller = callerOf(principalOf(token), rolesOf(token));
      this.#callers.set(token, caller);
    }
    return caller;
  }
}

const credentialsOf = (authorization: string | undefined): string | undefined =>
  authorization === undefined ? undefined : BEARER.exec(authorization)?.[1];
