/**
 * Whether a permit speaks of the request that is really made. A permission that was decided with
 * values for its conditions holds for these values alone: each must be shown again, equal. Values
 * that the decision was not given do not matter to it.
 */
import { PermitRefused } from '../../delegation/permit-refused.js';
import type { Permit, PermitDetail } from '../../delegation/permit.js';
import type { JsonObject, JsonValue, ObjectRef } from '../../tuple/tuple.js';

/** Taken from the request that is about to be carried out, never from what came with the permit. */
export interface RequestedPermission {
  readonly action: string;
  readonly resource: ObjectRef;
  readonly context?: JsonObject;
}

export function requirePermission({ details }: Permit, request: RequestedPermission): void {
  const fitting = details.filter((detail) => isFor(detail, request));
  if (fitting.length === 0) throw new PermitRefused('not_permitted');
  if (!fitting.some(({ context = {} }) => holdsFor(context, request.context ?? {}))) {
    throw new PermitRefused('context_differs');
  }
}

const isFor = (
  { actions, resource: { type, id } }: PermitDetail,
  { action, resource }: RequestedPermission,
): boolean => actions.includes(action) && type === resource.type && id === resource.id;

const holdsFor = (decided: JsonObject, real: JsonObject): boolean =>
  Object.entries(decided).every(
    ([name, value]) => Object.hasOwn(real, name) && isEqual(value, real[name]),
  );

function isEqual(one: JsonValue, other: JsonValue | undefined): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object') return false;
  if (one === null || other === null || Array.isArray(one) !== Array.isArray(other)) return false;
  const others = new Map<string, JsonValue>(Object.entries(other));
  const members = Object.entries(one) as readonly (readonly [string, JsonValue])[];
  return (
    members.length === others.size &&
    members.every(([name, value]) => isEqual(value, others.get(name)))
  );
}
