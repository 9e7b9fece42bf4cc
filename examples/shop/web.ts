/**
 * The edge. It gets the customer's access token, and is the last to see it: the token goes to Pemba,
 * and a permit goes on.
 */
import 'reflect-metadata';
import { Controller, Headers, Inject, Module, Param, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { PembaClient, PembaModule, Public } from 'pemba/nest';
import { callNext } from './next-service.js';
import { pembaOptions } from './pemba.js';
import { setting } from './platform.js';
import type { Schema } from './schema.js';

@Controller('orders')
class OrdersController {
  readonly #pemba: PembaClient<Schema>;

  constructor(@Inject(PembaClient) pemba: PembaClient<Schema>) {
    this.#pemba = pemba;
  }

  /** Public, as nothing happens here: without a good token of a customer there is no permit. */
  @Post(':id/place')
  @Public()
  place(@Param('id') id: string, @Headers('authorization') authorization = ''): Promise<unknown> {
    const subjectToken = authorization.replace(/^Bearer /, '');
    return callNext(
      this.#pemba,
      { subjectToken, subjectTokenType: 'access_token' },
      {
        service: 'orders',
        url: `${setting('ORDERS_URL')}/orders/${encodeURIComponent(id)}/place`,
        permission: { actions: ['can_place'], resource: { type: 'order', id } },
      },
    );
  }
}

@Module({
  imports: [PembaModule.forRoot(pembaOptions('web'))],
  controllers: [OrdersController],
})
class Web {}

const app = await NestFactory.create(Web, new FastifyAdapter(), {
  logger: ['debug', 'warn', 'error'],
});
app.enableShutdownHooks();
await app.listen(setting('PORT'), '127.0.0.1');
