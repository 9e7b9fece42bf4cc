/** A golden vector, and what all of them have in common. */
import type { WatermarkKind } from '../../src/delegation/watermark.js';
import type { RefusalReason } from '../../src/delegation/permit-refused.js';
import type { JsonObject } from '../../src/tuple/tuple.js';
import { sha256, signed, thumbprint, vectorKey } from './permit-keys.js';
import type { Part, VectorKey } from './permit-keys.js';

export interface DpopParameters {
  readonly proof: string;
  readonly method: string;
  readonly url: string;
}

/** Without a `service` the peer is not authenticated. */
export interface PeerParameters {
  readonly service?: string;
  readonly certificate_thumbprint?: string;
  readonly dpop?: DpopParameters;
}

export interface WireWatermark {
  readonly id: number;
  readonly kind: WatermarkKind;
  readonly value: string;
  readonly not_before: number;
  readonly expires: number;
}

export interface PermitParameters {
  /** Seconds since 1970. */
  readonly now: number;
  readonly algorithms: readonly ('EdDSA' | 'ES256')[];
  readonly peer: PeerParameters;
  readonly action: string;
  readonly resource: { readonly type: string; readonly id: string };
  readonly context?: JsonObject;
  readonly once: boolean;
  /** How often the very same was presented, and accepted, before. */
  readonly presented_before: number;
  readonly revocations: readonly WireWatermark[];
}

export interface TransactionParameters {
  readonly now: number;
  readonly trust_domain: string;
  readonly revocations: readonly WireWatermark[];
}

export type Expectation = 'accepted' | RefusalReason;

interface Described {
  readonly name: string;
  readonly why: string;
  readonly token: string;
  readonly expect: Expectation;
}

export type Vector =
  | (Described & { readonly kind: 'permit'; readonly parameters: PermitParameters })
  | (Described & {
      readonly kind: 'transaction_token';
      readonly parameters: TransactionParameters;
    });

export const ISSUER = 'https://pemba.example/stores/01KVECTORS0000000000000000';
export const SERVICE = 'service:inventory';
export const TRUST_DOMAIN = 'shop.example';
export const NOW = 1_900_000_000;
export const URL_OF_REQUEST = 'https://inventory.example/items/9/reservations';

export const ed = vectorKey('ed-1', 'EdDSA');
export const es = vectorKey('es-1', 'ES256');
/** Signs for nobody. */
export const stranger = vectorKey('stranger', 'EdDSA');
/** Of clients, which prove them. */
export const dpopEd = vectorKey('dpop-ed', 'EdDSA');
export const dpopEs = vectorKey('dpop-es', 'ES256');
export const CERTIFICATE = sha256('a certificate of service:orders');

export const JWKS = {
  keys: [ed, es].map(({ kid, alg, publicJwk }) => ({ ...publicJwk, kid, alg, use: 'sig' })),
};

/** Undefined leaves a member out. */
export type Changes = Readonly<Record<string, unknown>>;

export const headerOf = ({ alg, kid }: VectorKey, changes: Changes = {}): object => ({
  ...{ alg, kid, typ: 'permit+jwt' },
  ...changes,
});

export const permission = (changes: Changes = {}): object => ({
  type: 'urn:pemba:permission',
  actions: ['can_reserve'],
  resource: { type: 'item', id: '9' },
  ...changes,
});

export const claimsOf = (changes: Changes = {}): object => ({
  iss: ISSUER,
  aud: SERVICE,
  sub: 'user:anne',
  act: { sub: 'service:orders' },
  client_id: 'service:orders',
  txn: 'txn-1',
  jti: 'jti-1',
  iat: NOW,
  nbf: NOW,
  exp: NOW + 60,
  authorization_details: [permission()],
  rev: 'rev-1',
  sch: '01KMODEL000000000000000000',
  did: 'did-1',
  ...changes,
});

/** Presented actors from the outermost inwards. */
export const chainOf = ([sub, ...before]: readonly string[]): object => ({
  sub,
  ...(before.length > 0 && { act: chainOf(before) }),
});

export const permit = (changes: Changes = {}, key = ed): string =>
  signed(headerOf(key), claimsOf(changes), key);

export const PARAMETERS: PermitParameters = {
  now: NOW + 1,
  algorithms: ['EdDSA', 'ES256'],
  peer: { service: 'service:orders' },
  action: 'can_reserve',
  resource: { type: 'item', id: '9' },
  once: false,
  presented_before: 0,
  revocations: [],
};

/** A DPoP proof for the request that carries this permit. */
export function proofFor(
  token: string,
  changes: {
    readonly header?: Changes;
    readonly claims?: Changes;
    readonly signer?: VectorKey;
  } = {},
  key: VectorKey = dpopEd,
): DpopParameters {
  const header: Part = { typ: 'dpop+jwt', alg: key.alg, jwk: key.publicJwk, ...changes.header };
  const claims: Part = {
    ...{ jti: 'proof-1', htm: 'POST', htu: URL_OF_REQUEST, iat: NOW + 1, ath: sha256(token) },
    ...changes.claims,
  };
  const proof = signed(header, claims, changes.signer ?? key);
  return { proof, method: 'POST', url: `${URL_OF_REQUEST}?dry_run=false` };
}

export const boundTo = (key: VectorKey): Changes => ({ cnf: { jkt: thumbprint(key) } });

export function watermark(
  kind: WatermarkKind,
  value: string,
  changes: Partial<WireWatermark> = {},
): WireWatermark {
  return { id: 1, kind, value, not_before: NOW, expires: NOW + 300, ...changes };
}
