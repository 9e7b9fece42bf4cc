/** Reserves items for whoever brings a permit for it. It asks nobody: Pemba may be down. */
import 'reflect-metadata';
import { Controller, Module, Param, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { PembaModule, Permit, RequirePermit } from 'pemba/nest';
import type { Permit as VerifiedPermit } from 'pemba/verifier';
import { pembaOptions } from './pemba.js';
import { setting } from './platform.js';

@Controller('items')
class ItemsController {
  readonly #reserved = new Map<string, number>();

  @Post(':id/reservations')
  @RequirePermit('can_reserve', 'item:{params.id}', { once: true })
  reserve(@Param('id') id: string, @Permit() permit: VerifiedPermit): object {
    const reserved = (this.#reserved.get(id) ?? 0) + 1;
    this.#reserved.set(id, reserved);
    return { item: id, reserved, for: permit.subject, by: permit.actors };
  }
}

@Module({
  imports: [PembaModule.forRoot(pembaOptions('inventory'))],
  controllers: [ItemsController],
})
class Inventory {}

const app = await NestFactory.create(Inventory, new FastifyAdapter(), {
  logger: ['debug', 'warn', 'error'],
});
app.enableShutdownHooks();
await app.listen(setting('PORT'), '127.0.0.1');
