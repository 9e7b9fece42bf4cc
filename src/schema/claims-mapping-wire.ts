/**
 * The shape of a claims mapping. What is kept and shown again is what was written; whether it fits a
 * model is for `claims-mapping.ts` to tell.
 */
import type { PembaError } from '../errors.js';
import type { JsonValue } from '../tuple/tuple.js';
import { AttachmentReader, isGiven, printableProblem } from './attachment-reader.js';
import { quote } from './problem.js';

/** `realm_access.roles`, or its steps where a claim's name has dots of its own. */
export type WireClaimPath = string | readonly string[];

export interface WireClaimTuples {
  readonly each: WireClaimPath;
  readonly split?: string;
  readonly tuple: string;
}

type WireScalar = string | number | boolean;

/** A claim, or a claim and what stands for it where a token has none. */
export type WireContextClaim =
  | WireClaimPath
  | { readonly claim: WireClaimPath; readonly default: WireScalar | readonly WireScalar[] };

export interface WireClaimsMapping {
  readonly tuples?: readonly WireClaimTuples[];
  /** Names of claims, or claims by the names that conditions have for them. */
  readonly context?: WireContext;
}

type WireContext = readonly string[] | Readonly<Record<string, WireContextClaim>>;

/** More than any token has kinds of claims; it bounds what mapping one token costs. */
const ENTRIES_MAX = 50;
/** As long as a tuple can be written. */
const TUPLE_LENGTH_MAX = 512;
/** Of a path, or of a name in a condition; claims that are URLs have some 50 characters. */
const NAME_LENGTH_MAX = 254;
const PATH_STEPS_MAX = 10;
const SPLIT_LENGTH_MAX = 10;

const ROOT = 'claims_mapping';

const reader = new AttachmentReader('invalid_claims_mapping');

export const claimsMappingProblem = (field: string, problem: string): PembaError =>
  reader.problem(field, problem);

/** Null for null and for a mapping without anything in it: there is none then. */
export function claimsMappingFromWire(value: unknown): WireClaimsMapping | null {
  if (value === null) return null;
  const { tuples, context } = reader.members(value, ROOT, ['tuples', 'context']);
  const mapping: WireClaimsMapping = {
    ...(isGiven(tuples) && {
      tuples: reader.list(tuples, `${ROOT}.tuples`, ENTRIES_MAX, claimTuples),
    }),
    ...(isGiven(context) && { context: claimsForContext(context, `${ROOT}.context`) }),
  };
  return Object.keys(mapping).length === 0 ? null : mapping;
}

export interface ContextClaim {
  /** In conditions. */
  readonly name: string;
  readonly path: readonly string[];
  readonly fallback: JsonValue | undefined;
}

export const contextClaims = (context: WireContext): readonly ContextClaim[] =>
  isNameList(context)
    ? context.map((name) => ({ name, path: [name], fallback: undefined }))
    : Object.entries(context).map(([name, claim]) =>
        typeof claim === 'object' && 'claim' in claim
          ? { name, path: pathSteps(claim.claim), fallback: claim.default }
          : { name, path: pathSteps(claim), fallback: undefined },
      );

export const pathSteps = (path: WireClaimPath): readonly string[] =>
  typeof path === 'string' ? path.split('.') : path;

/** `{claims.NAME}` in a template. */
export interface ClaimPlace {
  readonly kind: 'claim';
  readonly path: readonly string[];
}

/** Undefined where the name is of another kind of place; a string says what is wrong. */
export function claimPlace(name: string): ClaimPlace | string | undefined {
  const [, path] = /^claims\.(.*)$/s.exec(name) ?? [];
  if (path === undefined) return undefined;
  const problem = pathProblem(path);
  return problem === undefined ? { kind: 'claim', path: pathSteps(path) } : `{${name}} ${problem}`;
}

/** What is wrong with the path, if anything. */
export function pathProblem(path: WireClaimPath): string | undefined {
  const steps = pathSteps(path);
  if (steps.length === 0 || steps.some((step) => step === '')) return 'names no claim';
  if (steps.length > PATH_STEPS_MAX) return `can have ${PATH_STEPS_MAX} steps at most`;
  const length = steps.reduce((sum, step) => sum + step.length, 0);
  if (length > NAME_LENGTH_MAX) return `can have ${NAME_LENGTH_MAX} characters at most`;
  return steps.map(printableProblem).find((problem) => problem !== undefined);
}

function claimTuples(value: unknown, field: string): WireClaimTuples {
  const { each, split, tuple } = reader.members(value, field, ['each', 'split', 'tuple']);
  return {
    each: claimPath(each, `${field}.each`),
    ...(isGiven(split) && { split: reader.text(split, `${field}.split`, SPLIT_LENGTH_MAX) }),
    tuple: reader.text(tuple, `${field}.tuple`, TUPLE_LENGTH_MAX),
  };
}

function claimsForContext(value: unknown, field: string): WireContext {
  if (Array.isArray(value)) return reader.list(value, field, ENTRIES_MAX, contextName);
  const claimOf = (name: string, claim: unknown): WireContextClaim => {
    const at = `${field}.${name.slice(0, NAME_LENGTH_MAX)}`;
    reader.text(name, at, NAME_LENGTH_MAX);
    return contextClaim(claim, at);
  };
  return reader.record(value, field, ENTRIES_MAX, claimOf, 'a list or an object');
}

function contextClaim(value: unknown, field: string): WireContextClaim {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return claimPath(value, field);
  }
  const { claim, default: fallback } = reader.members(value, field, ['claim', 'default']);
  const path = claimPath(claim, `${field}.claim`);
  return { claim: path, default: defaultOf(fallback, `${field}.default`) };
}

/** A scalar, or a list of as many as there are entries. */
function defaultOf(value: unknown, field: string): WireScalar | readonly WireScalar[] {
  if (Array.isArray(value)) return reader.list(value, field, ENTRIES_MAX, scalar);
  return scalar(value, field);
}

function scalar(value: unknown, field: string): WireScalar {
  if (typeof value === 'boolean' || value === '') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'string') return reader.text(value, field, NAME_LENGTH_MAX);
  throw claimsMappingProblem(field, 'must be a string, a number, a boolean or a list of them');
}

function contextName(value: unknown, field: string): string {
  const name = reader.text(value, field, NAME_LENGTH_MAX);
  if (!name.includes('.')) return name;
  throw claimsMappingProblem(
    field,
    `${quote(name)} has a dot: give it a name for conditions, as in {"name": ${JSON.stringify(name)}}`,
  );
}

function claimPath(value: unknown, field: string): WireClaimPath {
  const path = Array.isArray(value)
    ? value.map((step, i) => reader.text(step, `${field}[${i}]`, NAME_LENGTH_MAX))
    : reader.text(value, field, NAME_LENGTH_MAX);
  const problem = pathProblem(path);
  if (problem !== undefined) throw claimsMappingProblem(field, problem);
  return path;
}

// `Array.isArray` does not narrow a readonly array.
const isNameList = (context: WireContext): context is readonly string[] => Array.isArray(context);
