import { invalidRequest } from '../errors.js';
import { expand as expandGraph } from '../query/expand.js';
import type { Expansion } from '../query/expand.js';
import type { ObjectRef } from '../tuple/tuple.js';
import type { Engine } from './engine.js';
import { answerOf, resolve, scopeOf } from './resolve.js';
import type { Answer, Circumstances, Target } from './resolve.js';

export interface ExpandRequest extends Target, Circumstances {
  readonly object: ObjectRef;
  readonly relation: string;
  /** 1: one set, as OpenFGA answers. */
  readonly maxDepth: number;
}

export async function expand(engine: Engine, request: ExpandRequest): Promise<Answer<Expansion>> {
  const { object, relation, maxDepth } = request;
  const limit = engine.config.expandMaxDepth;
  if (maxDepth < 1 || maxDepth > limit) {
    throw invalidRequest('max_depth', `must be a whole number from 1 to ${limit}`);
  }
  const resolved = await resolve(engine, request);
  const type = resolved.plan.model.types.get(object.type);
  if (type === undefined)
    throw invalidRequest('tuple_key.object', `type '${object.type}' not found`);
  if (!type.relations.has(relation)) {
    throw invalidRequest('tuple_key.relation', `relation '${object.type}#${relation}' not found`);
  }
  return answerOf(
    request,
    resolved,
    expandGraph(scopeOf(engine, resolved, request), { object, relation, maxDepth }),
  );
}
