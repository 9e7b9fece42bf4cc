/**
 * A namespace schema ("authorization model") as the domain sees it: types, their relations, each
 * with a rewrite and, where the rewrite has a direct part, the subjects that may be written.
 * `wire.ts` converts it to and from OpenFGA's JSON, `dsl.ts` to and from the DSL.
 */
import type { ConditionDefinition } from '../condition/parameter.js';

export type Rewrite =
  | { readonly kind: 'direct' }
  | { readonly kind: 'computed'; readonly relation: string }
  | { readonly kind: 'from'; readonly tupleset: string; readonly relation: string }
  | { readonly kind: 'union'; readonly operands: readonly Rewrite[] }
  | { readonly kind: 'intersection'; readonly operands: readonly Rewrite[] }
  | { readonly kind: 'exclusion'; readonly base: Rewrite; readonly subtract: Rewrite };

/** One entry of `[user, user:*, group#member with office_hours]`. */
export interface SubjectRestriction {
  readonly type: string;
  /** `object`: `user` · `wildcard`: `user:*` · `userset`: `group#member` */
  readonly kind: 'object' | 'wildcard' | 'userset';
  /** The relation of a userset restriction, else ''. */
  readonly relation: string;
  readonly condition?: string;
}

export interface SourceInfo {
  readonly module?: string;
  readonly file?: string;
}

export interface RelationDefinition {
  readonly name: string;
  readonly rewrite: Rewrite;
  readonly restrictions: readonly SubjectRestriction[];
  readonly source?: SourceInfo;
}

export interface TypeDefinition {
  readonly name: string;
  readonly relations: ReadonlyMap<string, RelationDefinition>;
  readonly source?: SourceInfo;
}

export interface ModelCondition extends ConditionDefinition {
  readonly source?: SourceInfo;
}

export interface Model {
  readonly schemaVersion: '1.1' | '1.2';
  readonly types: ReadonlyMap<string, TypeDefinition>;
  readonly conditions: ReadonlyMap<string, ModelCondition>;
}

/** The module that defines the relation, in a model of modules. */
export function moduleOf(model: Model, typeName: string, relation: string): string | undefined {
  const type = model.types.get(typeName);
  return type?.relations.get(relation)?.source?.module ?? type?.source?.module;
}

/** Whether subjects may be written to the relation itself. */
export function hasDirect(rewrite: Rewrite): boolean {
  switch (rewrite.kind) {
    case 'direct':
      return true;
    case 'computed':
    case 'from':
      return false;
    case 'union':
    case 'intersection':
      return rewrite.operands.some(hasDirect);
    case 'exclusion':
      return hasDirect(rewrite.base) || hasDirect(rewrite.subtract);
  }
}
