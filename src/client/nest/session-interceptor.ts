/** Sends what a request's own client has been told, after the handler, with the response. */
import { Inject, Injectable } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { tap } from 'rxjs';
import type { Observable } from 'rxjs';
import { PEMBA_OPTIONS } from './options.js';
import type { PembaModuleOptions } from './options.js';
import { exportHeader } from './session.js';
import type { SessionOption } from './session.js';
import { requestOf, stateOf } from './verified.js';

@Injectable()
export class SessionInterceptor implements NestInterceptor {
  readonly #option: SessionOption | undefined;
  readonly #adapterHost: HttpAdapterHost;

  constructor(
    @Inject(PEMBA_OPTIONS) { session }: PembaModuleOptions,
    @Inject(HttpAdapterHost) adapterHost: HttpAdapterHost,
  ) {
    this.#option = session;
    this.#adapterHost = adapterHost;
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const option = this.#option;
    const handled = next.handle() as Observable<unknown>;
    if (option === undefined || context.getType<string>() !== 'http') return handled;
    const complete = (): void => {
      this.#export(context, option);
    };
    return handled.pipe(tap({ complete }));
  }

  #export(context: ExecutionContext, option: SessionOption): void {
    const { session } = stateOf(requestOf(context));
    const exported = session?.client.exportSession() ?? '';
    const response = context.switchToHttp().getResponse<unknown>();
    const { httpAdapter } = this.#adapterHost;
    if (exported === (session?.imported ?? '') || httpAdapter.isHeadersSent(response)) return;
    const [name, value] = exportHeader(option, exported);
    httpAdapter.appendHeader(response, name, value);
  }
}
