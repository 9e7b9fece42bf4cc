/**
 * A store's whole graph in memory at its newest applied revision, both directions, in typed arrays:
 * no JavaScript object per tuple. Changes are applied between queries, a whole revision at a time, so
 * no reader ever sees half of one.
 *
 * PLAIN-APART: an edge that carries a condition or an expiry stands in the sets of its *guarded* kind,
 * and what it carries in the facts table; the sets of the plain kind hold edges that simply are. So
 * the common case looks nothing up.
 *
 * That a service acts for a user counts in a request that says so, never from here (`tuple/delegation.ts`).
 *
 * What was deleted leaves room behind: lists are reused, names are not. `isWasteful` says when it is
 * worth to make the graph anew, which whoever owns it does while this one goes on answering.
 */
import { strict as assert } from 'node:assert';
import { randomInt } from 'node:crypto';
import type { Revision } from '../ids.js';
import { isActingFor } from '../tuple/delegation.js';
import { subjectColumns, subjectForm } from '../tuple/filter.js';
import type { StoreChanges } from '../tuple/attributes.js';
import type { JsonObject, ObjectRef, RelationTuple, TupleKey } from '../tuple/tuple.js';
import { AttributesTable } from './attributes-table.js';
import { EdgeJournal } from './edge-journal.js';
import { EdgeSets } from './edge-sets.js';
import { FactsTable } from './facts-table.js';
import { KindTable } from './kinds.js';
import { ListPool } from './list-pool.js';
import { NodeList, PLAIN } from './reader.js';
import type { EdgeFacts, EdgeKind, EdgeVisitor, Node, StoredGraph, TypeSymbol } from './reader.js';
import { guardedSet, plainSet } from './set-cursor.js';
import type { SetCursor } from './set-cursor.js';
import { StringTable } from './string-table.js';

interface Edge {
  readonly object: Node;
  readonly kind: EdgeKind;
  readonly subject: Node;
}

const WASTE_BYTES = 16 * 2 ** 20;
const WASTE_SHARE = 0.25;

export class ResidentGraph implements StoredGraph {
  readonly kinds = new KindTable();
  readonly journal = new EdgeJournal();
  readonly #names: StringTable;
  readonly #pool = new ListPool();
  readonly #forward = new EdgeSets(this.#pool);
  readonly #reverse = new EdgeSets(this.#pool);
  readonly #facts: FactsTable;
  /** Made for the first that any node gets. */
  #attributes: AttributesTable | undefined;
  #revision: Revision;

  constructor(revision: Revision, hashSeed = randomInt(2 ** 31)) {
    this.#names = new StringTable(hashSeed);
    this.#facts = new FactsTable(hashSeed);
    this.#revision = revision;
  }

  get revision(): Revision {
    return this.#revision;
  }

  get nodeCount(): number {
    return this.#names.size;
  }

  get stored(): this {
    return this;
  }

  isOverlaid(): boolean {
    return false;
  }

  isOverlaidEdge(): boolean {
    return false;
  }

  get tupleCount(): number {
    return this.#forward.edges;
  }

  /** Bytes that the graph uses, without what its arrays reserve beyond. */
  get bytes(): number {
    return (
      this.#names.bytes +
      4 * (this.#pool.usedWords + this.#pool.freeWords) +
      this.#forward.bytes +
      this.#reverse.bytes +
      this.#facts.bytes +
      (this.#attributes?.bytes ?? 0)
    );
  }

  /**
   * Whether a new graph of the same tuples would be a good deal smaller. Small ones are left alone:
   * there is nothing to be won.
   */
  get isWasteful(): boolean {
    const wasted = 4 * this.#pool.freeWords;
    return wasted > WASTE_BYTES && wasted > this.bytes * WASTE_SHARE;
  }

  /** Adds a tuple of the snapshot that the graph starts from. */
  load(tuple: RelationTuple): void {
    this.#add(tuple);
  }

  loadAttributes(entity: ObjectRef, attributes: JsonObject): void {
    this.#setAttributes(entity, attributes);
  }

  /** Applies the changes of the next revision, all of them in their order. */
  apply(revision: Revision, changes: StoreChanges): void {
    assert.equal(revision, this.#revision + 1, 'revisions are applied without a gap');
    for (const change of changes) {
      switch (change.operation) {
        case 'write':
          this.#add(change.tuple);
          break;
        case 'delete':
          this.#remove(this.#edge(change.tuple));
          break;
        case 'attributes':
          this.#setAttributes(change.entity, change.attributes);
          break;
      }
    }
    this.#revision = revision;
  }

  node(type: TypeSymbol, id: string): Node {
    return this.#names.find(type, id);
  }

  nodeType(node: Node): TypeSymbol {
    return this.#names.type(node);
  }

  nodeId(node: Node): string {
    return this.#names.text(node);
  }

  get hasAttributes(): boolean {
    return this.#attributes !== undefined && this.#attributes.size > 0;
  }

  attributes(node: Node): JsonObject | undefined {
    return this.#attributes?.get(node);
  }

  someAttributed(type: TypeSymbol, visit: (node: Node) => boolean): boolean {
    return (
      this.#attributes?.some((node) => this.#names.type(node) === type && visit(node)) ?? false
    );
  }

  edge(object: Node, kind: EdgeKind, subject: Node): EdgeFacts | undefined {
    if (this.#forward.has(object, plainSet(kind), subject)) return PLAIN;
    return this.#facts.size === 0 ? undefined : this.#facts.get(object, kind, subject);
  }

  get hasGuarded(): boolean {
    return this.#facts.size > 0;
  }

  hasPlain(object: Node, kind: EdgeKind, subject: Node): boolean {
    return this.#forward.has(object, plainSet(kind), subject);
  }

  openKinds(object: Node, cursor: SetCursor): void {
    this.#forward.openAll(object, cursor);
  }

  openSubjects(object: Node, kind: EdgeKind, list: NodeList): void {
    this.#forward.open(object, plainSet(kind), list);
  }

  openObjects(subject: Node, kind: EdgeKind, list: NodeList): void {
    this.#reverse.open(subject, plainSet(kind), list);
  }

  someGuardedSubject(object: Node, kind: EdgeKind, visit: EdgeVisitor): boolean {
    return someOf(this.#forward, object, guardedSet(kind), (subject) =>
      visit(subject, this.#factsOf(object, kind, subject)),
    );
  }

  someGuardedObject(subject: Node, kind: EdgeKind, visit: EdgeVisitor): boolean {
    return someOf(this.#reverse, subject, guardedSet(kind), (object) =>
      visit(object, this.#factsOf(object, kind, subject)),
    );
  }

  someSubject(object: Node, kind: EdgeKind, visit: EdgeVisitor): boolean {
    const plain = (subject: Node): boolean => visit(subject, PLAIN);
    return (
      someOf(this.#forward, object, plainSet(kind), plain) ||
      this.someGuardedSubject(object, kind, visit)
    );
  }

  someObject(subject: Node, kind: EdgeKind, visit: EdgeVisitor): boolean {
    const plain = (object: Node): boolean => visit(object, PLAIN);
    return (
      someOf(this.#reverse, subject, plainSet(kind), plain) ||
      this.someGuardedObject(subject, kind, visit)
    );
  }

  #factsOf(object: Node, kind: EdgeKind, subject: Node): EdgeFacts {
    const facts = this.#facts.get(object, kind, subject);
    assert(facts !== undefined, 'a guarded edge has facts');
    return facts;
  }

  #add(tuple: RelationTuple): void {
    if (isActingFor(tuple)) return;
    const edge = this.#edge(tuple);
    const { object, kind, subject } = edge;
    this.journal.note(kind, subject);
    if (tuple.condition === undefined && tuple.expiresAt === undefined) {
      if (this.#facts.size > 0) this.#removeFrom(guardedSet(kind), edge);
      this.#forward.add(object, plainSet(kind), subject);
      this.#reverse.add(subject, plainSet(kind), object);
      return;
    }
    this.#removeFrom(plainSet(kind), edge);
    this.#facts.set(object, kind, subject, {
      ...(tuple.condition && { condition: tuple.condition }),
      ...(tuple.expiresAt !== undefined && { expiresAt: tuple.expiresAt }),
    });
    this.#forward.add(object, guardedSet(kind), subject);
    this.#reverse.add(subject, guardedSet(kind), object);
  }

  #remove(edge: Edge): void {
    this.journal.note(edge.kind, edge.subject);
    if (!this.#removeFrom(plainSet(edge.kind), edge)) {
      this.#removeFrom(guardedSet(edge.kind), edge);
    }
  }

  #removeFrom(set: number, { object, kind, subject }: Edge): boolean {
    if (!this.#forward.remove(object, set, subject)) return false;
    this.#reverse.remove(subject, set, object);
    if (set === guardedSet(kind)) this.#facts.delete(object, kind, subject);
    return true;
  }

  #setAttributes({ type, id }: ObjectRef, attributes: JsonObject | undefined): void {
    const node = this.#names.intern(this.kinds.type(type), id);
    if (attributes === undefined) this.#attributes?.delete(node);
    else (this.#attributes ??= new AttributesTable()).set(node, attributes);
  }

  #edge(key: TupleKey): Edge {
    const subject = subjectColumns(key.subject);
    return {
      object: this.#names.intern(this.kinds.type(key.object.type), key.object.id),
      kind: this.kinds.kind(key.object.type, key.relation, subject.type, subjectForm(key.subject)),
      subject: this.#names.intern(this.kinds.type(subject.type), subject.id),
    };
  }
}

function someOf(sets: EdgeSets, from: Node, set: number, visit: (node: Node) => boolean): boolean {
  const list = new NodeList();
  sets.open(from, set, list);
  const { words, start, length } = list;
  for (let i = start; i < start + length; i++) if (visit(words[i] ?? 0)) return true;
  return false;
}
