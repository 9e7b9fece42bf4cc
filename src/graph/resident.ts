/**
 * A store's whole graph in memory at its newest applied revision, both directions. Changes are
 * applied between queries, a whole revision at a time, so no reader ever sees half of one.
 *
 * This layout, maps of maps, is the plain one; `GraphReader` is all that queries know of it.
 */
import { strict as assert } from 'node:assert';
import type { Revision } from '../ids.js';
import { subjectColumns, subjectForm } from '../tuple/filter.js';
import type { RelationTuple, TupleChange, TupleKey } from '../tuple/tuple.js';
import { EdgeIndex, edgeFacts } from './edges.js';
import { KindTable } from './kinds.js';
import { NO_NODE } from './reader.js';
import type { EdgeFacts, EdgeKind, EdgeVisitor, GraphReader, Node, TypeSymbol } from './reader.js';

interface Edge {
  readonly object: Node;
  readonly kind: EdgeKind;
  readonly subject: Node;
}

export class ResidentGraph implements GraphReader {
  readonly kinds = new KindTable();
  readonly #nodes: Map<string, Node>[] = [];
  readonly #nodeTypes: TypeSymbol[] = [];
  readonly #nodeIds: string[] = [];
  readonly #forward = new EdgeIndex();
  readonly #reverse = new EdgeIndex();
  #revision: Revision;

  constructor(revision: Revision) {
    this.#revision = revision;
  }

  get revision(): Revision {
    return this.#revision;
  }

  get nodeCount(): number {
    return this.#nodeIds.length;
  }

  /** Adds a tuple of the snapshot that the graph starts from. */
  load(tuple: RelationTuple): void {
    this.#add(tuple);
  }

  /** Applies the changes of the next revision, all of them in their order. */
  apply(revision: Revision, changes: readonly TupleChange[]): void {
    assert.equal(revision, this.#revision + 1, 'revisions are applied without a gap');
    for (const change of changes) {
      if (change.operation === 'write') this.#add(change.tuple);
      else this.#remove(change.tuple);
    }
    this.#revision = revision;
  }

  node(type: TypeSymbol, id: string): Node {
    return this.#nodes[type]?.get(id) ?? NO_NODE;
  }

  nodeType(node: Node): TypeSymbol {
    const type = this.#nodeTypes[node];
    assert(type !== undefined, 'the node is of this graph');
    return type;
  }

  nodeId(node: Node): string {
    const id = this.#nodeIds[node];
    assert(id !== undefined, 'the node is of this graph');
    return id;
  }

  edge(object: Node, kind: EdgeKind, subject: Node): EdgeFacts | undefined {
    return this.#forward.get(object, kind, subject);
  }

  someSubject(object: Node, kind: EdgeKind, visit: EdgeVisitor): boolean {
    return this.#forward.some(object, kind, visit);
  }

  someObject(subject: Node, kind: EdgeKind, visit: EdgeVisitor): boolean {
    return this.#reverse.some(subject, kind, visit);
  }

  #add(tuple: RelationTuple): void {
    const { object, kind, subject } = this.#edge(tuple);
    const facts = edgeFacts(tuple);
    this.#forward.set(object, kind, subject, facts);
    this.#reverse.set(subject, kind, object, facts);
  }

  #remove(key: TupleKey): void {
    const { object, kind, subject } = this.#edge(key);
    this.#forward.delete(object, kind, subject);
    this.#reverse.delete(subject, kind, object);
  }

  #edge(key: TupleKey): Edge {
    const subject = subjectColumns(key.subject);
    return {
      object: this.#intern(key.object.type, key.object.id),
      kind: this.kinds.kind(key.object.type, key.relation, subject.type, subjectForm(key.subject)),
      subject: this.#intern(subject.type, subject.id),
    };
  }

  #intern(typeName: string, id: string): Node {
    const type = this.kinds.type(typeName);
    const ids = (this.#nodes[type] ??= new Map<string, Node>());
    const known = ids.get(id);
    if (known !== undefined) return known;
    const node = this.#nodeIds.length;
    ids.set(id, node);
    this.#nodeIds.push(id);
    this.#nodeTypes.push(type);
    return node;
  }
}
