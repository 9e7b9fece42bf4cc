/** Puts rules on handlers and classes. What is wrong with one is thrown where it is written. */
import { UseGuards } from '@nestjs/common';
import { isRelationName } from '../../tuple/tuple.js';
import { RulesGuard } from './guards.js';
import { namesSubject, parseTemplate } from './object-template.js';
import { declare } from './rules.js';
import type { CheckRule, PermitRule, Target } from './rules.js';

export type RuleDecorator = ClassDecorator & MethodDecorator;

interface Described {
  /** `@Check('can_view', 'item:{params.id}')`, for errors. */
  readonly text: string;
  readonly relation: string;
  readonly object: string;
}

type Finished<Rule> = Omit<Rule, 'relation' | 'object'>;

/** Throws a `TypeError` that names class and method. */
export const withCheck = (described: Described, rest: Finished<CheckRule>): RuleDecorator =>
  onTarget(described.text, (target) => {
    addRule(target, { ...rest, ...permissionOf(described) });
  });

/** Throws a `TypeError` that names class and method. */
export const withPermit = (described: Described, rest: Finished<PermitRule>): RuleDecorator =>
  onTarget(described.text, (target) => {
    const permission = permissionOf(described);
    if (namesSubject(permission.object)) {
      throw new TypeError('only the permit says who the subject is');
    }
    addRule(target, { ...rest, ...permission });
  });

export const withoutRules = (text: string): RuleDecorator =>
  onTarget(text, (target) => {
    declare(target, { isPublic: true });
  });

function permissionOf({ relation, object }: Described): Pick<CheckRule, 'relation' | 'object'> {
  if (!isRelationName(relation)) throw new TypeError(`"${relation}" is no name of a relation`);
  return { relation, object: parseTemplate(object) };
}

function addRule(target: Target, rule: CheckRule | PermitRule): void {
  declare(target, { rules: [rule] });
  UseGuards(RulesGuard)(target);
}

function onTarget(text: string, decorate: (target: Target) => void): RuleDecorator {
  return (on: object, key?: string | symbol, descriptor?: { readonly value?: unknown }): void => {
    const target = key === undefined ? on : descriptor?.value;
    const name = key === undefined ? nameOf(on) : `${nameOf(on.constructor)}.${String(key)}`;
    if (!isTarget(target)) throw new TypeError(`${name}: ${text} is for classes and methods`);
    try {
      decorate(target);
    } catch (error) {
      throw new TypeError(`${name}: ${text}: ${(error as Error).message}`, { cause: error });
    }
  };
}

const isTarget = (value: unknown): value is Target => typeof value === 'function';

const nameOf = (type: object): string => (isTarget(type) ? type.name : '');
