/**
 * All that a reader tells of a store, by names, each edge a line as often as the reader tells it: so
 * that readers that number their nodes differently can be compared, with each other and with a plain
 * list of tuples. Everything is asked about everything: for small stores.
 */
import { NodeList, PLAIN } from '../../src/graph/reader.js';
import type {
  EdgeFacts,
  EdgeKind,
  EdgeVisitor,
  GraphReader,
  Node,
} from '../../src/graph/reader.js';
import { SetCursor } from '../../src/graph/set-cursor.js';
import type { KindTable } from '../../src/graph/kinds.js';
import { formatTupleKey } from '../../src/tuple/tuple.js';
import { subjectColumns, subjectForm } from '../../src/tuple/filter.js';
import type { ObjectRef, RelationTuple, TupleKey } from '../../src/tuple/tuple.js';

export interface Portrait {
  readonly all: readonly string[];
  readonly plain: readonly string[];
  readonly guarded: readonly string[];
}

/** By the method that told it. */
export interface Told {
  readonly edge: Portrait['all'];
  readonly someSubject: Portrait['all'];
  readonly someObject: Portrait['all'];
  readonly hasPlain: Portrait['plain'];
  readonly openSubjects: Portrait['plain'];
  readonly openObjects: Portrait['plain'];
  readonly openKinds: Portrait['plain'];
  readonly someGuardedSubject: Portrait['guarded'];
  readonly someGuardedObject: Portrait['guarded'];
}

/** What can be asked for: names and edge kinds, those of the tuples and perhaps others. */
export interface Vocabulary {
  readonly objects: readonly ObjectRef[];
  readonly kinds: ReadonlyMap<EdgeKind, TupleKey>;
}

const subjectRef = (tuple: TupleKey): ObjectRef => subjectColumns(tuple.subject);

export function vocabularyOf(kinds: KindTable, tuples: readonly TupleKey[]): Vocabulary {
  const refs = tuples.flatMap((tuple) => [tuple.object, subjectRef(tuple)]);
  return {
    objects: [...new Map(refs.map((ref) => [`${ref.type}:${ref.id}`, ref])).values()],
    kinds: new Map(
      tuples.map((tuple) => {
        const { object, relation, subject } = tuple;
        return [kinds.kind(object.type, relation, subject.type, subjectForm(subject)), tuple];
      }),
    ),
  };
}

const line = (key: string, facts: EdgeFacts): string => `${key} ${JSON.stringify(facts)}`;

/** Contextual tuples or later writes come last: they replace what has their key. */
export function expectedOf(tuples: readonly RelationTuple[]): Told {
  const facts = new Map<string, EdgeFacts>();
  for (const tuple of tuples) {
    const { condition, expiresAt } = tuple;
    facts.set(formatTupleKey(tuple), {
      ...(condition && { condition }),
      ...(expiresAt !== undefined && { expiresAt }),
    });
  }
  const lines = [...facts].map(([key, carried]) => line(key, carried)).sort();
  const plain = lines.filter((text) => text.endsWith(' {}'));
  const guarded = lines.filter((text) => !text.endsWith(' {}'));
  return toldBy({ all: lines, plain, guarded });
}

const toldBy = ({ all, plain, guarded }: Portrait): Told => ({
  ...{ edge: all, someSubject: all, someObject: all },
  ...{ hasPlain: plain, openSubjects: plain, openObjects: plain, openKinds: plain },
  ...{ someGuardedSubject: guarded, someGuardedObject: guarded },
});

export function portraitOf(
  graph: GraphReader,
  kinds: KindTable,
  { objects, kinds: named }: Vocabulary,
): Told {
  const told = { ...mapValues(toldBy({ all: [], plain: [], guarded: [] }), (): string[] => []) };
  const nodes = objects.map(({ type, id }) => graph.node(kinds.type(type), id));
  const strangers = [-1, graph.nodeCount, graph.nodeCount + 1000];
  const nameOf = (node: Node): string =>
    `${kinds.typeName(graph.nodeType(node))}:${graph.nodeId(node)}`;
  for (const [kind, like] of named) {
    const text = (object: Node, subject: Node, facts: EdgeFacts): string =>
      line(`${nameOf(object)}#${like.relation}@${nameOf(subject)}${suffixOf(like)}`, facts);
    for (const node of [...new Set([...nodes, ...strangers])]) {
      const to = (lines: string[]) => (subject: Node, facts: EdgeFacts) => {
        lines.push(text(node, subject, facts));
      };
      const from = (lines: string[]) => (object: Node, facts: EdgeFacts) => {
        lines.push(text(object, node, facts));
      };
      visit((v) => graph.someSubject(node, kind, v), to(told.someSubject));
      visit((v) => graph.someObject(node, kind, v), from(told.someObject));
      visit((v) => graph.someGuardedSubject(node, kind, v), to(told.someGuardedSubject));
      visit((v) => graph.someGuardedObject(node, kind, v), from(told.someGuardedObject));
      const list = new NodeList();
      graph.openSubjects(node, kind, list);
      for (const subject of membersOf(list)) to(told.openSubjects)(subject, PLAIN);
      graph.openObjects(node, kind, list);
      for (const object of membersOf(list)) from(told.openObjects)(object, PLAIN);
      for (const subject of inKinds(graph, node, kind)) to(told.openKinds)(subject, PLAIN);
      for (const subject of [...nodes, ...strangers]) {
        if (graph.hasPlain(node, kind, subject)) to(told.hasPlain)(subject, PLAIN);
        const facts = graph.edge(node, kind, subject);
        if (facts !== undefined) to(told.edge)(subject, facts);
      }
    }
  }
  return mapValues(told, (lines) => lines.sort());
}

function mapValues<From, To>(
  told: Readonly<Record<keyof Told, From>>,
  change: (value: From) => To,
): Record<keyof Told, To> {
  const entries = Object.entries(told).map(([method, value]) => [method, change(value)] as const);
  return Object.fromEntries(entries) as Record<keyof Told, To>;
}

/** As `formatTupleKey` ends: nothing more for an object or a wildcard, whose id is `*`. */
const suffixOf = ({ subject }: TupleKey): string =>
  subject.kind === 'userset' ? `#${subject.relation}` : '';

/** Tells every edge, and holds that a walk that is stopped stops. */
function visit(
  some: (visitor: EdgeVisitor) => boolean,
  tell: (node: Node, facts: EdgeFacts) => void,
): void {
  let visits = 0;
  const wasStopped = some((node, facts) => {
    visits++;
    if ((facts === PLAIN) !== (JSON.stringify(facts) === '{}')) throw new Error('PLAIN is not one');
    tell(node, facts);
    return false;
  });
  if (wasStopped) throw new Error('a walk says that it was stopped, and was not');
  let first = 0;
  const stopped = some(() => ++first > 0);
  if (stopped !== visits > 0 || first > 1) throw new Error('a walk did not stop');
}

function membersOf({ words, start, length }: NodeList | SetCursor): number[] {
  const members = [...words.subarray(start, start + length)];
  if (members.some((node, i) => i > 0 && node <= (members[i - 1] ?? node))) {
    throw new Error(`not ascending: ${members.join()}`);
  }
  return members;
}

/** The plain members of a kind as `openKinds` tells them. */
function inKinds(graph: GraphReader, object: Node, wanted: EdgeKind): number[] {
  const cursor = new SetCursor();
  graph.openKinds(object, cursor);
  const members: number[] = [];
  const guarded = new Set<EdgeKind>();
  while (cursor.next()) {
    if (cursor.isGuarded) guarded.add(cursor.kind);
    else if (cursor.kind === wanted) members.push(...membersOf(cursor));
  }
  if (graph.someGuardedSubject(object, wanted, () => true) && !guarded.has(wanted)) {
    throw new Error(`openKinds does not tell of the guarded edges of kind ${wanted}`);
  }
  return members;
}
