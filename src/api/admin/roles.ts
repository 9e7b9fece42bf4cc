/** Roles and grants, wire ⇄ domain, and who may grant them. */
import { PembaError, invalidRequest } from '../../errors.js';
import type { Caller } from '../../identity/caller.js';
import { DEPLOYMENT_ROLES, STORE_ROLES } from '../../identity/grants.js';
import type { Grant, Role } from '../../identity/grants.js';
import type { Identity } from '../../identity/identity.js';
import type { Rights } from '../../identity/rights.js';
import type { StoreId } from '../../ids.js';
import { storeNotFound } from '../../storage/stores.js';
import { formatSubject, parseSubject } from '../../tuple/tuple.js';
import type { GrantBody, RoleBody } from './requests.js';

/** The part of `Identity` that is there when callers are authenticated. */
export type IdentityOn = {
  readonly [Part in 'systemStore' | 'rights' | 'keys']: NonNullable<Identity[Part]>;
};

export function whenOn({ systemStore, rights, keys }: Identity): IdentityOn {
  if (systemStore === undefined || rights === undefined || keys === undefined) {
    throw new PembaError(
      'forbidden',
      'callers are not authenticated (PEMBA_AUTHENTICATION=none): there are no keys and no rights',
    );
  }
  return { systemStore, rights, keys };
}

export function roleOf(body: RoleBody, field: string): Role {
  const storeId = body.store_id as StoreId | undefined;
  if (body.service !== undefined || body.role === 'acts_as') return actorRole(body, field);
  if (storeId === undefined) {
    const role = DEPLOYMENT_ROLES.find((known) => known === body.role);
    if (role === undefined) {
      throw invalidRequest(`${field}.role`, `${body.role} is a role of a store: give a store_id`);
    }
    if (body.module !== undefined) {
      throw invalidRequest(`${field}.store_id`, 'value is required beside a module');
    }
    return { of: 'deployment', role };
  }
  if (body.module !== undefined) {
    if (body.role !== 'writer') throw invalidRequest(`${field}.role`, 'of a module is writer');
    return { of: 'module', storeId, module: body.module };
  }
  const role = STORE_ROLES.find((known) => known === body.role);
  if (role === undefined) {
    throw invalidRequest(`${field}.role`, `${body.role} is a role of the whole deployment`);
  }
  return { of: 'store', role, storeId };
}

function actorRole({ role, store_id, module, service }: RoleBody, field: string): Role {
  if (role !== 'acts_as') throw invalidRequest(`${field}.role`, 'beside a service is acts_as');
  if (service === undefined) {
    throw invalidRequest(`${field}.service`, 'value is required: as which service to act');
  }
  if (store_id === undefined) {
    throw invalidRequest(`${field}.store_id`, 'value is required beside a service');
  }
  if (module !== undefined) throw invalidRequest(`${field}.module`, 'acts_as is of the store');
  return { of: 'actor', storeId: store_id as StoreId, service };
}

export function grantOf(body: GrantBody, field: string): Grant {
  const subject = parseSubject(body.subject);
  if (subject === undefined) {
    throw invalidRequest(`${field}.subject`, "is not of the form 'type:id' or 'type:id#relation'");
  }
  return { role: roleOf(body, field), subject };
}

export function roleToWire(role: Role): object {
  switch (role.of) {
    case 'deployment':
      return { role: role.role };
    case 'store':
      return { role: role.role, store_id: role.storeId };
    case 'module':
      return { role: 'writer', store_id: role.storeId, module: role.module };
    case 'actor':
      return { role: 'acts_as', store_id: role.storeId, service: role.service };
  }
}

export const grantToWire = ({ role, subject }: Grant): object => ({
  subject: formatSubject(subject),
  ...roleToWire(role),
});

/** Whoever administers a thing may say who else is what there. */
export async function assertMayGrant(
  rights: Rights,
  caller: Caller,
  roles: readonly Role[],
): Promise<void> {
  for (const role of roles) {
    const verdict =
      role.of === 'deployment'
        ? await rights.verdict(caller, 'deployment:admin')
        : await rights.verdict(caller, 'store:administer', role.storeId);
    if (verdict.kind === 'allowed') continue;
    if (role.of !== 'deployment' && verdict.kind === 'hidden') throw storeNotFound(role.storeId);
    throw new PembaError('forbidden', 'the caller may not grant this', {
      facts: { role: JSON.stringify(roleToWire(role)) },
    });
  }
}

export async function isAdministrator(rights: Rights, caller: Caller): Promise<boolean> {
  return (await rights.verdict(caller, 'deployment:admin')).kind === 'allowed';
}
