/**
 * Decides on a request to a guarded handler. It is let through on a plain yes to everything, and
 * nobody is told more than a status:
 *
 *   401  nobody known makes it, or there is no good permit
 *   400  what names the object is no id
 *   403  no
 *   503  Pemba, or what permits are verified with, cannot say now
 *
 * The permit comes first: it costs no request, and says who it is about. Then all checks at once.
 */
import { Logger, UnauthorizedException } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { parseObject } from '../../tuple/tuple.js';
import { PembaClientError } from '../client.js';
import type { PembaClient } from '../client.js';
import type { Permit, Verifier } from '../verifier.js';
import { requirePermission } from '../verifier/request-match.js';
import type { RequestedPermission } from '../verifier/request-match.js';
import { askedOf, requireAllowed } from './checking.js';
import type { Asked } from './checking.js';
import { headerOf } from './http-request.js';
import type { HttpRequest } from './http-request.js';
import { fill } from './object-template.js';
import type { PembaModuleOptions, RequestSubject } from './options.js';
import { Undecided, refusalOf } from './refusals.js';
import type { PermitRule, Plan } from './rules.js';
import { freshSession, openSession } from './session.js';
import { planFor, requestOf, stateOf } from './verified.js';

type Guarded = Extract<Plan, { readonly kind: 'guarded' }>;

export interface ProtectionParts {
  readonly options: PembaModuleOptions;
  readonly client: PembaClient;
  readonly verifier: Verifier | undefined;
  readonly adapterHost: HttpAdapterHost;
}

const PERMIT_HEADER = 'Pemba-Permit';

export class Protection {
  readonly #parts: ProtectionParts;
  readonly #log = new Logger('Pemba');

  constructor(parts: ProtectionParts) {
    this.#parts = parts;
  }

  /** Rejects with an `HttpException` unless every rule of the handler holds. */
  async admit(context: ExecutionContext): Promise<void> {
    requireHttp(context);
    const plan = planFor(context);
    const request = requestOf(context);
    const { decisions } = stateOf(request);
    const decision = decisions.get(plan) ?? this.#decide(plan, request);
    decisions.set(plan, decision);
    try {
      await decision;
    } catch (error) {
      if (error instanceof Undecided) this.#tellWhenToComeAgain(context, error);
      throw error;
    }
  }

  async #decide(plan: Plan, request: HttpRequest): Promise<void> {
    switch (plan.kind) {
      case 'public':
        return;
      case 'undecorated':
        // Its guard was called, but what the decorators said of it is gone.
        throw new TypeError(`${plan.name}: its rules are lost; is it wrapped by a decorator?`);
      case 'guarded':
        try {
          await this.#apply(plan, request);
        } catch (error) {
          throw refusalOf(error, plan.name);
        }
    }
  }

  async #apply(plan: Guarded, request: HttpRequest): Promise<void> {
    const state = stateOf(request);
    const permit = await this.#permitFor(plan.permits, request);
    const subject = permit?.subject ?? (await this.#subjectOf(plan, request));
    const asked = plan.checks.map((rule) => askedOf(rule, request, subject));
    if (asked.length > 0) await this.#ask(request, subject, asked);
    state.verified.set(plan, { subject, permit, client: this.#clientFor(request) });
  }

  async #permitFor(
    rules: readonly PermitRule[],
    request: HttpRequest,
  ): Promise<Permit | undefined> {
    if (rules.length === 0) return undefined;
    const { verifier, options } = this.#parts;
    if (verifier === undefined) throw new TypeError('PembaModule has no verifier for permits');
    const text = options.permit ? options.permit(request) : headerOf(request, PERMIT_HEADER);
    if (text === undefined) throw new UnauthorizedException();
    const [first, ...others] = rules.map((rule) => requestedBy(rule, request));
    if (first === undefined) return undefined;
    const peer = (await options.peer?.(request)) ?? { unauthenticated: true };
    const once = rules.some((rule) => rule.once);
    const permit = await verifier.verifyPermit(text, { ...first, peer, once });
    for (const other of others) requirePermission(permit, other);
    return permit;
  }

  async #subjectOf({ name }: Plan, request: HttpRequest): Promise<RequestSubject> {
    const subject = await this.#parts.options.subject?.(request);
    if (subject === undefined) throw new UnauthorizedException();
    if (typeof subject !== 'string' || parseObject(subject) !== undefined) return subject;
    this.#log.warn(`${name}: what \`subject\` returns is not type:id`);
    throw new UnauthorizedException();
  }

  #clientFor(request: HttpRequest): PembaClient {
    const { options, client } = this.#parts;
    if (options.session === undefined) return client;
    const state = stateOf(request);
    state.session ??= openSession(client, options.session, request);
    return state.session.client;
  }

  async #ask(
    request: HttpRequest,
    subject: RequestSubject,
    asked: readonly Asked[],
  ): Promise<void> {
    try {
      await requireAllowed(this.#clientFor(request), subject, asked);
    } catch (error) {
      const state = stateOf(request);
      if (!isOfContent(error) || (state.session?.imported ?? '') === '') throw error;
      // Perhaps what the session began with is no token of Pemba's.
      state.session = freshSession(this.#parts.client);
      await requireAllowed(state.session.client, subject, asked);
    }
  }

  #tellWhenToComeAgain(context: ExecutionContext, { retryAfterSeconds }: Undecided): void {
    const response = context.switchToHttp().getResponse<unknown>();
    const { httpAdapter } = this.#parts.adapterHost;
    httpAdapter.setHeader(response, 'Retry-After', String(retryAfterSeconds));
  }
}

const requestedBy = (
  { relation, object, context }: PermitRule,
  request: HttpRequest,
): RequestedPermission => ({
  action: relation,
  resource: fill(object, request, undefined),
  ...(context !== undefined && { context: context(request) }),
});

/** Pemba refused to answer, for what is in the question. */
const isOfContent = (error: unknown): boolean =>
  error instanceof UnauthorizedException ||
  (error instanceof PembaClientError && error.status === 400);

/** GraphQL, WebSockets and messages have requests of other kinds. */
export function requireHttp(context: ExecutionContext): void {
  const kind = context.getType<string>();
  if (kind === 'http') return;
  throw new TypeError(`pemba/nest protects HTTP handlers alone, and this is one of ${kind}`);
}
