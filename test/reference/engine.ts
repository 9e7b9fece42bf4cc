/**
 * The socket that an evaluator is plugged into to be judged against the definition
 * (`evaluator.ts`). One engine lives in one world: a model and an instant that stand still while
 * tuples come and go.
 */
import type { Model } from '../../src/schema/model.js';
import type { StoreChange } from '../../src/tuple/attributes.js';
import type { JsonObject, ObjectRef, RelationTuple, Subject } from '../../src/tuple/tuple.js';

export interface World {
  readonly model: Model;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** What a request brings along. */
export interface Surroundings {
  readonly context: JsonObject;
  /** Admitted under the model, no key twice; one with a stored tuple's key replaces that tuple. */
  readonly contextualTuples: readonly RelationTuple[];
}

export interface CheckQuery extends Surroundings {
  readonly object: ObjectRef;
  readonly relation: string;
  readonly subject: Subject;
}

export interface ListObjectsQuery extends Surroundings {
  readonly type: string;
  readonly relation: string;
  readonly subject: Subject;
}

export interface ListUsersQuery extends Surroundings {
  readonly object: ObjectRef;
  readonly relation: string;
  /** With a relation: usersets `type:id#relation`; without: `type:id` and `type:*`. */
  readonly filter: { readonly type: string; readonly relation?: string };
}

/** Expand takes no surroundings: conditions and contextual tuples are not its subject here. */
export interface ExpandQuery {
  readonly object: ObjectRef;
  readonly relation: string;
}

export type Verdict =
  { readonly kind: 'true' | 'false' } | { readonly kind: 'error'; readonly code: string };

/**
 * The set a userset stands for, as far as it was expanded. A userset among a leaf's users, and one
 * without a tree, is a reference: the harness expands it by asking again.
 */
export type ExpandTree =
  | { readonly kind: 'leaf'; readonly users: readonly string[] }
  | { readonly kind: 'userset'; readonly userset: string; readonly tree?: ExpandTree }
  | { readonly kind: 'union' | 'intersection'; readonly operands: readonly ExpandTree[] }
  | { readonly kind: 'difference'; readonly base: ExpandTree; readonly subtract: ExpandTree };

export interface Engine {
  /**
   * Changes arrive as a store's log holds them: a delete names a present key; a write names an
   * absent one, or replaces the condition and the expiry of a present one.
   */
  apply(changes: readonly StoreChange[]): void;
  check(query: CheckQuery): Verdict;
  /** One verdict for each query, in their order; the surroundings may differ between them. */
  batch(queries: readonly CheckQuery[]): readonly Verdict[];
  /** `type:id`, in any order, none twice; `error` is a code. */
  listObjects(query: ListObjectsQuery): ListedObjects;
  /** `type:id`, `type:*` or `type:id#relation`, in any order, none twice; `error` is a code. */
  listUsers(query: ListUsersQuery): ListedUsers;
  /** Undefined only from an engine that offers no expand at all. */
  expand(query: ExpandQuery): ExpandTree | undefined;
}

export type ListedObjects = { readonly objects: readonly string[] } | { readonly error: string };
export type ListedUsers = { readonly users: readonly string[] } | { readonly error: string };

export type EngineFactory = (world: World) => Engine;
