/**
 * A Nest application as a service writes one, with a handler for each way to protect it. What ran is
 * written down: a refusal is one only if nothing did.
 */
import { Body, Controller, Get, HttpCode, Inject, Module, Param, Post } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  Check,
  Pemba,
  PembaModule,
  Permit,
  Public,
  RequirePermit,
  Subject,
} from '../../../src/client/nest.js';
import type { PembaClient, PembaModuleOptions, RequestSubject } from '../../../src/client/nest.js';
import type { VerifierOptions } from '../../../src/client/verifier.js';
import { ISSUER, JWKS, NOW, SERVICE } from '../../vectors/permit-vector.js';

export const MODEL = `model
  schema 1.1
type user
  relations
    define friend: [user]
type inbox
  relations
    define reader: [user]
type shop
  relations
    define manager: [user]
type order
  relations
    define shop: [shop]
    define customer: [user]
    define can_view: customer or manager from shop
    define can_refund: [user with within]
type item
  relations
    define viewer: [user]
condition within(amount: int, limit: int) {
  amount <= limit
}
`;

/** At the time of the golden vectors. */
export const ONLINE_VERIFIER: VerifierOptions = {
  issuer: ISSUER,
  service: SERVICE,
  clock: { now: () => (NOW + 1) * 1000, monotonic: () => performance.now() },
};

export const VERIFIER: VerifierOptions = { ...ONLINE_VERIFIER, keys: JWKS, revocations: 'off' };

const RAN = Symbol('what ran');

/** What a handler was told, for the test to look at. */
class Ran {
  readonly names: string[] = [];

  as(name: string, told: object = {}): object {
    this.names.push(name);
    return { ran: name, ...told };
  }
}

abstract class Recorded {
  protected readonly ran: Ran;

  constructor(@Inject(RAN) ran: Ran) {
    this.ran = ran;
  }
}

interface RefundRequest {
  readonly body: { readonly amount: number };
}

@Controller('orders')
class OrdersController extends Recorded {
  @Get()
  @Check('can_view', 'order:{query.id}')
  byQuery(): object {
    return this.ran.as('byQuery');
  }

  @Get('by-header')
  @Check('can_view', 'order:{headers.X-Order}')
  byHeader(): object {
    return this.ran.as('byHeader');
  }

  @Post()
  @Check('can_view', 'order:{body.order.id}')
  byBody(): object {
    return this.ran.as('byBody');
  }

  @Get(':id')
  @Check('can_view', 'order:{params.id}')
  view(@Param('id') id: string, @Subject() subject: RequestSubject): object {
    return this.ran.as('view', { id, subject });
  }

  @Get(':tenant/orders/:id')
  @Check('can_view', 'order:{params.tenant}/{params.id}')
  ofTenant(): object {
    return this.ran.as('ofTenant');
  }

  @Get(':id/in/:shop')
  @Check('can_view', 'order:{params.id}')
  @Check('manager', 'shop:{params.shop}')
  inShop(): object {
    return this.ran.as('inShop');
  }

  @Post(':id/refund')
  @Check('can_refund', 'order:{params.id}', {
    context: ({ body }: RefundRequest) => ({ amount: body.amount }),
  })
  refund(): object {
    return this.ran.as('refund');
  }

  @Get(':id/misspelt')
  @Check('can_veiw', 'order:{params.id}')
  misspelt(): object {
    return this.ran.as('misspelt');
  }

  @Get(':id/half-misspelt')
  @Check('can_view', 'order:{params.id}')
  @Check('can_veiw', 'order:{params.id}')
  halfMisspelt(): object {
    return this.ran.as('halfMisspelt');
  }

  @Get(':id/misnamed')
  @Check('can_view', 'order:{params.ident}')
  misnamed(): object {
    return this.ran.as('misnamed');
  }

  @Post(':id/sales/:next')
  @Check('can_view', 'order:{params.id}')
  async sell(@Param('next') next: string, @Pemba() pemba: PembaClient): Promise<object> {
    await pemba.write({
      writes: [{ user: 'user:anne', relation: 'customer', object: `order:${next}` }],
    });
    return this.ran.as('sell');
  }
}

@Controller('shops')
@Check('manager', 'shop:{params.shop}')
class ShopsController extends Recorded {
  @Get(':shop')
  plain(): object {
    return this.ran.as('plain');
  }

  @Get(':shop/orders/:id')
  @Check('can_view', 'order:{params.id}')
  order(): object {
    return this.ran.as('order');
  }

  @Get(':shop/window')
  @Public()
  window(): object {
    return this.ran.as('window');
  }
}

@Controller('annexes')
class AnnexesController extends ShopsController {}

@Controller('me')
class MeController extends Recorded {
  @Get('befriended')
  @Check('friend', '{subject}')
  befriended(): object {
    return this.ran.as('befriended');
  }

  @Get('inbox')
  @Check('reader', 'inbox:{subject.id}')
  inbox(): object {
    return this.ran.as('inbox');
  }
}

@Controller()
class OpenController extends Recorded {
  @Get('health')
  @Public()
  health(): object {
    return this.ran.as('health');
  }

  @Get('careless')
  @Public()
  careless(@Subject() subject: RequestSubject): object {
    return this.ran.as('careless', { subject });
  }

  @Get('forgotten')
  forgotten(): object {
    return this.ran.as('forgotten');
  }
}

interface ReserveRequest {
  readonly body: { readonly quantity: number };
}

@Controller('items')
class ItemsController extends Recorded {
  @Post(':id/reservations')
  @HttpCode(200)
  @RequirePermit('can_reserve', 'item:{params.id}')
  reserve(@Permit() permit: Permit, @Subject() subject: RequestSubject): object {
    return this.ran.as('reserve', { actor: permit.actors[0], subject });
  }

  @Post(':id/counted')
  @HttpCode(200)
  @RequirePermit('can_reserve', 'item:{params.id}', {
    context: ({ body }: ReserveRequest) => ({ quantity: body.quantity }),
  })
  counted(@Body() body: object): object {
    return this.ran.as('counted', body);
  }

  @Post(':id/sales')
  @HttpCode(200)
  @RequirePermit('can_reserve', 'item:{params.id}', { once: true })
  sell(): object {
    return this.ran.as('sell');
  }

  @Post(':id/moves/:to')
  @HttpCode(200)
  @RequirePermit('can_reserve', 'item:{params.id}')
  @RequirePermit('can_reserve', 'item:{params.to}')
  move(): object {
    return this.ran.as('move');
  }

  @Post(':id/looks')
  @HttpCode(200)
  @RequirePermit('can_reserve', 'item:{params.id}')
  @Check('viewer', 'item:{params.id}')
  look(): object {
    return this.ran.as('look');
  }
}

@Controller('stock')
@RequirePermit('can_reserve', 'item:{params.id}', { once: true })
class StockController extends Recorded {
  /** Its guard is called for the class and for the method: a permit is used once all the same. */
  @Post(':id/sales')
  @HttpCode(200)
  @RequirePermit('can_reserve', 'item:{params.id}', { once: true })
  sell(): object {
    return this.ran.as('stock');
  }
}

@Module({})
class ShopModule {}

export interface Shop {
  readonly app: INestApplication;
  readonly url: string;
  /** What ran since it was last asked. */
  ran(): readonly string[];
  stop(): Promise<void>;
}

export const PLATFORMS = { Express: ExpressAdapter, Fastify: FastifyAdapter } as const;
export type Platform = keyof typeof PLATFORMS;

export async function startShop<Request>(
  platform: Platform,
  options: PembaModuleOptions<Request>,
): Promise<Shop> {
  const ran = new Ran();
  const module = {
    module: ShopModule,
    imports: [PembaModule.forRootAsync({ useFactory: () => options })],
    providers: [{ provide: RAN, useValue: ran }],
    controllers: [
      OrdersController,
      ShopsController,
      AnnexesController,
      MeController,
      OpenController,
      ItemsController,
      StockController,
    ],
  };
  const app = await NestFactory.create(module, new PLATFORMS[platform](), {
    logger: false,
    abortOnError: false,
  });
  await app.listen(0, '127.0.0.1');
  return {
    app,
    url: await app.getUrl(),
    ran: () => ran.names.splice(0),
    stop: () => app.close(),
  };
}
