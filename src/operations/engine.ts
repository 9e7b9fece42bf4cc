import type { Clock } from '../clock.js';
import type { Config } from '../config.js';
import type { Replicas } from '../replica/replicas.js';
import type { Database } from '../storage/database.js';
import type { WriteQueue } from '../storage/write-queue.js';
import type { Plans } from './plans.js';

/** What the operations work with; made once, in the composition root. */
export interface Engine {
  readonly config: Config;
  readonly clock: Clock;
  /** A new ULID, greater than the ones before it. */
  readonly newId: () => string;
  readonly database: Database;
  readonly replicas: Replicas;
  readonly plans: Plans;
  readonly writes: WriteQueue;
}
