import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OverlayGraph } from '../../src/graph/overlay.js';
import type { GraphReader } from '../../src/graph/reader.js';
import { ResidentGraph } from '../../src/graph/resident.js';
import { asRevision } from '../../src/ids.js';
import { formatTupleKey } from '../../src/tuple/tuple.js';
import type { ObjectRef, RelationTuple } from '../../src/tuple/tuple.js';
import { expectedOf, portraitOf, vocabularyOf } from './portrait.js';
import { SEED } from './seed.js';
import { plainTuple, relationTuple } from './tuples.js';

const REVISION = asRevision(3);

function residentOf(tuples: readonly RelationTuple[]): ResidentGraph {
  const graph = new ResidentGraph(REVISION);
  for (const tuple of tuples) graph.load(tuple);
  return graph;
}

/** The overlay tells what a resident graph of all tuples would, and the graph below what it did. */
function expectUnion(
  stored: readonly RelationTuple[],
  contextual: readonly RelationTuple[],
): OverlayGraph {
  const below = residentOf(stored);
  const { kinds } = below;
  const all = [...stored, ...contextual];
  const union = residentOf(all);
  const overlay = new OverlayGraph(below, kinds, contextual);
  const expected = portraitOf(union, union.kinds, vocabularyOf(union.kinds, all));
  expect(expected).toEqual(expectedOf(all));
  expect(portraitOf(overlay, kinds, vocabularyOf(kinds, all))).toEqual(expected);
  expect(portraitOf(below, kinds, vocabularyOf(kinds, all))).toEqual(expectedOf(stored));
  if (union.hasGuarded) expect(overlay.hasGuarded).toBe(true);
  expect(overlay.revision).toBe(REVISION);
  return overlay;
}

const uniqueTuples = (tuple: fc.Arbitrary<RelationTuple>): fc.Arbitrary<RelationTuple[]> =>
  fc.uniqueArray(tuple, { selector: formatTupleKey, maxLength: 12, size: 'max' });

const conditional = { condition: { name: 'c', context: { limit: 1 } } };
const expiring = { expiresAt: 1000 };

function viewer(document: number, user: number | string, carried = {}): RelationTuple {
  const object: ObjectRef = { type: 'doc', id: String(document) };
  const subject =
    user === '*'
      ? { kind: 'wildcard' as const, type: 'user' }
      : { kind: 'object' as const, type: 'user', id: String(user) };
  return { object, relation: 'viewer', subject, ...carried };
}

const viewers = (document: number, count: number, carried = {}): RelationTuple[] =>
  Array.from({ length: count }, (_, user) => viewer(document, user, carried));

describe(`contextual tuples over a graph (PEMBA_SEED=${SEED})`, () => {
  it.each([
    ['plain and guarded tuples', relationTuple],
    ['plain tuples', plainTuple],
  ])('are what a graph of all would be, with %s', (_, tuple) => {
    fc.assert(
      fc.property(uniqueTuples(relationTuple), uniqueTuples(tuple), (stored, contextual) => {
        expectUnion(stored, contextual);
      }),
      { seed: SEED, numRuns: 120 },
    );
  });

  it('keep the numbers of the nodes below, and number their own names after them', () => {
    fc.assert(
      fc.property(
        uniqueTuples(relationTuple),
        uniqueTuples(relationTuple),
        (stored, contextual) => {
          const below = residentOf(stored);
          const overlay = new OverlayGraph(below, below.kinds, contextual);
          const { nodeCount } = residentOf([...stored, ...contextual]);
          const nodes = Array.from({ length: overlay.nodeCount }, (_, node) => node);
          const names = nodes.map(
            (node) => [overlay.nodeType(node), overlay.nodeId(node)] as const,
          );
          expect(names.map(([type, id]) => overlay.node(type, id))).toEqual(nodes);
          expect(nodes.length).toBe(nodeCount);
          const stayed = names.slice(0, below.nodeCount);
          expect(stayed.map(([type, id]) => below.node(type, id))).toEqual([...stayed.keys()]);
          const own = names.slice(below.nodeCount);
          expect(own.filter(([type, id]) => below.node(type, id) !== -1)).toEqual([]);
        },
      ),
      { seed: SEED, numRuns: 120 },
    );
  });

  it('replace what a stored tuple carries', () => {
    const forms = [{}, conditional, expiring, { ...conditional, ...expiring }];
    for (const before of forms) {
      for (const after of forms) {
        const stored = [viewer(1, 'anne', before), viewer(1, 'bob', before), viewer(1, '*')];
        expectUnion(stored, [viewer(1, 'anne', after)]);
      }
    }
  });

  it('may name only what nobody stored', () => {
    const overlay = expectUnion([], [viewer(1, 'anne'), viewer(1, '*', conditional)]);
    expect(overlay.nodeCount).toBe(3);
    expectUnion([viewer(1, 'anne', expiring)], [viewer(2, 'bob'), viewer(2, 'carl', conditional)]);
  });

  it.each([253, 254, 255, 256])('join a list of %i', (count) => {
    const contextual = [
      viewer(1, 0),
      viewer(1, 7, conditional),
      viewer(1, 'anne'),
      viewer(1, '*'),
      viewer(2, count - 1),
    ];
    expectUnion([...viewers(1, count), ...viewers(2, 2, expiring)], contextual);
    expectUnion(viewers(1, count, conditional), contextual);
    expectUnion(contextual, viewers(1, count));
  });

  it('tells which edges are laid over, also those in the place of a stored one', () => {
    const below = residentOf([viewer(1, 1), viewer(1, 2)]);
    const { kinds } = below;
    const lower = new OverlayGraph(below, kinds, [viewer(1, 2, expiring)]);
    const upper = new OverlayGraph(lower, kinds, [viewer(1, 3)]);
    const kind = kinds.kind('doc', 'viewer', 'user', '');
    const node = (type: string, id: string): number => upper.node(kinds.type(type), id);
    const laidOver = (graph: GraphReader): readonly boolean[] =>
      ['1', '2', '3'].map((id) => graph.isOverlaidEdge(node('doc', '1'), kind, node('user', id)));
    expect(laidOver(below)).toEqual([false, false, false]);
    expect(laidOver(lower)).toEqual([false, true, false]);
    expect(laidOver(upper)).toEqual([false, true, true]);
  });
});
