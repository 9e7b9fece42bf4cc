/** What a verified token adds to a request, by the claims mapping of the model in question. */
import { invalidRequest } from '../errors.js';
import { TOKEN } from '../schema/claims-mapping.js';
import type { ClaimsMapping, MappedClaims, TokenFacts } from '../schema/claims-mapping.js';
import type { Circumstances } from './resolve.js';

/** A token is good for many requests, and those who verify it hand out the same facts each time. */
const mapped = new WeakMap<TokenFacts, WeakMap<ClaimsMapping, MappedClaims>>();

/** The tuples of the token stand beside the request's own, and its claims in the context. */
export function withClaims(
  mapping: ClaimsMapping | undefined,
  circumstances: Circumstances,
  maxTuples: number,
): Pick<Circumstances, 'contextualTuples' | 'context'> {
  const { token, contextualTuples, context } = circumstances;
  if (token === undefined) return circumstances;
  const { contextNames = [TOKEN] } = mapping ?? {};
  const given = contextNames.find((name) => Object.hasOwn(context, name));
  if (given !== undefined) {
    throw invalidRequest(`context.${given}`, 'comes from subject_token; leave one of the two out');
  }
  if (mapping === undefined) return circumstances;
  const claims = mappedOnce(mapping, token, maxTuples);
  return {
    contextualTuples:
      contextualTuples.length === 0 ? claims.tuples : [...contextualTuples, ...claims.tuples],
    // The very same object, where it will do: conversions of its values are kept by it.
    context: isEmpty(context) ? claims.context : { ...context, ...claims.context },
  };
}

function mappedOnce(mapping: ClaimsMapping, token: TokenFacts, maxTuples: number): MappedClaims {
  let byMapping = mapped.get(token);
  if (byMapping === undefined) mapped.set(token, (byMapping = new WeakMap()));
  let claims = byMapping.get(mapping);
  if (claims === undefined) byMapping.set(mapping, (claims = mapping.map(token, maxTuples)));
  return claims;
}

function isEmpty(context: object): boolean {
  for (const name in context) if (Object.hasOwn(context, name)) return false;
  return true;
}
