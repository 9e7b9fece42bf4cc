/**
 * A reader with some tuples laid over another: the contextual tuples of one request. They add to the
 * stored ones, and replace a stored one that has the same key. Nodes of the reader below keep their
 * numbers; names that only the overlay knows are numbered after them.
 */
import type { Revision } from '../ids.js';
import { subjectColumns, subjectForm } from '../tuple/filter.js';
import type { JsonObject, ObjectRef, RelationTuple } from '../tuple/tuple.js';
import { EdgeIndex, edgeFacts } from './edges.js';
import { encodeSets, guardedSet, plainSet } from './set-cursor.js';
import type { SetCursor, SetTag } from './set-cursor.js';
import type { KindTable } from './kinds.js';
import { NO_NODE, NodeList, PLAIN } from './reader.js';
import type {
  EdgeFacts,
  EdgeKind,
  EdgeVisitor,
  GraphReader,
  Node,
  StoredGraph,
  TypeSymbol,
} from './reader.js';

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
  readonly #ownKinds = new Set<EdgeKind>();
  #guards = false;

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

  get stored(): StoredGraph {
    return this.#below.stored;
  }

  isOverlaid(kind: EdgeKind): boolean {
    return this.#ownKinds.has(kind) || this.#below.isOverlaid(kind);
  }

  isOverlaidEdge(object: Node, kind: EdgeKind, subject: Node): boolean {
    return (
      this.#forward.get(object, kind, subject) !== undefined ||
      this.#below.isOverlaidEdge(object, kind, subject)
    );
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

  get hasAttributes(): boolean {
    return this.#below.hasAttributes;
  }

  attributes(node: Node): JsonObject | undefined {
    return node < this.#firstOwnNode ? this.#below.attributes(node) : undefined;
  }

  someAttributed(type: TypeSymbol, visit: (node: Node) => boolean): boolean {
    return this.#below.someAttributed(type, visit);
  }

  edge(object: Node, kind: EdgeKind, subject: Node): EdgeFacts | undefined {
    return this.#forward.get(object, kind, subject) ?? this.#below.edge(object, kind, subject);
  }

  get hasGuarded(): boolean {
    return this.#guards || this.#below.hasGuarded;
  }

  hasPlain(object: Node, kind: EdgeKind, subject: Node): boolean {
    const own = this.#forward.get(object, kind, subject);
    return own === undefined ? this.#below.hasPlain(object, kind, subject) : own === PLAIN;
  }

  openKinds(object: Node, cursor: SetCursor): void {
    this.#below.openKinds(object, cursor);
    const kinds = this.#forward.kinds(object);
    if (kinds === undefined) return;
    const sets = new Map<SetTag, readonly Node[]>();
    while (cursor.next()) {
      if (cursor.isGuarded) sets.set(guardedSet(cursor.kind), []);
      else sets.set(plainSet(cursor.kind), this.#members(object, cursor.kind));
    }
    for (const kind of kinds) {
      sets.set(plainSet(kind), this.#members(object, kind));
      if (this.#guards) sets.set(guardedSet(kind), []);
    }
    cursor.open(encodeSets(sets), 0, sets.size);
  }

  #members(object: Node, kind: EdgeKind): readonly Node[] {
    const list = new NodeList();
    this.openSubjects(object, kind, list);
    return [...list.words.subarray(list.start, list.start + list.length)];
  }

  openSubjects(object: Node, kind: EdgeKind, list: NodeList): void {
    this.#below.openSubjects(object, kind, list);
    merge(list, this.#forward.ends(object, kind));
  }

  openObjects(subject: Node, kind: EdgeKind, list: NodeList): void {
    this.#below.openObjects(subject, kind, list);
    merge(list, this.#reverse.ends(subject, kind));
  }

  someGuardedSubject(object: Node, kind: EdgeKind, visit: EdgeVisitor): boolean {
    const guarded = guardedOnly(visit);
    return (
      this.#forward.some(object, kind, guarded) ||
      this.#below.someGuardedSubject(
        object,
        kind,
        unlessIn(this.#forward.ends(object, kind), visit),
      )
    );
  }

  someGuardedObject(subject: Node, kind: EdgeKind, visit: EdgeVisitor): boolean {
    const guarded = guardedOnly(visit);
    return (
      this.#reverse.some(subject, kind, guarded) ||
      this.#below.someGuardedObject(
        subject,
        kind,
        unlessIn(this.#reverse.ends(subject, kind), visit),
      )
    );
  }

  someSubject(object: Node, kind: EdgeKind, visit: EdgeVisitor): boolean {
    return (
      this.#forward.some(object, kind, visit) ||
      this.#below.someSubject(object, kind, unlessIn(this.#forward.ends(object, kind), visit))
    );
  }

  someObject(subject: Node, kind: EdgeKind, visit: EdgeVisitor): boolean {
    return (
      this.#reverse.some(subject, kind, visit) ||
      this.#below.someObject(subject, kind, unlessIn(this.#reverse.ends(subject, kind), visit))
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
    if (facts !== PLAIN) this.#guards = true;
    this.#ownKinds.add(kind);
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

const guardedOnly =
  (visit: EdgeVisitor): EdgeVisitor =>
  (node, facts) =>
    facts !== PLAIN && visit(node, facts);

const unlessIn = (
  own: ReadonlyMap<Node, EdgeFacts> | undefined,
  visit: EdgeVisitor,
): EdgeVisitor =>
  own === undefined ? visit : (node, facts) => !own.has(node) && visit(node, facts);

/** Takes out of the list what the own edges replace, and adds those of them that are plain. */
function merge(list: NodeList, own: ReadonlyMap<Node, EdgeFacts> | undefined): void {
  if (own === undefined) return;
  const { words, start, length } = list;
  const kept = words.subarray(start, start + length).filter((node) => !own.has(node));
  const added = [...own].flatMap(([node, facts]) => (facts === PLAIN ? node : []));
  list.words = Int32Array.from([...kept, ...added]).sort();
  list.start = 0;
  list.length = list.words.length;
}
