/**
 * Two guards. Every decorator brings its own along, so no rule depends on a guard that somebody has
 * to remember, and it runs after all global guards, which say who makes the request. The global one
 * is for handlers of which no decorator says anything.
 */
import { ForbiddenException, Inject, Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { PEMBA_OPTIONS } from './options.js';
import type { PembaModuleOptions } from './options.js';
import { Protection, requireHttp } from './protection.js';
import { planFor } from './verified.js';

@Injectable()
export class RulesGuard implements CanActivate {
  readonly #protection: Protection;

  constructor(@Inject(Protection) protection: Protection) {
    this.#protection = protection;
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    await this.#protection.admit(context);
    return true;
  }
}

@Injectable()
export class UndecoratedGuard implements CanActivate {
  readonly #isOpen: boolean;

  constructor(@Inject(PEMBA_OPTIONS) { undecorated }: PembaModuleOptions) {
    this.#isOpen = undecorated === 'allow';
  }

  canActivate(context: ExecutionContext): boolean {
    if (this.#isOpen) return true;
    requireHttp(context);
    if (planFor(context).kind === 'undecorated') throw new ForbiddenException();
    return true;
  }
}
