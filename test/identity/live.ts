/** A live issuer and a verifier of its tokens for each test of a file. */
import { afterEach, beforeEach } from '@jest/globals';
import { TestIssuer } from '../support/issuer.js';
import { ManualTime } from '../support/manual-time.js';
import { until } from '../support/storage.js';
import { verdictOn, verificationOf } from './verification.js';
import type { Verification } from './verification.js';

export class Live {
  time = new ManualTime();
  #issuer: TestIssuer | undefined;
  #verification: Verification | undefined;

  constructor() {
    beforeEach(async () => {
      this.time = new ManualTime();
      this.#issuer = await TestIssuer.start(() => this.time.now());
      this.configure();
    });
    afterEach(async () => {
      await this.verification.verifier.stop();
      await this.issuer.stop();
    });
  }

  get issuer(): TestIssuer {
    return this.#issuer!; // there in every test
  }

  get verification(): Verification {
    return this.#verification!; // there in every test
  }

  /** A new verifier, with members of the settings other than the usual ones. */
  configure(overrides: object = {}): void {
    this.#verification = verificationOf(this.time, [this.issuer.settings('corp', overrides)]);
  }

  verdict(token: string): Promise<string> {
    return verdictOn(this.verification.verifier, token);
  }

  /** A good token. */
  good(): Promise<string> {
    return this.issuer.accessToken();
  }

  /** A token of a key that was never published. */
  strange(id: string): Promise<string> {
    return this.issuer.accessToken({}, { key: { ...this.issuer.key, id } });
  }

  stateOfKeys(): string | undefined {
    return this.verification.verifier.keySetStates().get('corp');
  }

  /** Waits for the background: that keys have been read so often, and the next time is set. */
  async afterAttempts(count: number): Promise<void> {
    await until(() => this.verification.attempts() === count && this.time.waiting === 1);
  }
}
