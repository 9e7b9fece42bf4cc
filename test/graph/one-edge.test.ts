import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OneEdgeGraph } from '../../src/graph/one-edge.js';
import { OverlayGraph } from '../../src/graph/overlay.js';
import { ResidentGraph } from '../../src/graph/resident.js';
import { asRevision } from '../../src/ids.js';
import { formatTupleKey } from '../../src/tuple/tuple.js';
import type { RelationTuple } from '../../src/tuple/tuple.js';
import { expectedOf, portraitOf, vocabularyOf } from './portrait.js';
import { SEED } from './seed.js';
import { plainTuple, relationTuple } from './tuples.js';

function residentOf(tuples: readonly RelationTuple[]): ResidentGraph {
  const graph = new ResidentGraph(asRevision(3));
  for (const tuple of tuples) graph.load(tuple);
  return graph;
}

const stored = fc.uniqueArray(relationTuple, {
  selector: formatTupleKey,
  maxLength: 12,
  size: 'max',
});

describe(`one edge over a graph (PEMBA_SEED=${SEED})`, () => {
  it('is what a graph with that tuple would be', () => {
    fc.assert(
      fc.property(stored, plainTuple, (tuples, edge) => {
        fc.pre(!tuples.some((tuple) => formatTupleKey(tuple) === formatTupleKey(edge)));
        const below = residentOf(tuples);
        const graph = new OneEdgeGraph(below, below.kinds, edge);
        const all = [...tuples, edge];
        const vocabulary = vocabularyOf(below.kinds, all);
        expect(portraitOf(graph, below.kinds, vocabulary)).toEqual(expectedOf(all));
        expect(portraitOf(below, below.kinds, vocabulary)).toEqual(expectedOf(tuples));
      }),
      { seed: SEED, numRuns: 200 },
    );
  });

  it('is so over contextual tuples, too, and numbers nodes as they do', () => {
    fc.assert(
      fc.property(stored, stored, plainTuple, (tuples, contextual, edge) => {
        const names = [...tuples, ...contextual].map(formatTupleKey);
        fc.pre(!names.includes(formatTupleKey(edge)));
        const below = residentOf(tuples);
        const { kinds } = below;
        const overlay = new OverlayGraph(below, kinds, contextual);
        const graph = new OneEdgeGraph(overlay, kinds, edge);
        const whole = new OverlayGraph(below, kinds, [...contextual, edge]);
        const vocabulary = vocabularyOf(kinds, [...tuples, ...contextual, edge]);
        expect(portraitOf(graph, kinds, vocabulary)).toEqual(portraitOf(whole, kinds, vocabulary));
        expect(graph.nodeCount).toBe(whole.nodeCount);
        for (let node = 0; node < graph.nodeCount; node++) {
          const [type, id] = [graph.nodeType(node), graph.nodeId(node)];
          expect([type, id, graph.node(type, id)]).toEqual([
            whole.nodeType(node),
            whole.nodeId(node),
            node,
          ]);
        }
        for (const [kind] of vocabulary.kinds) {
          expect(graph.isOverlaid(kind)).toBe(whole.isOverlaid(kind));
        }
      }),
      { seed: SEED, numRuns: 200 },
    );
  });
});
