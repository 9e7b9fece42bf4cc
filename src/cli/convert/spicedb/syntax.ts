/** A SpiceDB schema as it is written: definitions, partials and caveats, each with its places. */
import type { Position } from '../../../schema/positions.js';

export interface Name {
  readonly text: string;
  readonly position: Position;
}

export interface Schema {
  readonly definitions: readonly Definition[];
  readonly partials: readonly Definition[];
  readonly caveats: readonly Caveat[];
  readonly imports: readonly Name[];
  /** `@name(…)` and `permission view: user =`: what they say has no effect on answers. */
  readonly annotations: readonly Position[];
}

export interface Definition {
  readonly name: Name;
  readonly comments: readonly string[];
  readonly members: readonly Member[];
}

export type Member = Relation | Permission | PartialReference;

export interface Relation {
  readonly kind: 'relation';
  readonly name: Name;
  readonly comments: readonly string[];
  readonly subjects: readonly SubjectType[];
}

/** `user`, `user:*`, `group#member`, each `with caveat`, `with expiration` or both. */
export interface SubjectType {
  readonly type: Name;
  readonly kind: 'object' | 'wildcard' | 'userset';
  /** Of a userset, else ''. */
  readonly relation: string;
  readonly caveat?: Name;
  readonly expires: boolean;
}

export interface Permission {
  readonly kind: 'permission';
  readonly name: Name;
  readonly comments: readonly string[];
  readonly expression: Expression;
}

/** `...name` */
export interface PartialReference {
  readonly kind: 'partial';
  readonly name: Name;
}

export type Expression =
  | { readonly kind: 'nil'; readonly position: Position }
  | { readonly kind: 'self'; readonly position: Position }
  | { readonly kind: 'name'; readonly name: Name }
  | Arrow
  | { readonly kind: 'union' | 'intersection'; readonly operands: readonly Expression[] }
  | {
      readonly kind: 'exclusion';
      readonly base: Expression;
      /** `a - b - c` takes both away. */
      readonly subtracted: readonly Expression[];
    };

/** `left->right`; `left.all(right)` where `all`. */
export interface Arrow {
  readonly kind: 'arrow';
  readonly left: Name;
  readonly right: Name;
  readonly all: boolean;
}

export interface Caveat {
  readonly name: Name;
  readonly comments: readonly string[];
  readonly parameters: readonly { readonly name: Name; readonly type: CaveatType }[];
  /** CEL, as it is written. */
  readonly expression: Name;
}

/** `list<string>` */
export interface CaveatType {
  readonly name: Name;
  readonly of: readonly CaveatType[];
}
