import type { Replicas } from '../../replica/replicas.js';
import type { Database } from '../../storage/database.js';

/** Whether a balancer should send requests here, and if not, why. */
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
    const staleness = this.#replicas.stalenessMs;
    if (staleness > this.#maxStalenessMs) {
      reasons.push(`the change log was last read ${Math.round(staleness / 1000)} s ago`);
    }
    return reasons;
  }
}
