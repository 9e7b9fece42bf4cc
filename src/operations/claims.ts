/** What a verified token adds to a request, by the claims mapping of the model in question. */
import { invalidRequest } from '../errors.js';
import type { KindTable } from '../graph/kinds.js';
import { OneEdgeGraph } from '../graph/one-edge.js';
import { OverlayGraph } from '../graph/overlay.js';
import type { GraphReader } from '../graph/reader.js';
import type { Revision } from '../ids.js';
import { TOKEN } from '../schema/claims-mapping.js';
import type { ClaimsMapping, MappedClaims, TokenFacts } from '../schema/claims-mapping.js';
import type { RelationTuple } from '../tuple/tuple.js';
import type { Circumstances } from './resolve.js';

/** A token is good for many requests, and those who verify it hand out the same facts each time. */
const mapped = new WeakMap<TokenFacts, WeakMap<ClaimsMapping, MappedClaims>>();

type Facts = Pick<Circumstances, 'contextualTuples' | 'context'>;

/** The tuples of the token stand beside the request's own, and its claims in the context. */
export function withClaims(
  mapping: ClaimsMapping | undefined,
  circumstances: Circumstances,
  maxTuples: number,
): Facts {
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
    // Where it will do the very same object, which what is made of it is kept by.
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

interface Laid {
  readonly revision: Revision;
  readonly graph: OverlayGraph;
}

/**
 * By graph and a token's tuples. A graph changes only from one revision to the next. It is the outer
 * key, so that tokens, which may live for hours, do not keep the graph of a store that was unloaded.
 */
const laid = new WeakMap<GraphReader, WeakMap<readonly RelationTuple[], Laid>>();

/** The graph with what a request brings along laid over it, and then what is known of the request. */
export function layOver(
  below: GraphReader,
  kinds: KindTable,
  facts: { readonly given: Circumstances; readonly all: Facts['contextualTuples'] },
): GraphReader {
  const graph = withTuples(below, kinds, facts);
  const { acting } = facts.given;
  return acting === undefined ? graph : new OneEdgeGraph(graph, kinds, acting);
}

/** A token's tuples alone are laid once a revision. */
function withTuples(
  below: GraphReader,
  kinds: KindTable,
  { given, all }: { readonly given: Circumstances; readonly all: Facts['contextualTuples'] },
): GraphReader {
  if (all.length === 0) return below;
  if (given.contextualTuples.length > 0) return new OverlayGraph(below, kinds, all);
  let overThis = laid.get(below);
  if (overThis === undefined) laid.set(below, (overThis = new WeakMap()));
  const { revision } = below;
  const known = overThis.get(all);
  if (known?.revision === revision) return known.graph;
  const graph = new OverlayGraph(below, kinds, all);
  overThis.set(all, { revision, graph });
  return graph;
}
