/**
 * How large a model may be. The values are OpenFGA's, so that a model which one of the two accepts
 * is accepted by the other; they keep compiling, listing and diffing a model a matter of
 * milliseconds.
 */
export interface ModelLimits {
  readonly typesMax: number;
  readonly conditionsMax: number;
  /** Per condition. */
  readonly parametersMax: number;
  /** UTF-8 bytes; every check that meets the condition evaluates the expression. */
  readonly expressionBytesMax: number;
  /** Bytes of the model's protobuf encoding, see `encodedBytes`. */
  readonly modelBytesMax: number;
  /** Characters; with its object's id, a type must fit the 256 characters of an object. */
  readonly typeNameLengthMax: number;
  /** Characters of a relation's, a condition's or a parameter's name. */
  readonly nameLengthMax: number;
}

export const DEFAULT_MODEL_LIMITS: ModelLimits = Object.freeze({
  typesMax: 100,
  conditionsMax: 25,
  parametersMax: 25,
  expressionBytesMax: 512,
  modelBytesMax: 262_144,
  typeNameLengthMax: 254,
  nameLengthMax: 50,
});

/**
 * Levels of `or`, `and`, `but not` and parentheses inside one relation. Every walk over a rewrite
 * recurses, so this bounds their stacks; rules written by people stay below 5, generated ones that
 * chain two-operand unions below 100. Holds for every Model that `wire.ts` and `dsl.ts` make.
 */
export const REWRITE_DEPTH_MAX = 100;

/** Levels of `list<…>` and `map<…>` around a parameter's scalar type; bounds recursion likewise. */
export const PARAMETER_DEPTH_MAX = 8;

/**
 * Characters of one DSL text. A model within `modelBytesMax` prints to about as many characters, so
 * this leaves as much again for comments; the parser takes about a second for it.
 */
export const DSL_LENGTH_MAX = 524_288;

/**
 * Problems that one validation tells, and syntax errors that one parse collects, before it stops.
 * Far more than anybody reads at once; it bounds what a hopeless model costs, hints included.
 */
export const PROBLEMS_MAX = 200;
