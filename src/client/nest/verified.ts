/** What was found out about a request, for as long as it lasts, for each of its handlers. */
import type { ExecutionContext } from '@nestjs/common';
import type { PembaClient } from '../client.js';
import type { Permit } from '../verifier.js';
import type { HttpRequest } from './http-request.js';
import type { RequestSubject } from './options.js';
import { planOf } from './rules.js';
import type { Plan } from './rules.js';
import type { RequestSession } from './session.js';

export interface Verified {
  readonly subject: RequestSubject;
  readonly permit: Permit | undefined;
  readonly client: PembaClient;
}

export interface RequestState {
  /** A handler's rules are applied once, however often its guard is called. */
  readonly decisions: Map<Plan, Promise<void>>;
  readonly verified: Map<Plan, Verified>;
  session: RequestSession | undefined;
}

const states = new WeakMap<HttpRequest, RequestState>();

export function stateOf(request: HttpRequest): RequestState {
  const known = states.get(request);
  if (known !== undefined) return known;
  const made = { decisions: new Map(), verified: new Map(), session: undefined };
  states.set(request, made);
  return made;
}

export const requestOf = (context: ExecutionContext): HttpRequest =>
  context.switchToHttp().getRequest<HttpRequest>();

export const planFor = (context: ExecutionContext): Plan =>
  planOf(context.getClass(), context.getHandler());

/** Throws where the handler is not guarded: then nobody has verified anything. */
export function verifiedFor(context: ExecutionContext, wanted: string): Verified {
  const plan = planFor(context);
  const verified = stateOf(requestOf(context)).verified.get(plan);
  if (verified !== undefined) return verified;
  throw new TypeError(`${plan.name}: ${wanted} needs @Check or @RequirePermit on the handler`);
}
