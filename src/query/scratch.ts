/**
 * The tables that walks write on, kept from one query to the next: to make them anew costs more than
 * a check. Queries are synchronous and one evaluation is at work at a time, so one set of tables a
 * graph is enough; whoever begins an evaluation takes them over, and the one before is at its end.
 */
import { strict as assert } from 'node:assert';
import { NodeList } from '../graph/reader.js';
import { SetCursor } from '../graph/set-cursor.js';
import { IntList } from './int-list.js';
import { NodeSet } from './node-set.js';

export class ClosureTables {
  readonly seen = new NodeSet();
  /** Pairs of node and relation, in the order they were found. */
  readonly queue = new IntList();
  /** Members of the closure's target. */
  readonly members = new IntList();

  clear(): void {
    this.seen.clear();
    this.queue.clear();
    this.members.clear();
  }
}

export class Scratch {
  readonly seen = new NodeSet();
  readonly queue = new IntList();
  readonly cursor = new SetCursor();
  readonly list = new NodeList();
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

  /** To be cleared by whoever takes them. */
  closureTables(): ClosureTables {
    const tables = (this.#closures[this.#closuresUsed] ??= new ClosureTables());
    this.#closuresUsed++;
    return tables;
  }
}
