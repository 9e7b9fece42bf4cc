/** What a caller says, and what goes over the wire. Names of members are Pemba's in between. */

export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type JsonObject = Readonly<Record<string, JsonValue>>;

/** `user` is `user:anne`, `group:eng#member` or `user:*`; `object` is `document:1`. */
export interface TupleKey {
  readonly user: string;
  readonly relation: string;
  readonly object: string;
}

export interface Tuple extends TupleKey {
  /** When the tuple counts; `context` are the parameters that are fixed with it. */
  readonly condition?:
    { readonly name: string; readonly context?: JsonObject | undefined } | undefined;
  /** From then on it counts for nothing. */
  readonly expiresAt?: Date | undefined;
}

/** About whom: a name, or the user's own token in its place. */
export type About =
  | { readonly user: string; readonly subjectToken?: undefined }
  | { readonly user?: undefined; readonly subjectToken: string };

export interface Circumstances {
  /** Count for this question only. At most 100. */
  readonly contextualTuples?: readonly Tuple[] | undefined;
  /** Parameters of conditions. */
  readonly context?: JsonObject | undefined;
}

/**
 * How fresh an answer has to be. Without it: not older than anything that this client has been told.
 *
 * - `minimize_latency`: as the server that is asked has it, which is milliseconds old at most;
 * - `higher`: the newest there is, which costs a look at the database;
 * - `atLeast`: not older than the answer or the write that the token came with.
 */
export type Consistency = 'minimize_latency' | 'higher' | { readonly atLeast: string };

export const wireTuple = ({ expiresAt, ...tuple }: Tuple): object => ({
  ...tuple,
  expires_at: expiresAt?.toISOString(),
});

export const wireKey = ({ user, relation, object }: TupleKey): object => ({
  user,
  relation,
  object,
});

export const wireCircumstances = ({ contextualTuples, context }: Circumstances): object => ({
  contextual_tuples: contextualTuples && { tuple_keys: contextualTuples.map(wireTuple) },
  context,
});

export interface Question extends Circumstances {
  readonly relation: string;
  readonly object: string;
}

/** Of a check: `subject_token` stands beside the key. */
export const wireQuestion = (
  question: Question & {
    readonly user?: string | undefined;
    readonly subjectToken?: string | undefined;
  },
): object => ({
  tuple_key: { user: question.user, relation: question.relation, object: question.object },
  subject_token: question.subjectToken,
  ...wireCircumstances(question),
});
