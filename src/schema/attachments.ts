/**
 * What Pemba keeps with a version of a model beside OpenFGA's body, and as immutable. Each kind is
 * read from what people write, held against the model and compiled with it; all of them are carried
 * over to the next version unless that brings its own.
 */
import { PembaError } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import { compileAuthzenMapping } from './authzen-mapping.js';
import type { AuthzenMapping } from './authzen-mapping.js';
import { authzenMappingFromWire } from './authzen-mapping-wire.js';
import type { WireAuthzenMapping } from './authzen-mapping-wire.js';
import { compileClaimsMapping } from './claims-mapping.js';
import type { ClaimsMapping } from './claims-mapping.js';
import { claimsMappingFromWire } from './claims-mapping-wire.js';
import type { WireClaimsMapping } from './claims-mapping-wire.js';
import { compileDelegationSettings, delegationSettingsFromWire } from './delegation-settings.js';
import type { DelegationSettings, WireDelegationSettings } from './delegation-settings.js';
import { compilePlan } from './plan.js';
import type { Plan } from './plan.js';
import type { Model } from './model.js';
import { compileRouteTable, routeTableFromWire } from './route-table.js';
import type { RouteTable } from './route-table.js';
import type { WireRouteTable } from './route-table-wire.js';

export interface Attachments {
  readonly claims_mapping?: WireClaimsMapping | undefined;
  readonly delegation_settings?: WireDelegationSettings | undefined;
  readonly authzen_mapping?: WireAuthzenMapping | undefined;
  readonly route_table?: WireRouteTable | undefined;
}

export type AttachmentName = keyof Attachments;

/** Null takes what is there away; what is not named stays. */
export type AttachmentChanges = {
  readonly [Name in AttachmentName]?: NonNullable<Attachments[Name]> | null;
};

/** A version of a model, ready for use. */
export interface Compiled {
  readonly plan: Plan;
  readonly claims: ClaimsMapping | undefined;
  readonly delegation: DelegationSettings;
  readonly authzen: AuthzenMapping;
  /** Of the gateways that ask. */
  readonly routes: RouteTable;
}

/** How each is read, and as what it is refused where it does not fit. */
const KINDS = {
  claims_mapping: { read: claimsMappingFromWire, refusal: 'invalid_claims_mapping' },
  delegation_settings: { read: delegationSettingsFromWire, refusal: 'invalid_delegation_settings' },
  authzen_mapping: { read: authzenMappingFromWire, refusal: 'invalid_authzen_mapping' },
  route_table: { read: routeTableFromWire, refusal: 'invalid_route_table' },
} as const satisfies Readonly<
  Record<
    AttachmentName,
    { readonly read: (value: unknown) => unknown; readonly refusal: ErrorCode }
  >
>;

const NAMES = Object.keys(KINDS) as AttachmentName[];

/** Of an object that has attachments among its members. */
export function attachmentChangesFrom(body: object): AttachmentChanges {
  const given = NAMES.flatMap((name) => {
    const value: unknown = Reflect.get(body, name);
    return value === undefined ? [] : [[name, KINDS[name].read(value)] as const];
  });
  return Object.fromEntries(given);
}

/** Throws the refusal of the first that does not fit. */
export const compile = (model: Model, attachments: Attachments): Compiled =>
  withAttachments(compilePlan(model), attachments);

const withAttachments = (
  plan: Plan,
  { claims_mapping, delegation_settings, authzen_mapping, route_table }: Attachments,
): Compiled => ({
  plan,
  claims: claims_mapping && compileClaimsMapping(plan, claims_mapping),
  delegation: compileDelegationSettings(plan, delegation_settings),
  authzen: compileAuthzenMapping(plan, authzen_mapping),
  routes: compileRouteTable(plan, route_table),
});

export interface NextVersion {
  readonly attachments: Attachments;
  readonly compiled: Compiled;
}

/** What a plan has when it follows a version with these attachments. */
export function nextVersion(
  plan: Plan,
  before: Attachments,
  changes: AttachmentChanges,
): NextVersion {
  const attachments = Object.fromEntries(
    Object.entries({ ...before, ...changes }).filter(([, value]) => value !== null),
  ) as Attachments;
  try {
    return { attachments, compiled: withAttachments(plan, attachments) };
  } catch (error) {
    throw error instanceof PembaError ? withAdvice(error, changes) : error;
  }
}

/** Who wrote the model may not know of what is kept with it. */
function withAdvice(error: PembaError, changes: AttachmentChanges): PembaError {
  const kept = NAMES.find(
    (name) => KINDS[name].refusal === error.code && changes[name] === undefined,
  );
  if (kept === undefined) return error;
  return new PembaError(
    error.code,
    `${error.message}. A model that is written without ${kept} keeps what the store has: ` +
      `send ${kept} that fits along, or null to have none.`,
    { facts: error.facts, cause: error },
  );
}
