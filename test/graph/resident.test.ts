import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { NodeList, PLAIN } from '../../src/graph/reader.js';
import type { EdgeFacts, Node } from '../../src/graph/reader.js';
import { ResidentGraph } from '../../src/graph/resident.js';
import { asRevision } from '../../src/ids.js';
import { subjectColumns, subjectForm } from '../../src/tuple/filter.js';
import { formatTupleKey, parseTupleKey } from '../../src/tuple/tuple.js';
import type { RelationTuple, TupleChange, TupleKey } from '../../src/tuple/tuple.js';
import { Random } from '../reference/random.js';
import { expectedOf, portraitOf, vocabularyOf } from './portrait.js';
import { SEED } from './seed.js';
import { relationTuple, tupleKey } from './tuples.js';

const START = asRevision(7);

function tuple(text: string, carried: Partial<RelationTuple> = {}): RelationTuple {
  const key = parseTupleKey(text);
  if (key === undefined) throw new Error(`no tuple: ${text}`);
  return { ...key, ...carried };
}

const write = (written: RelationTuple): TupleChange => ({ operation: 'write', tuple: written });
const remove = (key: TupleKey): TupleChange => ({ operation: 'delete', tuple: key });

const conditional = { condition: { name: 'c', context: { limit: 1 } } };
const expiring = { expiresAt: 1000 };

const change: fc.Arbitrary<TupleChange> = fc.oneof(
  { weight: 3, arbitrary: relationTuple.map(write) },
  tupleKey.map(remove),
);

/** What the graph holds if it is right: the tuples left after the changes. */
function leftAfter(changes: readonly TupleChange[]): RelationTuple[] {
  const left = new Map<string, RelationTuple>();
  for (const { operation, tuple: changed } of changes) {
    if (operation === 'write') left.set(formatTupleKey(changed), changed);
    else left.delete(formatTupleKey(changed));
  }
  return [...left.values()];
}

interface Ends {
  readonly object: Node;
  readonly kind: number;
  readonly subject: Node;
}

function endsOf(graph: ResidentGraph, { object, relation, subject }: TupleKey): Ends {
  const { kinds } = graph;
  const { type, id } = subjectColumns(subject);
  return {
    object: graph.node(kinds.type(object.type), object.id),
    kind: kinds.kind(object.type, relation, type, subjectForm(subject)),
    subject: graph.node(kinds.type(type), id),
  };
}

function edgeOf(graph: ResidentGraph, key: TupleKey): EdgeFacts | undefined {
  const { object, kind, subject } = endsOf(graph, key);
  return graph.edge(object, kind, subject);
}

describe(`the resident graph (PEMBA_SEED=${SEED})`, () => {
  it('tells the tuples that its changes left, in both directions, by every method', () => {
    fc.assert(
      fc.property(
        fc.array(relationTuple, { maxLength: 20 }),
        fc.array(fc.array(change, { maxLength: 8 }), { maxLength: 12 }),
        (loaded, revisions) => {
          const graph = new ResidentGraph(START);
          for (const each of loaded) graph.load(each);
          for (const [i, changes] of revisions.entries()) {
            graph.apply(asRevision(START + i + 1), changes);
          }
          const changes = [...loaded.map(write), ...revisions.flat()];
          const left = leftAfter(changes);
          const vocabulary = vocabularyOf(
            graph.kinds,
            changes.map(({ tuple: changed }) => changed),
          );
          expect(portraitOf(graph, graph.kinds, vocabulary)).toEqual(expectedOf(left));
          expect(graph.tupleCount).toBe(left.length);
          const isGuarded = ({ condition, expiresAt }: RelationTuple): boolean =>
            condition !== undefined || expiresAt !== undefined;
          expect(graph.hasGuarded).toBe(left.some(isGuarded));
          expect(graph.revision).toBe(START + revisions.length);
        },
      ),
      { seed: SEED, numRuns: 150 },
    );
  });

  it('numbers the names it was told, from 0, and knows them by number', () => {
    const graph = new ResidentGraph(START);
    const tuples = [tuple('doc:1#viewer@user:*'), tuple('group:1#member@group:ключ#member')];
    for (const each of tuples) graph.load(each);
    const names = Array.from({ length: graph.nodeCount }, (_, node) => {
      const type = graph.nodeType(node);
      expect(graph.node(type, graph.nodeId(node))).toBe(node);
      return `${graph.kinds.typeName(type)}:${graph.nodeId(node)}`;
    });
    expect(names.sort()).toEqual(['doc:1', 'group:1', 'group:ключ', 'user:*']);
    expect(graph.node(graph.kinds.type('doc'), 'ключ')).toBe(-1);
    expect(graph.node(graph.kinds.type('folder'), '1')).toBe(-1);
  });

  it('tells a wildcard, an object and a userset of one name apart', () => {
    const graph = new ResidentGraph(START);
    const tuples = [
      'doc:1#viewer@user:*',
      'doc:1#viewer@user:anne',
      'doc:1#viewer@group:eng',
      'doc:1#viewer@group:eng#member',
      'doc:1#viewer@group:eng#owner',
    ].map((text) => tuple(text));
    for (const each of tuples) graph.load(each);
    graph.apply(asRevision(START + 1), tuples.slice(3, 4).map(remove));
    expect(tuples.map((each) => edgeOf(graph, each) === PLAIN)).toEqual([
      ...[true, true, true],
      ...[false, true],
    ]);
    const strangers = ['doc:1#viewer@group:*', 'doc:*1#viewer@user:anne', 'doc:1#owner@user:anne'];
    expect(strangers.map((text) => edgeOf(graph, tuple(text)))).toEqual(Array(3).fill(undefined));
  });

  it('replaces what an edge carries, and tells it once', () => {
    const graph = new ResidentGraph(START);
    const forms = [{}, conditional, expiring, { ...conditional, ...expiring }];
    const text = 'doc:1#viewer@user:anne';
    let revision = START;
    for (const before of forms) {
      for (const after of forms) {
        revision = asRevision(revision + 1);
        graph.apply(revision, [write(tuple(text, before)), write(tuple(text, after))]);
        const told = portraitOf(graph, graph.kinds, vocabularyOf(graph.kinds, [tuple(text)]));
        expect(told).toEqual(expectedOf([tuple(text, after)]));
        expect(graph.tupleCount).toBe(1);
      }
    }
    graph.apply(asRevision(revision + 1), [remove(tuple(text))]);
    expect([graph.tupleCount, graph.hasGuarded]).toEqual([0, false]);
  });

  it('refuses a revision that is not the next, and stays as it is', () => {
    const graph = new ResidentGraph(START);
    const changes = [write(tuple('doc:1#viewer@user:anne'))];
    for (const wrong of [START, START - 1, START + 2].map(asRevision)) {
      expect(() => {
        graph.apply(wrong, changes);
      }).toThrow('without a gap');
    }
    expect([graph.revision, graph.tupleCount]).toEqual([START, 0]);
    graph.apply(asRevision(START + 1), []);
    graph.apply(asRevision(START + 2), changes);
    expect([graph.revision, graph.tupleCount]).toEqual([START + 2, 1]);
  });

  it('is right after a hundred thousand changes', () => {
    const random = new Random(SEED);
    const graph = new ResidentGraph(START);
    const left = new Map<string, RelationTuple>();
    const keys: string[] = [];
    for (let step = 1; step <= 100_000; step++) {
      const isGrowing = step % 40_000 < 25_000;
      const known = random.chance(isGrowing ? 0.3 : 0.7) ? takeOne(random, keys) : undefined;
      const changed = known === undefined ? anyTuple(random) : tuple(known);
      const key = formatTupleKey(changed);
      const isDelete = known !== undefined;
      graph.apply(asRevision(START + step), [isDelete ? remove(changed) : write(changed)]);
      if (isDelete) left.delete(key);
      else {
        if (!left.has(key)) keys.push(key);
        left.set(key, changed);
      }
      const facts = edgeOf(graph, changed);
      const isRight = isDelete ? facts === undefined : isCarried(facts, changed);
      if (!isRight || graph.tupleCount !== left.size) throw new Error(`at step ${step}: ${key}`);
    }
    expect(left.size).toBeGreaterThan(5000);
    expect([...left.values()].filter((each) => !isCarried(edgeOf(graph, each), each))).toEqual([]);
    expect(countedFrom(graph, [...left.values()])).toEqual([]);
  });
});

const isCarried = (facts: EdgeFacts | undefined, { condition, expiresAt }: RelationTuple) =>
  facts?.expiresAt === expiresAt &&
  JSON.stringify(facts?.condition) === JSON.stringify(condition) &&
  (facts === PLAIN) === (condition === undefined && expiresAt === undefined);

function takeOne(random: Random, keys: string[]): string | undefined {
  const index = random.between(0, keys.length - 1);
  const last = keys.pop();
  if (last === undefined || index === keys.length) return last;
  const taken = keys[index];
  keys[index] = last;
  return taken;
}

/** A few objects and subjects have very many edges, most have few. */
function anyTuple(random: Random): RelationTuple {
  const few = random.chance(0.3) ? 3 : 4000;
  const object = `doc:${random.between(1, few)}`;
  const subject = random.pick(['user:*', `user:${random.between(1, 8000)}`, 'group:g#member']);
  const key = random.chance(0.02)
    ? `${object}#viewer@${subject}`
    : `${object}#viewer@user:${random.between(1, few === 3 ? 8000 : 50)}`;
  const carried = random.pick([{}, {}, {}, conditional, expiring, { ...conditional, ...expiring }]);
  return tuple(key, carried);
}

/** Where the sets of an object or of a subject are not those that its tuples make. */
function countedFrom(graph: ResidentGraph, tuples: readonly RelationTuple[]): string[] {
  const counts = new Map<string, number>();
  const bump = (of: string): unknown => counts.set(of, (counts.get(of) ?? 0) + 1);
  const list = new NodeList();
  for (const each of tuples) {
    const { object, kind, subject } = endsOf(graph, each);
    const form = edgeOf(graph, each) === PLAIN ? 'plain' : 'guarded';
    bump(`${form} subjects ${object} ${kind}`);
    bump(`${form} objects ${subject} ${kind}`);
  }
  const read = (set: string): number => {
    const [form, ends, node, kind] = set.split(' ');
    const args = [Number(node), Number(kind)] as const;
    if (form === 'plain') {
      if (ends === 'subjects') graph.openSubjects(...args, list);
      else graph.openObjects(...args, list);
      return list.length;
    }
    let count = 0;
    const visitor = (): boolean => ++count < 0;
    if (ends === 'subjects') graph.someGuardedSubject(...args, visitor);
    else graph.someGuardedObject(...args, visitor);
    return count;
  };
  return [...counts].filter(([set, count]) => read(set) !== count).map(([set]) => set);
}
