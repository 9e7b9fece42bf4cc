/**
 * What a client may be asked, where the compiler knows the schema: `pemba schema types` writes it down
 * as a type, and `PembaClient<Schema>` takes it. Without one, every name may be any text. All of this
 * is gone when the program runs.
 *
 * A type of text such as `order:${string}` is as exact as the compiler can be: it takes `user:*` for
 * a `user:…`, and cannot know that an id has no `#`. What is written is for the server to judge.
 */
import type { BatchQuestion, CheckQuestion } from './checks.js';
import type { ExpandQuestion } from './expand.js';
import type { ListObjectsQuestion, ListUsersQuestion, Paging } from './lists.js';
import type { ExchangeRequest, PermissionDetail, PermitRequest } from './token-exchange.js';
import type { Changes, TupleFilter } from './tuples.js';
import type { About, Circumstances, JsonObject, Tuple, TupleKey } from './wire.js';

export interface AnySchema {
  /** By type and relation: the subjects that its tuples may have; `never` where it has none. */
  readonly types: object;
  /** By type, relation and condition: the subjects of tuples that name the condition. */
  readonly conditional: object;
  /** By condition: its parameters. */
  readonly conditions: object;
}

type Key<T> = keyof T & string;
type Types<S extends AnySchema> = S['types'];
/** Whether nothing is known. */
type If<S extends AnySchema, Untyped, Typed> = [Key<Types<S>>] extends [never] ? Untyped : Typed;

export type TypeIn<S extends AnySchema> = If<S, string, Key<Types<S>>>;

/** The relations of a type. */
export type RelationIn<S extends AnySchema, T extends string> = If<
  S,
  string,
  T extends keyof Types<S> ? Key<Types<S>[T]> : never
>;

/** `order:1001` */
export type ObjectIn<S extends AnySchema> = If<S, string, `${Key<Types<S>>}:${string}`>;

/** `user:anne`, `team:support#member`, `user:*` */
export type SubjectIn<S extends AnySchema> = ObjectIn<S>;

/** The relations of all types, as a decorator's `PermissionSchema` has them. */
export type Permissions<S extends AnySchema> = {
  readonly [T in Key<Types<S>>]: Key<Types<S>[T]>;
};

interface AnyPermission {
  readonly relation: string;
  readonly object: string;
}

/** For each type that has relations: one of them, of an object of the type. */
type Permission<S extends AnySchema> = If<
  S,
  AnyPermission,
  {
    [T in Key<Types<S>>]: {
      readonly relation: Key<Types<S>[T]>;
      readonly object: `${T}:${string}`;
    };
  }[Key<Types<S>>]
>;

type Conditions<S extends AnySchema> = S['conditions'];
type ParameterIn<S extends AnySchema> = {
  [C in keyof Conditions<S>]: Key<Conditions<S>[C]>;
}[keyof Conditions<S>];

/** Parameters of all conditions. */
export type ContextIn<S extends AnySchema> = If<
  S,
  JsonObject,
  {
    readonly [P in ParameterIn<S>]?: {
      [C in keyof Conditions<S>]: P extends keyof Conditions<S>[C] ? Conditions<S>[C][P] : never;
    }[keyof Conditions<S>];
  }
>;

interface Key3<User, Relation, Object> {
  readonly user: User;
  readonly relation: Relation;
  readonly object: Object;
}

type Expiring = Pick<Tuple, 'expiresAt'>;

type PlainTuple<S extends AnySchema> = {
  [T in Key<Types<S>>]: {
    [R in Key<Types<S>[T]>]: [Types<S>[T][R]] extends [never]
      ? never
      : Key3<Types<S>[T][R], R, `${T}:${string}`> & { readonly condition?: undefined } & Expiring;
  }[Key<Types<S>[T]>];
}[Key<Types<S>>];

type Conditional<S extends AnySchema> = S['conditional'];
type Fixed<S extends AnySchema, C> = C extends keyof Conditions<S>
  ? { readonly [P in keyof Conditions<S>[C]]?: Conditions<S>[C][P] }
  : never;

type ConditionalTuple<S extends AnySchema> = {
  [T in Key<Conditional<S>>]: {
    [R in Key<Conditional<S>[T]>]: {
      [C in Key<Conditional<S>[T][R]>]: Key3<Conditional<S>[T][R][C], R, `${T}:${string}`> & {
        readonly condition: { readonly name: C; readonly context?: Fixed<S, C> | undefined };
      } & Expiring;
    }[Key<Conditional<S>[T][R]>];
  }[Key<Conditional<S>[T]>];
}[Key<Conditional<S>>];

/** What may be written. */
export type TupleIn<S extends AnySchema> = If<S, Tuple, PlainTuple<S> | ConditionalTuple<S>>;

/** What may be deleted: without the condition. */
export type TupleKeyIn<S extends AnySchema> = If<
  S,
  TupleKey,
  Permission<S> & { readonly user: SubjectIn<S> }
>;

type CircumstancesIn<S extends AnySchema> = If<
  S,
  Circumstances,
  {
    readonly contextualTuples?: readonly TupleIn<S>[] | undefined;
    readonly context?: ContextIn<S> | undefined;
  }
>;

type AboutIn<S extends AnySchema> = If<
  S,
  About,
  | { readonly user: SubjectIn<S>; readonly subjectToken?: undefined }
  | { readonly user?: undefined; readonly subjectToken: string }
>;

export type CheckQuestionIn<S extends AnySchema> = If<
  S,
  CheckQuestion,
  Permission<S> & AboutIn<S> & CircumstancesIn<S>
>;

export type BatchQuestionIn<S extends AnySchema> = If<
  S,
  BatchQuestion,
  Permission<S> & CircumstancesIn<S> & { readonly user?: SubjectIn<S> | undefined }
>;

export type ExpandQuestionIn<S extends AnySchema> = If<
  S,
  ExpandQuestion,
  Permission<S> &
    Omit<ExpandQuestion, keyof AnyPermission | 'contextualTuples'> &
    Pick<CircumstancesIn<S>, 'contextualTuples'>
>;

export type ListObjectsQuestionIn<S extends AnySchema, T extends TypeIn<S>> = If<
  S,
  ListObjectsQuestion & { readonly type: T },
  AboutIn<S> &
    CircumstancesIn<S> &
    Paging & { readonly type: T; readonly relation: RelationIn<S, T> }
>;

type UserFilterIn<S extends AnySchema> = {
  [T in Key<Types<S>>]: {
    readonly type: T;
    readonly relation?: Key<Types<S>[T]> | undefined;
  };
}[Key<Types<S>>];

export type ListUsersQuestionIn<S extends AnySchema> = If<
  S,
  ListUsersQuestion,
  Permission<S> & CircumstancesIn<S> & Paging & { readonly userFilter: UserFilterIn<S> }
>;

export type ChangesIn<S extends AnySchema> = If<
  S,
  Changes,
  Omit<Changes, 'writes' | 'deletes'> & {
    readonly writes?: readonly TupleIn<S>[] | undefined;
    readonly deletes?: readonly TupleKeyIn<S>[] | undefined;
  }
>;

export type TupleFilterIn<S extends AnySchema> = If<
  S,
  TupleFilter,
  {
    readonly user?: SubjectIn<S> | undefined;
    readonly object?: ObjectIn<S> | undefined;
    readonly relation?: Permission<S>['relation'] | undefined;
  }
>;

export type DetailIn<S extends AnySchema> = If<
  S,
  PermissionDetail,
  {
    [T in Key<Types<S>>]: Omit<PermissionDetail, 'actions' | 'resource' | 'context'> & {
      readonly actions: readonly Key<Types<S>[T]>[];
      readonly resource: { readonly type: T; readonly id: string };
      readonly context?: ContextIn<S> | undefined;
    };
  }[Key<Types<S>>]
>;

export type ExchangeRequestIn<S extends AnySchema> = If<
  S,
  ExchangeRequest,
  | Exclude<ExchangeRequest, PermitRequest>
  | (Omit<PermitRequest, 'details'> & { readonly details: readonly DetailIn<S>[] })
>;
