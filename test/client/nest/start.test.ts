/** With what an application starts, and with what it does not. */
import { Controller, Get, Inject, Injectable, Module } from '@nestjs/common';
import type { DynamicModule, INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { describe, expect, it } from '@jest/globals';
import {
  Check,
  PembaClient,
  PembaModule,
  Public,
  RequirePermit,
  Verifier,
} from '../../../src/client/nest.js';
import type { PembaModuleOptions, RuleDecorator } from '../../../src/client/nest.js';
import { Protection } from '../../../src/client/nest/protection.js';
import { ONLINE_VERIFIER, VERIFIER } from './shop.js';

const OPTIONS: PembaModuleOptions = {
  client: { urls: ['http://127.0.0.1:1'], storeId: 'store' },
  subject: () => undefined,
};

@Module({})
class AppModule {}

interface Parts {
  readonly controllers?: Type[];
  readonly providers?: Type[];
  readonly imports?: DynamicModule[];
}

async function start({ imports, ...parts }: Parts): Promise<INestApplication> {
  const app = await NestFactory.create(
    { module: AppModule, imports: imports ?? [PembaModule.forRoot(OPTIONS)], ...parts },
    { logger: false, abortOnError: false },
  );
  return app.init();
}

const problemWith = async (parts: Parts): Promise<string> => {
  try {
    await (await start(parts)).close();
    return 'none';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('an application', () => {
  it('does not load with a template that is none, and says where', () => {
    expect(() => {
      class Orders {
        @Check('can_view', 'order:{params.id')
        view(): void {
          return;
        }
      }
      return Orders;
    }).toThrow(
      /^Orders\.view: @Check\('can_view', 'order:\{params\.id'\): its braces do not match$/,
    );
    expect(() => {
      @RequirePermit('can_reserve', '{params.id}')
      class Items {}
      return Items;
    }).toThrow(/^Items: @RequirePermit\('can_reserve', '\{params\.id\}'\): .* is not type:id$/);
  });

  it('does not load with a relation that is none, or a subject that no permit has yet', () => {
    const decorate = (decorator: RuleDecorator) => () => {
      decorator(AppModule);
    };
    expect(decorate(Check('can view', 'order:1'))).toThrow('no name of a relation');
    expect(decorate(RequirePermit('can_view', '{subject}'))).toThrow('only the permit');
    expect(decorate(RequirePermit('can_view', 'a:{subject.id}'))).toThrow('only the permit');
  });

  it('does not load with a rule on what cannot be called', () => {
    const onProperty = Check('can_view', 'order:1') as PropertyDecorator;
    expect(() => {
      onProperty({}, 'field');
    }).toThrow('is for classes and methods');
  });

  it('does not start with a rule that nothing would apply', async () => {
    @Injectable()
    class OrderService {
      @Check('can_view', 'order:{params.id}')
      view(): void {
        return;
      }
    }
    @Injectable()
    @Check('can_view', 'order:{params.id}')
    class Resolver {}
    @Controller()
    class Consumer {
      @Check('can_view', 'order:{body.id}')
      onMessage(): void {
        return;
      }
    }
    const parts = { controllers: [Consumer], providers: [OrderService, Resolver] };
    expect(await problemWith(parts)).toBe(
      'pemba/nest: Resolver is no controller; Consumer.onMessage is no HTTP handler; ' +
        'OrderService.view is no HTTP handler',
    );
  });

  it('does not start with what is public and is not', async () => {
    @Controller()
    class Torn {
      @Get()
      @Public()
      @Check('can_view', 'order:1')
      view(): void {
        return;
      }
    }
    @Controller()
    @Check('can_view', 'order:1')
    @Public()
    class TornAsAWhole {}
    expect(await problemWith({ controllers: [Torn, TornAsAWhole] })).toBe(
      'pemba/nest: TornAsAWhole is @Public, and has rules; Torn.view is @Public, and has rules',
    );
  });

  @Controller()
  class Items {
    @Get(':id')
    @RequirePermit('can_reserve', 'item:{params.id}')
    reserve(): void {
      return;
    }
  }

  it('does not start with permits that nobody verifies', async () => {
    expect(await problemWith({ controllers: [Items] })).toMatch(/no verifier$/);
  });

  it('does not start with a check about nobody, but with permits, which say about whom', async () => {
    @Controller()
    class Orders {
      @Get(':id')
      @Check('can_view', 'order:{params.id}')
      view(): void {
        return;
      }
    }
    @Controller()
    class CheckedItems {
      @Get('checked/:id')
      @RequirePermit('can_reserve', 'item:{params.id}')
      @Check('can_view', 'item:{params.id}')
      reserve(): void {
        return;
      }
    }
    const imports = [PembaModule.forRoot({ client: OPTIONS.client, verifier: VERIFIER })];
    expect(await problemWith({ imports, controllers: [Orders] })).toBe(
      'pemba/nest: Orders.view has a check, and no `subject` says about whom',
    );
    expect(await problemWith({ imports, controllers: [Items, CheckedItems] })).toBe('none');
  });

  it('does not start without the module that its rules need', async () => {
    expect(await problemWith({ controllers: [Items], imports: [] })).toMatch(
      /resolve dependencies/,
    );
  });

  it('starts its verifier, and stops it', async () => {
    const asked: string[] = [];
    const fetch = (url: unknown): Promise<Response> => {
      asked.push(String(url));
      return Promise.reject(new Error('there is no network'));
    };
    const verifier = { ...ONLINE_VERIFIER, fetch };
    const app = await start({
      controllers: [Items],
      imports: [PembaModule.forRoot({ ...OPTIONS, verifier })],
    });
    expect(asked.some((url) => url.includes('/revocations'))).toBe(true);
    expect(app.get(Verifier).state().keys).toBe('absent');
    await app.close();
    const before = asked.length;
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(asked).toHaveLength(before);
  });

  it('gives its services the client and the verifier', async () => {
    @Injectable()
    class Stock {
      readonly got: readonly unknown[];
      constructor(@Inject(PembaClient) client: PembaClient, @Inject(Verifier) verifier: Verifier) {
        this.got = [client, verifier];
      }
    }
    const client = new PembaClient(OPTIONS.client as { urls: string[] });
    const verifier = new Verifier(VERIFIER);
    const app = await start({
      providers: [Stock],
      imports: [
        PembaModule.forRootAsync({
          useFactory: () => Promise.resolve({ ...OPTIONS, client, verifier }),
        }),
      ],
    });
    expect(app.get(Stock).got).toEqual([client, verifier]);
    expect(app.get(Stock).got[0]).toBe(client);
    await app.close();
  });

  it.each(['rpc', 'ws', 'graphql'])('refuses what comes by %s', async (kind) => {
    const app = await start({});
    const handler = (): void => undefined;
    const context = new ExecutionContextHost([], AppModule, handler);
    context.setType(kind);
    await expect(app.get(Protection).admit(context)).rejects.toThrow(
      `protects HTTP handlers alone, and this is one of ${kind}`,
    );
    await app.close();
  });
});
