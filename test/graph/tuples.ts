/** Random tuples over few names, so that they meet, replace each other and cross a wildcard. */
import fc from 'fast-check';
import type { ObjectRef, RelationTuple, Subject, TupleKey } from '../../src/tuple/tuple.js';

const refs = (...names: readonly (readonly [string, string])[]): fc.Arbitrary<ObjectRef> =>
  fc.constantFrom(...names.map(([type, id]) => ({ type, id })));

const objects = refs(['doc', '1'], ['doc', '2'], ['doc', 'ключ'], ['group', 'a'], ['group', '1']);
const subjects: fc.Arbitrary<Subject> = fc.oneof(
  refs(['user', '1'], ['user', '2'], ['user', '😀'], ['user', '3'], ['doc', '2']).map((ref) => ({
    kind: 'object' as const,
    ...ref,
  })),
  refs(['group', 'a'], ['group', '1'], ['group', 'b'], ['doc', '1']).map((ref) => ({
    kind: 'userset' as const,
    ...ref,
    relation: 'member',
  })),
  fc.constantFrom('user', 'group').map((type) => ({ kind: 'wildcard' as const, type })),
);

export const tupleKey: fc.Arbitrary<TupleKey> = fc.record({
  object: objects,
  relation: fc.constantFrom('viewer', 'member'),
  subject: subjects,
});

const condition = fc.record({
  name: fc.constantFrom('in_hours', 'from_office'),
  context: fc.constantFrom({}, { limit: 3 }, { where: 'Zürich', at: [1, null] }),
});
const expiresAt = fc.constantFrom(0, 1_700_000_000_000);
const carried = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  fc.record({ condition }),
  fc.record({ expiresAt }),
  fc.record({ condition, expiresAt }),
);

export const relationTuple: fc.Arbitrary<RelationTuple> = fc
  .tuple(tupleKey, carried)
  .map(([key, facts]) => ({ ...key, ...facts }));

export const plainTuple: fc.Arbitrary<RelationTuple> = tupleKey;
