/**
 * Looks at every class of the application before it serves. A rule that nothing would apply, because
 * it stands on what is no HTTP handler, is worse than none: the application does not start with it.
 */
import { METHOD_METADATA } from '@nestjs/common/constants.js';
import { MetadataScanner, Reflector } from '@nestjs/core';
import type { DiscoveryService } from '@nestjs/core';
import { declaredOn, isContradiction, planOf } from './rules.js';
import type { Target } from './rules.js';

export interface Findings {
  /** Sentences; with any, the application must not start. */
  readonly problems: readonly string[];
  /** `OrdersController.list`: HTTP handlers of which nothing is said. */
  readonly undecorated: readonly string[];
  /** HTTP handlers that require permits. */
  readonly needPermits: readonly string[];
  /** HTTP handlers with checks that are about whoever makes the request. */
  readonly needSubjects: readonly string[];
}

interface Method {
  readonly name: string;
  readonly type: Target;
  readonly method: Target;
}

const reflector = new Reflector();
const scanner = new MetadataScanner();

export function inspectHandlers(discovery: DiscoveryService): Findings {
  const controllers = classesOf(discovery.getControllers());
  const others = classesOf(discovery.getProviders());
  const handlers = controllers.flatMap(methodsOf).filter(({ method }) => isHandler(method));
  const plans = handlers.map(({ type, method }) => planOf(type, method));
  const guarded = plans.filter((plan) => plan.kind === 'guarded');
  const [withPermits, withoutPermits] = [
    guarded.filter(({ permits }) => permits.length > 0),
    guarded.filter(({ permits }) => permits.length === 0),
  ];
  return {
    problems: [
      ...[...controllers, ...others].filter(isTorn).map((type) => contradiction(type.name)),
      ...others.filter(declaredOn).map((type) => `${type.name} is no controller`),
      ...[...controllers, ...others].flatMap(methodsOf).flatMap(problemsOf),
    ],
    undecorated: plans.filter(({ kind }) => kind === 'undecorated').map(({ name }) => name),
    needPermits: withPermits.map(({ name }) => name),
    needSubjects: withoutPermits.map(({ name }) => name),
  };
}

type Wrappers = ReturnType<DiscoveryService['getProviders']>;

/** Values and factories have none. */
const classesOf = (wrappers: Wrappers): readonly Target[] => [
  ...new Set(wrappers.map(({ metatype }) => metatype).filter(isClass)),
];

const isClass = (type: unknown): type is Target =>
  typeof type === 'function' && typeof type.prototype === 'object' && type.prototype !== null;

function methodsOf(type: Target): readonly Method[] {
  const prototype = type.prototype as Readonly<Record<string, Target>>;
  return scanner.getAllMethodNames(prototype).flatMap((key) => {
    const method = prototype[key];
    return method === undefined ? [] : [{ name: `${type.name}.${key}`, type, method }];
  });
}

const isHandler = (method: Target): boolean =>
  reflector.get<unknown>(METHOD_METADATA, method) !== undefined;

function problemsOf({ name, method }: Method): readonly string[] {
  const declared = declaredOn(method);
  if (declared === undefined) return [];
  if (!isHandler(method)) return [`${name} is no HTTP handler`];
  return isContradiction(declared) ? [contradiction(name)] : [];
}

function isTorn(type: Target): boolean {
  const declared = declaredOn(type);
  return declared !== undefined && isContradiction(declared);
}

const contradiction = (name: string): string => `${name} is @Public, and has rules`;
