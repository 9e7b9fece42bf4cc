/**
 * A reader with some tuples laid over another: the contextual tuples of one request. They add to the
 * stored ones, and replace a stored one that has the same key. Nodes of the reader below keep their
 * numbers; names that only the overlay knows are numbered after them.
 */
import type { Revision } from '../ids.js';
import { subjectColumns, subjectForm } from '../tuple/filter.js';
import type { ObjectRef, RelationTuple } from '../tuple/tuple.js';
import { EdgeIndex, edgeFacts } from './edges.js';
import type { KindTable } from './kinds.js';
import { NO_NODE } from './reader.js';
import type { EdgeFacts, EdgeKind, EdgeVisitor, GraphReader, Node, TypeSymbol } from './reader.js';

interface OwnNode {
  readonly type: TypeSymbol;
  readonly id: string;
}

export class OverlayGraph implements GraphReader {
  readonly #below: GraphReader;
  readonly #kinds: KindTable;
  readonly #firstOwnNode: Node;
  readonly #ownNodes: OwnNode[] = [];
  readonly #ownByName = new Map<string, Node>();
  readonly #forward = new EdgeIndex();
  readonly #reverse = new EdgeIndex();

  constructor(below: GraphReader, kinds: KindTable, tuples: readonly RelationTuple[]) {
    this.#below = below;
    this.#kinds = kinds;
    this.#firstOwnNode = below.nodeCount;
    for (const tuple of tuples) this.#add(tuple);
  }

  get revision(): Revision {
    return this.#below.revision;
  }

  get nodeCount(): number {
    return this.#firstOwnNode + this.#ownNodes.length;
  }

  node(type: TypeSymbol, id: string): Node {
    const below = this.#below.node(type, id);
    return below === NO_NODE ? (this.#ownByName.get(`${type}:${id}`) ?? NO_NODE) : below;
  }

  nodeType(node: Node): TypeSymbol {
    return this.#own(node)?.type ?? this.#below.nodeType(node);
  }

  nodeId(node: Node): string {
    return this.#own(node)?.id ?? this.#below.nodeId(node);
  }

  edge(object: Node, kind: EdgeKind, subject: Node): EdgeFacts | undefined {
    return this.#forward.get(object, kind, subject) ?? this.#below.edge(object, kind, subject);
  }

  someSubject(object: Node, kind: EdgeKind, visit: EdgeVisitor): boolean {
    return (
      this.#forward.some(object, kind, visit) ||
      this.#below.someSubject(
        object,
        kind,
        (subject, facts) =>
          this.#forward.get(object, kind, subject) === undefined && visit(subject, facts),
      )
    );
  }

  someObject(subject: Node, kind: EdgeKind, visit: EdgeVisitor): boolean {
    return (
      this.#reverse.some(subject, kind, visit) ||
      this.#below.someObject(
        subject,
        kind,
        (object, facts) =>
          this.#reverse.get(subject, kind, object) === undefined && visit(object, facts),
      )
    );
  }

  #own(node: Node): OwnNode | undefined {
    return node < this.#firstOwnNode ? undefined : this.#ownNodes[node - this.#firstOwnNode];
  }

  #add(tuple: RelationTuple): void {
    const subject = subjectColumns(tuple.subject);
    const kind = this.#kinds.kind(
      tuple.object.type,
      tuple.relation,
      subject.type,
      subjectForm(tuple.subject),
    );
    const objectNode = this.#intern(tuple.object);
    const subjectNode = this.#intern(subject);
    const facts = edgeFacts(tuple);
    this.#forward.set(objectNode, kind, subjectNode, facts);
    this.#reverse.set(subjectNode, kind, objectNode, facts);
  }

  #intern(object: ObjectRef): Node {
    const type = this.#kinds.type(object.type);
    const known = this.node(type, object.id);
    if (known !== NO_NODE) return known;
    const node = this.nodeCount;
    this.#ownNodes.push({ type, id: object.id });
    this.#ownByName.set(`${type}:${object.id}`, node);
    return node;
  }
}
