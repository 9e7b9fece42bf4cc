import type { Replicas } from '../../replica/replicas.js';
import type { Database } from '../../storage/database.js';

/**
 * Whether a balancer should send requests here, and if not, why: of the stores that are behind, how
 * many and the one that is longest.
 */
export class Readiness {
  readonly #database: Database;
  readonly #replicas: Replicas;
  readonly #maxStalenessMs: number;
  #draining = false;

  constructor(database: Database, replicas: Replicas, maxStalenessMs: number) {
    this.#database = database;
    this.#replicas = replicas;
    this.#maxStalenessMs = maxStalenessMs;
  }

  /** From now on: what is in flight is finished, nothing new is wanted. */
  drain(): void {
    this.#draining = true;
  }

  async reasonsAgainst(): Promise<readonly string[]> {
    if (this.#draining) return ['shutting down'];
    const reasons: string[] = [];
    try {
      await this.#database.query('SELECT 1');
    } catch {
      reasons.push('the database is not available');
    }
    const age = this.#replicas.headsAgeMs;
    if (age > this.#maxStalenessMs) {
      reasons.push(`the heads of the stores were last read ${seconds(age)} ago`);
    }
    const lag = this.#replicas.behind(this.#maxStalenessMs);
    if (lag !== undefined) {
      const { count, worst } = lag;
      reasons.push(
        `${count} ${count === 1 ? 'store is' : 'stores are'} behind the head, ` +
          `${worst.storeId} for ${seconds(worst.ms)}`,
      );
    }
    return reasons;
  }
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;
