/** The issuers whose tokens count, as configured; `issuer-file.ts` reads them. */

/** Asymmetric ones alone: with `HS*`, whoever can verify could sign. */
export const ALGORITHMS = [
  'EdDSA',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** Member names from the payload inwards; `realm_access.kind` in the file. */
export type ClaimPath = readonly string[];

export type KeySource =
  /** The issuer's metadata names the key set, which must lie at that host (and port). */
  | { readonly kind: 'discovery'; readonly issuer: string; readonly jwksHost: string }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'file'; readonly path: string }
  /** The set itself, for those who may not or need not go to the network. */
  | { readonly kind: 'given'; readonly set: Uint8Array };

/** Somebody whose tokens are verified with keys from one place. */
export interface KeyOwner {
  /** For logs and metrics; of an issuer also part of the names of its principals. */
  readonly name: string;
  readonly keys: KeySource;
  readonly algorithms: readonly Algorithm[];
}

/**
 * Who, among an issuer's callers, is a service that acts for itself. That subject and client are one
 * says so only where users cannot choose a `sub` that is a client's id.
 */
export type ServiceRule =
  | { readonly kind: 'always' | 'never' }
  | {
      readonly kind: 'equals';
      readonly claim: ClaimPath;
      readonly value: string | number | boolean;
    }
  | { readonly kind: 'same'; readonly claim: ClaimPath; readonly other: ClaimPath };

export interface TokenRules {
  /** One of them must be in `aud`. */
  readonly audience: readonly string[];
  /** Accepted `typ` as `mediaType` writes it; undefined stands for a token without one. */
  readonly types: readonly (string | undefined)[];
  /** RFC 9068 is held to: `sub`, `client_id`, `iat` and `jti` must be there as well. */
  readonly rfc9068: boolean;
  readonly subject: ClaimPath;
}

export interface CallerRules extends TokenRules {
  readonly client: ClaimPath;
  readonly service: ServiceRule;
  /** Names roles that may be granted rights here; undefined: no claim does. */
  readonly roles: ClaimPath | undefined;
}

export interface SubjectRules extends TokenRules {
  /** The type of the object that an end user is in a store. */
  readonly type: string;
  /** Stands before the id. */
  readonly prefix: string;
}

export interface Issuer extends KeyOwner {
  /** The exact `iss`. */
  readonly issuer: string;
  readonly clockSkewMs: number;
  readonly maxLifetimeMs: number;
  /** Undefined: with its tokens nobody may call. */
  readonly callers: CallerRules | undefined;
  /** Undefined: its tokens stand for no `user` of a query. */
  readonly subjects: SubjectRules | undefined;
}

/** `at+jwt`, `AT+JWT` and `application/at+jwt` are one media type (RFC 7515, 4.1.9). */
export const mediaType = (typ: string): string => typ.toLowerCase().replace(/^application\//, '');
