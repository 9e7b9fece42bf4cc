/**
 * The group index: of a set, all sets of one monotone relation that it flows into, with the fewest
 * hops to each; a group's ancestors, in short. They hang on the edges by which groups are nested, and
 * those seldom change: that a user joins a group changes nothing here.
 *
 * A list is made when it is first asked for. A change to a nesting edge makes stale the lists of the
 * set at its lower end and of all below, no others. Those are found in the graph as it is now, which
 * is right although several edges may have changed: of a way that is gone or new take the lowest edge
 * that changed; what is below it is still there.
 *
 * No list is made where an edge on the way carries a condition or an expiry, for it would hold for one
 * request only, nor where it would be long. Such sets are UNSURE, and closures walk.
 *
 * Keeping all lists up at every write was rejected: an edge high up would cost as many lists as there
 * are groups below it, most of which nobody may ask for before the next one.
 *
 *   lists   of a set and a target, where its list is
 *   a list  [length] and so many pairs [node of the target relation] [hops]
 */
import { grown } from '../graph/grow.js';
import { NodeList } from '../graph/reader.js';
import type { GraphReader, Node, StoredGraph } from '../graph/reader.js';
import type { RelationIndex } from '../schema/plan.js';
import type { Budget } from './budget.js';
import { NodeSet } from './node-set.js';
import type { ReverseWays } from './reverse-ways.js';
import { ClosureTables } from './scratch.js';

const STALE = 0;
export const UNSURE = 1;
/** The set flows into itself alone, without a hop, as most do, and needs no list. */
export const ITSELF = 2;
const FIRST_LIST = 3;

/** Sets above one; a walk over more is as good as a list of them, which would crowd out others. */
const MAX_ABOVE = 1000;

/** Sets and edges gone over to find what is stale, at most some 0.2 ms; beyond, all lists go. */
const MAX_STALE = 4000;

/** What all lists may take together: this share of the graph, but a megabyte at any rate. */
const SHARE_OF_GRAPH = 1 / 8;
const MIN_BYTES = 2 ** 20;

export class GroupIndex {
  /** Where the lists are. */
  words = new Int32Array(64);
  #end = FIRST_LIST;
  #lists = new NodeSet();
  #graph: StoredGraph | undefined;
  /** How far the graph's journal has been read. */
  #place = 0;
  /** The targets that lists were made for. */
  readonly #targets = new Set<ReverseWays>();
  readonly #walk = new ClosureTables();
  readonly #neighbours = new NodeList();

  get bytes(): number {
    return 4 * this.#end + this.#lists.bytes;
  }

  /** Gets the lists in step with the graph; false where they do not tell what is asked. */
  follow(graph: GraphReader, ways: ReverseWays): boolean {
    const { stored } = graph;
    if (stored !== graph && [...ways.nesting.keys()].some((kind) => graph.isOverlaid(kind))) {
      return false;
    }
    if (stored !== this.#graph) this.#begin(stored);
    if (!this.#targets.has(ways)) {
      this.#targets.add(ways);
      for (const kind of ways.nesting.keys()) stored.journal.watch(kind);
    }
    if (this.#place !== stored.journal.end) this.#catchUp(stored);
    return true;
  }

  /** Where in `words` the list of a set is; or ITSELF, or UNSURE. Valid until the next one. */
  list(ways: ReverseWays, node: Node, relation: RelationIndex, budget: Budget): number {
    const known = this.#lists.get(node, ways.keyOf(relation));
    return known > STALE ? known : this.#make(ways, node, relation, budget);
  }

  #begin(graph: StoredGraph): void {
    this.#graph = graph;
    this.#place = graph.journal.end;
    this.#targets.clear();
    this.#drop();
  }

  #drop(): void {
    this.#lists = new NodeSet();
    this.#end = FIRST_LIST;
  }

  #make(ways: ReverseWays, node: Node, relation: RelationIndex, budget: Budget): number {
    const isSure = this.#ascend(ways, node, relation);
    const { members, seen } = this.#walk;
    budget.step(seen.size);
    const isAlone =
      members.length === 1 && members.at(0) === node && seen.get(node, ways.target) === 0;
    const words = isSure && !isAlone ? 1 + 2 * members.length : 0;
    if (4 * (this.#end + words) + this.#lists.nextBytes > this.#maxBytes) this.#drop();
    const list = !isSure ? UNSURE : isAlone ? ITSELF : this.#write(ways, words);
    this.#lists.set(node, ways.keyOf(relation), list);
    return list;
  }

  get #maxBytes(): number {
    return Math.max(MIN_BYTES, (this.#graph?.bytes ?? 0) * SHARE_OF_GRAPH);
  }

  #write(ways: ReverseWays, words: number): number {
    const { members, seen } = this.#walk;
    const list = this.#end;
    this.#end += words;
    if (this.#end > this.words.length) this.words = grown(this.words, this.#end);
    this.words[list] = members.length;
    for (let i = 0; i < members.length; i++) {
      this.words[list + 1 + 2 * i] = members.at(i);
      this.words[list + 2 + 2 * i] = seen.get(members.at(i), ways.target);
    }
    return list;
  }

  /** Walks to all that the set flows into; false where that is unsure. */
  #ascend(ways: ReverseWays, node: Node, relation: RelationIndex): boolean {
    const { queue, seen } = this.#walk;
    const graph = this.#graph;
    this.#walk.clear();
    this.#reach(ways, node, relation, 0);
    for (let at = 0; at < queue.length && graph !== undefined; at += 2) {
      const from = queue.at(at);
      const hops = seen.get(from, queue.at(at + 1)) + 1;
      for (const { kind, admission, to } of ways.overEdges[queue.at(at + 1)] ?? []) {
        if (graph.hasGuarded && graph.someGuardedObject(from, kind, () => true)) return false;
        if (!admission.plain) continue;
        graph.openObjects(from, kind, this.#neighbours);
        const { words, start, length } = this.#neighbours;
        if (seen.size + length > MAX_ABOVE) return false;
        for (let i = start; i < start + length; i++) this.#reach(ways, words[i] ?? 0, to, hops);
      }
    }
    return true;
  }

  #reach(ways: ReverseWays, node: Node, relation: RelationIndex, hops: number): void {
    const { seen, queue, members } = this.#walk;
    if (!seen.add(node, relation, hops)) return;
    if (relation === ways.target) members.push(node);
    queue.push(node);
    queue.push(relation);
    for (const computed of ways.computed[relation] ?? []) this.#reach(ways, node, computed, hops);
  }

  #catchUp(graph: StoredGraph): void {
    for (const ways of this.#targets) {
      if (this.#unmake(graph, ways)) continue;
      this.#drop();
      break;
    }
    this.#place = graph.journal.end;
  }

  /** Marks as stale what changed edges are above of; false when that is too much. */
  #unmake(graph: StoredGraph, ways: ReverseWays): boolean {
    const { queue, seen } = this.#walk;
    this.#walk.clear();
    const isHeld = graph.journal.since(this.#place, (kind, subject) => {
      for (const relation of ways.nesting.get(kind) ?? []) this.#outdate(ways, subject, relation);
    });
    if (!isHeld) return false;
    let edges = 0;
    for (let at = 0; at < queue.length; at += 2) {
      const node = queue.at(at);
      for (const { kind, to } of ways.below[queue.at(at + 1)] ?? []) {
        if (kind === undefined) {
          this.#outdate(ways, node, to);
          continue;
        }
        graph.openSubjects(node, kind, this.#neighbours);
        const { words, start, length } = this.#neighbours;
        if ((edges += length) + seen.size > MAX_STALE) return false;
        for (let i = start; i < start + length; i++) this.#outdate(ways, words[i] ?? 0, to);
      }
    }
    return true;
  }

  #outdate(ways: ReverseWays, node: Node, relation: RelationIndex): void {
    const { queue, seen } = this.#walk;
    if (!seen.add(node, relation, 0)) return;
    queue.push(node);
    queue.push(relation);
    const key = ways.keyOf(relation);
    if (this.#lists.get(node, key) > STALE) this.#lists.set(node, key, STALE);
  }
}
