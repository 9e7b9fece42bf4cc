/** Charges invoices for whoever brings a permit for it. */
import 'reflect-metadata';
import { Controller, Module, Param, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { PembaModule, Permit, RequirePermit } from 'pemba/nest';
import type { Permit as VerifiedPermit } from 'pemba/verifier';
import { pembaOptions } from './pemba.js';
import { setting } from './platform.js';

@Controller('invoices')
class InvoicesController {
  @Post(':id/charges')
  @RequirePermit('can_charge', 'invoice:{params.id}', { once: true })
  charge(@Param('id') id: string, @Permit() permit: VerifiedPermit): object {
    // The decision log of Pemba finds the decision that this charge rests on.
    return { invoice: id, for: permit.subject, by: permit.actors, decision: permit.decisionId };
  }
}

@Module({
  imports: [PembaModule.forRoot(pembaOptions('billing'))],
  controllers: [InvoicesController],
})
class Billing {}

const app = await NestFactory.create(Billing, new FastifyAdapter(), {
  logger: ['debug', 'warn', 'error'],
});
app.enableShutdownHooks();
await app.listen(setting('PORT'), '127.0.0.1');
