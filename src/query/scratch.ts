/**
 * The tables that walks write on, kept from one query to the next: to make them anew costs more than
 * a check. Queries are synchronous and one evaluation is at work at a time, so one set of tables a
 * graph is enough; whoever begins an evaluation takes them over, and the one before is at its end.
 */
import { strict as assert } from 'node:assert';
import { NodeSet } from './node-set.js';

export interface ClosureTables {
  readonly seen: NodeSet;
  /** Pairs of node and relation, in the order they were found. */
  readonly queue: number[];
  /** Members of the closure's target. */
  readonly members: number[];
}

export class Scratch {
  readonly seen = new NodeSet();
  readonly queue: number[] = [];
  readonly #closures: ClosureTables[] = [];
  #closuresUsed = 0;
  #owner: object | undefined;

  takeOver(owner: object): void {
    this.#owner = owner;
    this.#closuresUsed = 0;
  }

  /** An evaluation that another one has followed must not go on: its closures are gone. */
  assertOwner(owner: object): void {
    assert(this.#owner === owner, 'one evaluation is at work at a time');
  }

  closureTables(): ClosureTables {
    let tables = this.#closures[this.#closuresUsed];
    if (tables === undefined) {
      tables = { seen: new NodeSet(), queue: [], members: [] };
      this.#closures.push(tables);
    }
    this.#closuresUsed++;
    tables.seen.clear();
    tables.queue.length = 0;
    tables.members.length = 0;
    return tables;
  }
}
