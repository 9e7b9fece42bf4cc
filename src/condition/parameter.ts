/** The types that a condition's parameter can be declared with. */
export const SCALAR_TYPES = [
  'bool',
  'string',
  'int',
  'uint',
  'double',
  'duration',
  'timestamp',
  'ipaddress',
  'any',
] as const;

export type ScalarType = (typeof SCALAR_TYPES)[number];

export type ParameterType =
  | { readonly kind: ScalarType }
  | { readonly kind: 'list'; readonly of: ParameterType }
  | { readonly kind: 'map'; readonly of: ParameterType };

/** A condition as a model declares it. `expression` is CEL text that must yield a bool. */
export interface ConditionDefinition {
  readonly name: string;
  readonly expression: string;
  readonly parameters: Readonly<Record<string, ParameterType>>;
}
