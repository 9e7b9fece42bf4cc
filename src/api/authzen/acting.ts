/**
 * Whether a service acts for the subject: the caller by itself, where `options.delegated` says so, or
 * one that the request names, as `context.actor` or, in the form of RFC 8693's claim, as
 * `subject.properties.act`. Who names one that it is not needs the right `store:assert_actor`, and is
 * refused without it: to overlook an actor would be to give it all that the user may.
 */
import type { ActingServices } from '../decision.js';
import { invalidRequest } from '../../errors.js';
import type { Acting } from '../../identity/acting.js';
import type { Caller } from '../../identity/caller.js';
import type { ServiceId, StoreId } from '../../ids.js';
import { parseServiceId } from '../../tuple/delegation.js';
import type { JsonObject, JsonValue } from '../../tuple/tuple.js';

export interface WireOptions {
  readonly evaluations_semantic?: Semantic;
  readonly delegated?: boolean | null;
}

export type Semantic = 'execute_all' | 'deny_on_first_deny' | 'permit_on_first_permit';

export interface NamedActors {
  /** The service that acts, then those before it; empty if none is named. */
  readonly services: readonly ServiceId[];
  /** Where the request names them. */
  readonly field: string;
}

const NOBODY: NamedActors = { services: [], field: 'context.actor' };
/** More than any chain may have; it bounds what is read. */
const MAX_READ = 16;

export function namedActors(
  context: JsonObject | null | undefined,
  properties: JsonObject | null | undefined,
): NamedActors {
  const { actor } = context ?? {};
  const { act } = properties ?? {};
  if (isGiven(actor) && isGiven(act)) {
    throw invalidRequest('context.actor', 'leave out either it or subject.properties.act');
  }
  if (isGiven(actor)) {
    return { services: [serviceOf(actor, 'context.actor')], field: 'context.actor' };
  }
  return isGiven(act) ? chainOf(act) : NOBODY;
}

/** Undefined where the subject acts by itself. Rejects with `forbidden` for an actor made up. */
export async function actingIn(
  acting: Acting,
  { caller, storeId }: { readonly caller: Caller; readonly storeId: StoreId },
  isDelegated: boolean,
  { services: [actor, ...chain], field }: NamedActors,
): Promise<ActingServices | undefined> {
  if (!isDelegated && actor === undefined) return undefined;
  return { actor: await acting.actorOf(caller, storeId, actor, field), chain };
}

function chainOf(claim: JsonValue): NamedActors {
  const field = 'subject.properties.act';
  const services: ServiceId[] = [];
  let at: JsonValue | undefined = claim;
  while (isGiven(at)) {
    if (!isObject(at) || services.length === MAX_READ) {
      throw invalidRequest(field, 'is not of the form {"sub": "service:id", "act": …}');
    }
    services.push(serviceOf(at['sub'], `${field}.sub`));
    at = at['act'];
  }
  return { services, field };
}

function serviceOf(value: JsonValue | undefined, field: string): ServiceId {
  const service = typeof value === 'string' ? parseServiceId(value) : undefined;
  if (service === undefined) throw invalidRequest(field, "is not of the form 'service:id'");
  return service;
}

const isGiven = (value: JsonValue | undefined): value is Exclude<JsonValue, null> =>
  value !== undefined && value !== null;

const isObject = (value: JsonValue): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
