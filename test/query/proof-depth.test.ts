/** Proofs where the limit of depth is only just enough for the check to be true. */
import { describe, expect, it } from '@jest/globals';

import { prove } from '../../src/query/explain.js';
import { formatTupleKey } from '../../src/tuple/tuple.js';
import { key, storeOf } from './small-store.js';
import type { SmallStore } from './small-store.js';

/** `trap` has nobody, but whoever asks for it has been to where `near` leads. */
const DEPTHS = `
type node
  relations
    define near: [node]
    define next: [node]
    define up: [node]
    define member: [user]
    define blocked: [user]
    define kept: (member or kept from up) but not blocked
    define trap: kept from near and blocked
    define far: kept from near or far from next
    define view: trap or far from next
    define twice: (same from next or same) and member
    define same: [user] but not blocked
`;

function tuplesOf(
  store: SmallStore,
  asked: string,
  maxDepth: number,
): readonly string[] | undefined {
  const proof = prove(store.scope({ limits: { maxDepth } }), key(asked));
  return proof?.tuples.map(formatTupleKey).sort();
}

describe('a proof at the limit of depth', () => {
  it('does not mind that a set is met on a longer way first', () => {
    const tuples = ['node:1#same@user:anne', 'node:1#member@user:anne'];
    const store = storeOf(DEPTHS, ['node:1#next@node:1', ...tuples]);
    expect(tuplesOf(store, 'node:1#twice@user:anne', 1)).toEqual(tuples.sort());
  });

  it('goes by what was found true on another way, nearer than its own', () => {
    const tuples = [
      'node:1#next@node:2',
      'node:2#next@node:3',
      'node:3#near@node:4',
      'node:4#up@node:5',
      'node:5#member@user:anne',
    ];
    const store = storeOf(DEPTHS, ['node:1#near@node:4', ...tuples]);
    expect(tuplesOf(store, 'node:1#view@user:anne', 4)).toEqual(tuples.sort());
  });
});
