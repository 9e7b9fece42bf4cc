/** Why somebody is in a set: the tree of sets that it is made of. */
import { ask, targetOf } from './connection.js';
import type { Session } from './connection.js';
import type { QueryOptions } from './options.js';
import { wireTuple } from './wire.js';
import type { Tuple } from './wire.js';

export interface ExpandQuestion {
  readonly relation: string;
  readonly object: string;
  readonly contextualTuples?: readonly Tuple[] | undefined;
  /** How many levels of usersets are opened. Default 1. */
  readonly maxDepth?: number | undefined;
}

/** As the server says it. Leaves name users and usersets; conditions are not evaluated. */
export interface UsersetNode {
  /** `object#relation`. */
  readonly name: string;
  readonly leaf?: {
    readonly users?: { readonly users: readonly string[] };
    readonly computed?: { readonly userset: string };
    readonly tupleToUserset?: {
      readonly tupleset: string;
      readonly computed: readonly { readonly userset: string }[];
    };
  };
  readonly union?: { readonly nodes: readonly UsersetNode[] };
  readonly intersection?: { readonly nodes: readonly UsersetNode[] };
  readonly difference?: { readonly base: UsersetNode; readonly subtract: UsersetNode };
  /** Of a leaf: the trees of the usersets that it names. */
  readonly opened?: readonly UsersetNode[];
  /** The set stands above itself, and is not opened again. */
  readonly cycle?: true;
  /** The set was not opened for its depth or size. */
  readonly truncated?: true;
}

export interface Expansion {
  readonly root: UsersetNode;
  /** Whether no node is `truncated`. */
  readonly isComplete: boolean;
}

export async function expand(
  session: Session,
  { relation, object, contextualTuples, maxDepth }: ExpandQuestion,
  options: QueryOptions,
): Promise<Expansion> {
  const body = {
    tuple_key: { relation, object },
    contextual_tuples: contextualTuples && { tuple_keys: contextualTuples.map(wireTuple) },
    max_depth: maxDepth,
  };
  const target = targetOf(session, options);
  return ask(session, options, { target, verb: 'expand', body }, (answer) => {
    const root = answer.member('tree').member('root');
    root.string('name');
    return {
      root: answer.member('tree').value('root') as UsersetNode,
      isComplete: answer.headers.get('pemba-complete') !== 'false',
    };
  });
}
