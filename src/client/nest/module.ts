/** Puts the parts together, and starts and stops what has to be. */
import { Inject, Injectable, Logger, Module } from '@nestjs/common';
import type {
  DynamicModule,
  FactoryProvider,
  OnApplicationShutdown,
  OnModuleInit,
  Provider,
} from '@nestjs/common';
import {
  APP_GUARD,
  APP_INTERCEPTOR,
  DiscoveryModule,
  DiscoveryService,
  HttpAdapterHost,
} from '@nestjs/core';
import { PembaClient } from '../client.js';
import { Verifier } from '../verifier.js';
import { UndecoratedGuard } from './guards.js';
import { inspectHandlers } from './handlers.js';
import type { HttpRequest } from './http-request.js';
import { PEMBA_OPTIONS } from './options.js';
import type { PembaModuleOptions } from './options.js';
import { Protection } from './protection.js';
import { SessionInterceptor } from './session-interceptor.js';

type Factory<Value> = FactoryProvider<Value>;

export interface PembaModuleAsyncOptions<Request = HttpRequest> {
  readonly imports?: NonNullable<DynamicModule['imports']>;
  readonly inject?: NonNullable<Factory<unknown>['inject']>;
  readonly useFactory: Factory<
    PembaModuleOptions<Request> | Promise<PembaModuleOptions<Request>>
  >['useFactory'];
}

@Injectable()
class Lifecycle implements OnModuleInit, OnApplicationShutdown {
  readonly #discovery: DiscoveryService;
  readonly #options: PembaModuleOptions;
  readonly #verifier: Verifier | undefined;

  constructor(
    @Inject(DiscoveryService) discovery: DiscoveryService,
    @Inject(PEMBA_OPTIONS) options: PembaModuleOptions,
    @Inject(Verifier) verifier: Verifier | undefined,
  ) {
    this.#discovery = discovery;
    this.#options = options;
    this.#verifier = verifier;
  }

  async onModuleInit(): Promise<void> {
    const { problems, undecorated, needPermits, needSubjects } = inspectHandlers(this.#discovery);
    const unverifiable = this.#verifier === undefined ? needPermits : [];
    const unknown = this.#options.subject === undefined ? needSubjects : [];
    const all = [
      ...problems,
      ...unverifiable.map((name) => `${name} requires a permit, and there is no verifier`),
      ...unknown.map((name) => `${name} has a check, and no \`subject\` says about whom`),
    ];
    if (all.length > 0) throw new TypeError(`pemba/nest: ${all.join('; ')}`);
    if (undecorated.length > 0 && this.#options.undecorated !== 'allow') {
      new Logger('Pemba').warn(`denied, as no decorator says otherwise: ${undecorated.join(', ')}`);
    }
    await this.#verifier?.start();
  }

  /** Requests in flight have been answered by then. */
  async onApplicationShutdown(): Promise<void> {
    await this.#verifier?.stop();
  }
}

const clientProvider: Factory<PembaClient> = {
  provide: PembaClient,
  inject: [PEMBA_OPTIONS],
  useFactory: ({ client }: PembaModuleOptions) =>
    client instanceof PembaClient ? client : new PembaClient(client),
};

const verifierProvider: Factory<Verifier | undefined> = {
  provide: Verifier,
  inject: [PEMBA_OPTIONS],
  useFactory: ({ verifier }: PembaModuleOptions) =>
    verifier === undefined || verifier instanceof Verifier ? verifier : new Verifier(verifier),
};

const protectionProvider: Factory<Protection> = {
  provide: Protection,
  inject: [PEMBA_OPTIONS, PembaClient, Verifier, HttpAdapterHost],
  useFactory: (
    options: PembaModuleOptions,
    client: PembaClient,
    verifier: Verifier | undefined,
    adapterHost: HttpAdapterHost,
  ) => new Protection({ options, client, verifier, adapterHost }),
};

/** Import it once, in the root: what it gives can be had everywhere. */
@Module({})
export class PembaModule {
  static forRoot<Request = HttpRequest>(options: PembaModuleOptions<Request>): DynamicModule {
    return moduleWith({ provide: PEMBA_OPTIONS, useValue: options }, []);
  }

  static forRootAsync<Request = HttpRequest>({
    imports = [],
    inject = [],
    useFactory,
  }: PembaModuleAsyncOptions<Request>): DynamicModule {
    return moduleWith({ provide: PEMBA_OPTIONS, inject, useFactory }, imports);
  }
}

const moduleWith = (
  options: Provider,
  imports: NonNullable<DynamicModule['imports']>,
): DynamicModule => ({
  module: PembaModule,
  global: true,
  imports: [DiscoveryModule, ...imports],
  providers: [
    options,
    clientProvider,
    verifierProvider,
    protectionProvider,
    Lifecycle,
    { provide: APP_GUARD, useClass: UndecoratedGuard },
    { provide: APP_INTERCEPTOR, useClass: SessionInterceptor },
  ],
  exports: [PembaClient, Verifier, Protection],
});
