/**
 * What the decorators say of handlers and of their classes, and what that comes to for one handler:
 * a handler's own rules are added to those of its class; `@Public()` on a handler takes the class's
 * away; one of which nothing is said is as its class is.
 */
import { SetMetadata } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { JsonObject } from '../../tuple/tuple.js';
import type { HttpRequest } from './http-request.js';
import type { ObjectTemplate } from './object-template.js';

interface Permission {
  readonly relation: string;
  readonly object: ObjectTemplate;
  /** Parameters of conditions, from the request. */
  readonly context: ((request: HttpRequest) => JsonObject) | undefined;
}

/** Pemba is asked. */
export type CheckRule = Permission & { readonly kind: 'check' };
/** Who calls brings a permit. */
export type PermitRule = Permission & { readonly kind: 'permit'; readonly once: boolean };

/** Of one handler, or of one class. */
export interface Declared {
  readonly isPublic: boolean;
  readonly rules: readonly (CheckRule | PermitRule)[];
}

export type Plan =
  | { readonly kind: 'public' | 'undecorated'; readonly name: string }
  | {
      readonly kind: 'guarded';
      /** `OrdersController.reserve`, for logs. */
      readonly name: string;
      readonly checks: readonly CheckRule[];
      readonly permits: readonly PermitRule[];
    };

/** A class, or a method of its prototype. */
export type Target = ReturnType<ExecutionContext['getHandler']>;

const KEY = 'pemba:declared';
const NOTHING: Declared = { isPublic: false, rules: [] };
const reflector = new Reflector();

/** What stands on a class counts for those that extend it. */
export const declaredOn = (target: Target): Declared | undefined =>
  reflector.get<Declared | undefined>(KEY, target);

/** Adds to what is declared already. */
export function declare(target: Target, added: Partial<Declared>): void {
  const { isPublic, rules } = declaredOn(target) ?? NOTHING;
  SetMetadata<string, Declared>(KEY, {
    isPublic: isPublic || added.isPublic === true,
    rules: [...(added.rules ?? []), ...rules],
  })(target);
}

/** Public and not public at once. */
export const isContradiction = ({ isPublic, rules }: Declared): boolean =>
  isPublic && rules.length > 0;

const plans = new WeakMap<Target, WeakMap<Target, Plan>>();

/** Always the same for the same handler. */
export function planOf(type: Target, handler: Target): Plan {
  const ofClass = plans.get(type) ?? new WeakMap<Target, Plan>();
  plans.set(type, ofClass);
  const plan = ofClass.get(handler) ?? makePlan(type, handler);
  ofClass.set(handler, plan);
  return plan;
}

function makePlan(type: Target, handler: Target): Plan {
  const name = `${type.name}.${handler.name}`;
  const around = declaredOn(type) ?? NOTHING;
  const own = declaredOn(handler) ?? NOTHING;
  const rules = [...around.rules, ...own.rules];
  const isPublic =
    own.rules.length === 0 && (own.isPublic || (around.isPublic && rules.length === 0));
  if (isPublic) return { kind: 'public', name };
  if (rules.length === 0) return { kind: 'undecorated', name };
  return {
    kind: 'guarded',
    name,
    checks: rules.filter((rule) => rule.kind === 'check'),
    permits: rules.filter((rule) => rule.kind === 'permit'),
  };
}
