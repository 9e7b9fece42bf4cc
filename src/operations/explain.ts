import { PembaError } from '../errors.js';
import { explainDenial } from '../query/denial.js';
import type { Explanation } from '../query/denial.js';
import { prove } from '../query/explain.js';
import type { Proof } from '../query/explain.js';
import { admitKey } from './check.js';
import type { CheckRequest } from './check.js';
import type { Engine } from './engine.js';
import { answerOf, resolve, scopeOf } from './resolve.js';
import type { Answer } from './resolve.js';

/** The verdict of a check, with the tuples that it rests on, or with all that is missing. */
export type ExplainedCheck =
  { readonly allowed: true; readonly proof: Proof } | ({ readonly allowed: false } & Explanation);

/** A check that lacks parameters is told of as a denial that names them. */
export async function explain(
  engine: Engine,
  request: CheckRequest,
): Promise<Answer<ExplainedCheck>> {
  const resolved = await resolve(engine, request);
  admitKey(resolved.plan, request.key);
  // Each is asked with a budget of its own, and all at one revision.
  const denial = explainDenial(scopeOf(engine, resolved, request), request.key);
  if (denial !== undefined) {
    return answerOf(request, resolved, { allowed: false, ...denial });
  }
  const proof = prove(scopeOf(engine, resolved, request), request.key);
  if (proof === undefined) throw new PembaError('internal', 'neither denied nor proved');
  return answerOf(request, resolved, { allowed: true, proof });
}
