/**
 * Which models of a store an earlier run has written here already. It writes them in their order, so
 * they stand at the beginning, except for those that were not taken. None can be put between them
 * afterwards: the newest is the one that answers.
 */
import { isDeepStrictEqual } from 'node:util';
import { modelFromWire, modelToWire } from '../../../schema/wire.js';
import type { Json } from '../../api.js';
import type { SourceModel } from './source-store.js';

/** `there`: its id here. `skipped`: those after it are here, it is not. `new`: to be written. */
export type Match =
  { readonly kind: 'there'; readonly id: string } | { readonly kind: 'skipped' | 'new' };

export interface HeldModel {
  readonly id: string;
  readonly body: Json;
}

/** Undefined where a model is held that is none of the source's: no earlier run made that store. */
export function matchModels(
  source: readonly SourceModel[],
  held: readonly HeldModel[],
): readonly Match[] | undefined {
  const keys = held.map(({ body }) => readable(body));
  let next = 0;
  const matches = source.map(({ body }): Match => {
    const model = held[next];
    if (model === undefined) return { kind: 'new' };
    const key = readable(body);
    if (key === undefined || !isDeepStrictEqual(key, keys[next])) return { kind: 'skipped' };
    next++;
    return { kind: 'there', id: model.id };
  });
  return next === held.length ? matches : undefined;
}

/** The same for all ways to write the same; undefined for what is no model here. */
function readable(body: Json): object | undefined {
  try {
    return modelToWire(modelFromWire(body));
  } catch {
    return undefined;
  }
}
