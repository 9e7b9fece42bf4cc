/**
 * Places orders. What that takes, a reservation and a charge, the customer could not do, and neither
 * could this service by itself: the schema says that it may while it acts for the customer.
 */
import 'reflect-metadata';
import { Controller, Headers, Inject, Module, NotFoundException } from '@nestjs/common';
import { Param, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { PembaClient, PembaModule, RequirePermit } from 'pemba/nest';
import { callNext } from './next-service.js';
import { pembaOptions } from './pemba.js';
import { setting } from './platform.js';
import type { Schema } from './schema.js';

/** This service's own data. Pemba knows who may, not what is in an order. */
const ORDERS = new Map([['1001', { item: 'teapot', invoice: '1001' }]]);

@Controller('orders')
class OrdersController {
  readonly #pemba: PembaClient<Schema>;

  constructor(@Inject(PembaClient) pemba: PembaClient<Schema>) {
    this.#pemba = pemba;
  }

  @Post(':id/place')
  @RequirePermit('can_place', 'order:{params.id}', { once: true })
  async place(@Param('id') id: string, @Headers('pemba-permit') permit: string): Promise<unknown> {
    const order = ORDERS.get(id);
    if (order === undefined) throw new NotFoundException();
    const held = { subjectToken: permit, subjectTokenType: 'jwt' } as const;
    const reservation = await callNext(this.#pemba, held, {
      service: 'inventory',
      url: `${setting('INVENTORY_URL')}/items/${order.item}/reservations`,
      permission: { actions: ['can_reserve'], resource: { type: 'item', id: order.item } },
    });
    const charge = await callNext(this.#pemba, held, {
      service: 'billing',
      url: `${setting('BILLING_URL')}/invoices/${order.invoice}/charges`,
      permission: { actions: ['can_charge'], resource: { type: 'invoice', id: order.invoice } },
    });
    return { order: id, reservation, charge };
  }
}

@Module({
  imports: [PembaModule.forRoot(pembaOptions('orders'))],
  controllers: [OrdersController],
})
class Orders {}

const app = await NestFactory.create(Orders, new FastifyAdapter(), {
  logger: ['debug', 'warn', 'error'],
});
app.enableShutdownHooks();
await app.listen(setting('PORT'), '127.0.0.1');
