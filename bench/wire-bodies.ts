/** Requests as OpenFGA's clients write them. */
import { formatObject, formatSubject } from '../src/tuple/tuple.js';
import type { TupleKey } from '../src/tuple/tuple.js';

const tupleKey = (key: TupleKey): object => ({
  user: formatSubject(key.subject),
  relation: key.relation,
  object: formatObject(key.object),
});

export const bodyOf = {
  check: (key: TupleKey, modelId: string): string =>
    JSON.stringify({ tuple_key: tupleKey(key), authorization_model_id: modelId }),

  batch: (keys: readonly TupleKey[], modelId: string): string =>
    JSON.stringify({
      checks: keys.map((key, i) => ({ tuple_key: tupleKey(key), correlation_id: String(i) })),
      authorization_model_id: modelId,
    }),

  importLines: (keys: readonly TupleKey[]): string =>
    keys.map((key) => JSON.stringify(tupleKey(key))).join('\n'),

  write: (keys: readonly TupleKey[], modelId: string): string =>
    JSON.stringify({
      writes: { tuple_keys: keys.map(tupleKey) },
      authorization_model_id: modelId,
    }),
};
