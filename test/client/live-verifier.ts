/** A server of permits and a verifier of them for each test of a file. */
import { afterEach, beforeEach } from '@jest/globals';
import { PermitRefused, createVerifier } from '../../src/client/verifier.js';
import type { PermitPresentation, Verifier, VerifierOptions } from '../../src/client/verifier.js';
import { ManualTime } from '../support/manual-time.js';
import { PermitServer } from './permit-server.js';

export const REQUEST: PermitPresentation = {
  peer: { service: 'service:orders' },
  action: 'can_reserve',
  resource: { type: 'item', id: '9' },
};

export class LiveVerifier {
  readonly #defaults: Partial<VerifierOptions>;
  time = new ManualTime();
  failures: (readonly ['keys' | 'revocations', unknown])[] = [];
  #server: PermitServer | undefined;
  #verifier: Verifier | undefined;

  constructor(defaults: Partial<VerifierOptions>) {
    this.#defaults = defaults;
    beforeEach(async () => {
      this.time = new ManualTime();
      this.failures = [];
      this.#server = await PermitServer.start(() => this.time.now());
      this.#verifier = createVerifier(this.options());
    });
    afterEach(async () => {
      await this.verifier.stop();
      await this.server.disappear();
    });
  }

  get server(): PermitServer {
    return this.#server!; // there in every test
  }

  get verifier(): Verifier {
    return this.#verifier!; // there in every test
  }

  options(overrides: Partial<VerifierOptions> = {}): VerifierOptions {
    return {
      issuer: this.server.issuer,
      service: 'service:inventory',
      clock: this.time,
      timers: this.time,
      onFailure: (...failure) => {
        this.failures.push(failure);
      },
      ...this.#defaults,
      ...overrides,
    };
  }

  /** In place of the one that was made. */
  configure(overrides: Partial<VerifierOptions>): void {
    this.#verifier = createVerifier(this.options(overrides));
  }

  verdict(token: string, presented: Partial<PermitPresentation> = {}): Promise<string> {
    return verdictOf(this.verifier.verifyPermit(token, { ...REQUEST, ...presented }));
  }
}

export function verdictOf(verification: Promise<unknown>): Promise<string> {
  return verification.then(
    () => 'accepted',
    (error: unknown) => {
      if (!(error instanceof PermitRefused)) throw error;
      return error.reason;
    },
  );
}
