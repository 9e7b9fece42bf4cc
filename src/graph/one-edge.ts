/**
 * A reader with one edge laid over another that does not have it, and that carries nothing: that a
 * service acts for a user, as every delegated question has it. What `OverlayGraph` does for any tuples
 * by maps, this does by comparing three numbers, in a fraction of the time.
 */
import type { Revision } from '../ids.js';
import { subjectColumns, subjectForm } from '../tuple/filter.js';
import type { JsonObject, ObjectRef, TupleKey } from '../tuple/tuple.js';
import type { KindTable } from './kinds.js';
import { NO_NODE, PLAIN } from './reader.js';
import type {
  EdgeFacts,
  EdgeKind,
  EdgeVisitor,
  GraphReader,
  Node,
  NodeList,
  StoredGraph,
  TypeSymbol,
} from './reader.js';
import { encodeSets, guardedSet, lowerBound, plainSet, setHeader } from './set-cursor.js';
import type { SetCursor, SetTag } from './set-cursor.js';

interface End {
  readonly node: Node;
  readonly type: TypeSymbol;
  readonly id: string;
}

export class OneEdgeGraph implements GraphReader {
  readonly #below: GraphReader;
  readonly #kind: EdgeKind;
  readonly #object: End;
  readonly #subject: End;
  readonly nodeCount: number;

  constructor(below: GraphReader, kinds: KindTable, { object, relation, subject }: TupleKey) {
    const columns = subjectColumns(subject);
    this.#below = below;
    this.#kind = kinds.kind(object.type, relation, columns.type, subjectForm(subject));
    const first = below.nodeCount;
    this.#object = endAt(below, kinds, object, first);
    const second = this.#object.node === first ? first + 1 : first;
    const isLoop = columns.type === object.type && columns.id === object.id;
    this.#subject = isLoop ? this.#object : endAt(below, kinds, columns, second);
    this.nodeCount = Math.max(first, this.#object.node + 1, this.#subject.node + 1);
  }

  get revision(): Revision {
    return this.#below.revision;
  }

  get hasGuarded(): boolean {
    return this.#below.hasGuarded;
  }

  get stored(): StoredGraph {
    return this.#below.stored;
  }

  get hasAttributes(): boolean {
    return this.#below.hasAttributes;
  }

  attributes(node: Node): JsonObject | undefined {
    return node < this.#below.nodeCount ? this.#below.attributes(node) : undefined;
  }

  someAttributed(type: TypeSymbol, visit: (node: Node) => boolean): boolean {
    return this.#below.someAttributed(type, visit);
  }

  isOverlaid(kind: EdgeKind): boolean {
    return kind === this.#kind || this.#below.isOverlaid(kind);
  }

  isOverlaidEdge(object: Node, kind: EdgeKind, subject: Node): boolean {
    return this.#is(object, kind, subject) || this.#below.isOverlaidEdge(object, kind, subject);
  }

  node(type: TypeSymbol, id: string): Node {
    const below = this.#below.node(type, id);
    return below === NO_NODE ? (this.#own(type, id)?.node ?? NO_NODE) : below;
  }

  nodeType(node: Node): TypeSymbol {
    return node < this.#below.nodeCount ? this.#below.nodeType(node) : this.#end(node).type;
  }

  nodeId(node: Node): string {
    return node < this.#below.nodeCount ? this.#below.nodeId(node) : this.#end(node).id;
  }

  edge(object: Node, kind: EdgeKind, subject: Node): EdgeFacts | undefined {
    return this.#is(object, kind, subject) ? PLAIN : this.#below.edge(object, kind, subject);
  }

  hasPlain(object: Node, kind: EdgeKind, subject: Node): boolean {
    return this.#is(object, kind, subject) || this.#below.hasPlain(object, kind, subject);
  }

  openKinds(object: Node, cursor: SetCursor): void {
    this.#below.openKinds(object, cursor);
    if (object !== this.#object.node) return;
    const own = plainSet(this.#kind);
    if (!cursor.next()) {
      cursor.open(Int32Array.of(setHeader(own, 1), this.#subject.node), 0, 1);
      return;
    }
    const sets = new Map<SetTag, readonly Node[]>([[own, [this.#subject.node]]]);
    do {
      const { words, start, length, kind, isGuarded } = cursor;
      const tag = isGuarded ? guardedSet(kind) : plainSet(kind);
      const members = [...words.subarray(start, start + length), ...(sets.get(tag) ?? [])];
      sets.set(
        tag,
        members.sort((one, other) => one - other),
      );
    } while (cursor.next());
    cursor.open(encodeSets(sets), 0, sets.size);
  }

  openSubjects(object: Node, kind: EdgeKind, list: NodeList): void {
    this.#below.openSubjects(object, kind, list);
    if (object === this.#object.node && kind === this.#kind) insert(list, this.#subject.node);
  }

  openObjects(subject: Node, kind: EdgeKind, list: NodeList): void {
    this.#below.openObjects(subject, kind, list);
    if (subject === this.#subject.node && kind === this.#kind) insert(list, this.#object.node);
  }

  someGuardedSubject(object: Node, kind: EdgeKind, visit: EdgeVisitor): boolean {
    return this.#below.someGuardedSubject(object, kind, visit);
  }

  someGuardedObject(subject: Node, kind: EdgeKind, visit: EdgeVisitor): boolean {
    return this.#below.someGuardedObject(subject, kind, visit);
  }

  someSubject(object: Node, kind: EdgeKind, visit: EdgeVisitor): boolean {
    const isOwn = object === this.#object.node && kind === this.#kind;
    return (
      (isOwn && visit(this.#subject.node, PLAIN)) || this.#below.someSubject(object, kind, visit)
    );
  }

  someObject(subject: Node, kind: EdgeKind, visit: EdgeVisitor): boolean {
    const isOwn = subject === this.#subject.node && kind === this.#kind;
    return (
      (isOwn && visit(this.#object.node, PLAIN)) || this.#below.someObject(subject, kind, visit)
    );
  }

  #is(object: Node, kind: EdgeKind, subject: Node): boolean {
    return kind === this.#kind && object === this.#object.node && subject === this.#subject.node;
  }

  #own(type: TypeSymbol, id: string): End | undefined {
    return [this.#object, this.#subject].find((end) => end.type === type && end.id === id);
  }

  /** Of a node that the reader below does not have. */
  #end(node: Node): End {
    return node === this.#object.node ? this.#object : this.#subject;
  }
}

/** Under its number below, or else under a new one. */
function endAt(
  below: GraphReader,
  kinds: KindTable,
  { type: name, id }: ObjectRef,
  free: Node,
): End {
  const type = kinds.type(name);
  const node = below.node(type, id);
  return { node: node === NO_NODE ? free : node, type, id };
}

function insert(list: NodeList, node: Node): void {
  const { words, start, length } = list;
  const at = lowerBound(words, start, length, node);
  const merged = new Int32Array(length + 1);
  merged.set(words.subarray(start, start + at));
  merged[at] = node;
  merged.set(words.subarray(start + at, start + length), at + 1);
  list.words = merged;
  list.start = 0;
  list.length = length + 1;
}
