/**
 * `pemba/nest`: NestJS services, protected by Pemba, on Express or Fastify.
 *
 *   @Controller('orders')
 *   class OrdersController {
 *     @Get(':id')
 *     @Check('can_view', 'order:{params.id}')
 *     view(@Param('id') id: string) { … }
 *   }
 *
 * A handler runs when Pemba has said yes to every rule of its own and of its class. Where nothing is
 * said of a handler, where nobody can be asked, where a value is not what it should be, it does not
 * run.
 */
import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { JsonObject } from './client.js';
import { withCheck, withPermit, withoutRules } from './nest/decorate.js';
import type { RuleDecorator } from './nest/decorate.js';
import type { HttpRequest } from './nest/http-request.js';
import type { Permit as VerifiedPermit } from './verifier.js';
import { verifiedFor } from './nest/verified.js';

export { PembaClient } from './client.js';
export { Verifier } from './verifier.js';
export { PembaModule } from './nest/module.js';
export type { PembaModuleAsyncOptions } from './nest/module.js';
export type { PembaModuleOptions, RequestSubject } from './nest/options.js';
export type { HttpRequest } from './nest/http-request.js';
export type { RuleDecorator } from './nest/decorate.js';

/**
 * Which relations a type has. While it is empty, every name may be written. A service declares its
 * own:
 *
 *   declare module 'pemba/nest' {
 *     interface PermissionSchema { order: 'can_view' | 'can_place'; item: 'can_reserve' }
 *   }
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- others fill it
export interface PermissionSchema {}

type KnownType = Extract<keyof PermissionSchema, string>;
type TextOf<Type extends string> = `${Type}:${string}` | '{subject}';

/** `order:{params.id}`: see the table of placeholders in the documentation. */
export type ObjectText = [KnownType] extends [never] ? string : TextOf<KnownType>;

export type RelationOf<Text extends string> = [KnownType] extends [never]
  ? string
  : Text extends `${infer Type extends KnownType}:${string}`
    ? PermissionSchema[Type] & string
    : string;

export interface CheckOptions<Request = HttpRequest> {
  /** Parameters of conditions. */
  readonly context?: ((request: Request) => JsonObject) | undefined;
}

export interface PermitOptions<Request = HttpRequest> {
  /** What the permit's conditions were decided with, as it really is in this request. */
  readonly context?: ((request: Request) => JsonObject) | undefined;
  /** For what changes something: the permit is used up by it. */
  readonly once?: boolean | undefined;
}

/** The subject must have the relation to the object. */
export function Check<const Text extends ObjectText, Request = HttpRequest>(
  relation: RelationOf<Text>,
  object: Text,
  options: CheckOptions<Request> = {},
): RuleDecorator {
  const text = `@Check('${relation}', '${object}')`;
  return withCheck({ text, relation, object }, { kind: 'check', context: contextOf(options) });
}

/** Whoever calls must bring a permit for this. */
export function RequirePermit<const Text extends ObjectText, Request = HttpRequest>(
  action: RelationOf<Text>,
  resource: Text,
  options: PermitOptions<Request> = {},
): RuleDecorator {
  const text = `@RequirePermit('${action}', '${resource}')`;
  const { once = false } = options;
  return withPermit(
    { text, relation: action, object: resource },
    { kind: 'permit', once, context: contextOf(options) },
  );
}

/** What a service takes for its requests is what its platform gives. */
const contextOf = <Request>({ context }: CheckOptions<Request>) =>
  context as ((request: unknown) => JsonObject) | undefined;

/** Anybody may, and nothing is asked. */
export const Public = (): RuleDecorator => withoutRules('@Public()');

/** A parameter: about whom the rules were asked, the subject of the permit if there is one. */
export const Subject: () => ParameterDecorator = createParamDecorator(
  (_: unknown, context: ExecutionContext) => verifiedFor(context, '@Subject()').subject,
);

export type Permit = VerifiedPermit;

/** A parameter: the permit, verified. */
export const Permit: () => ParameterDecorator = createParamDecorator(
  (_: unknown, context: ExecutionContext) => {
    const { permit } = verifiedFor(context, '@Permit()');
    if (permit === undefined) throw new TypeError('@Permit() needs @RequirePermit on the handler');
    return permit;
  },
);

/** A parameter: the client that the rules were asked with, of this request where sessions are on. */
export const Pemba: () => ParameterDecorator = createParamDecorator(
  (_: unknown, context: ExecutionContext) => verifiedFor(context, '@Pemba()').client,
);
