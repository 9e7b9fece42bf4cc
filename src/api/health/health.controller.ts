import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Needs } from '../needs.js';
import { METRICS, READINESS } from '../tokens.js';
import type { Readiness } from './readiness.js';

/** Metrics in Prometheus' text format. */
export interface MetricsSource {
  readonly contentType: string;
  render(): Promise<string>;
}

@Controller()
export class HealthController {
  readonly #readiness: Readiness;
  readonly #metrics: MetricsSource;

  constructor(@Inject(READINESS) readiness: Readiness, @Inject(METRICS) metrics: MetricsSource) {
    this.#readiness = readiness;
    this.#metrics = metrics;
  }

  /** The process runs. */
  @Get('livez')
  @Needs('public')
  live(): object {
    return { status: 'alive' };
  }

  /** The process may be given traffic. */
  @Get('readyz')
  @Needs('public')
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const reasons = await this.#readiness.reasonsAgainst();
    if (reasons.length > 0) void reply.code(503);
    return reasons.length > 0 ? { status: 'not ready', reasons } : { status: 'ready' };
  }

  /** OpenFGA's. */
  @Get('healthz')
  @Needs('public')
  async healthy(@Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const reasons = await this.#readiness.reasonsAgainst();
    if (reasons.length === 0) return { status: 'SERVING' };
    void reply.code(503);
    return { code: 'unavailable', message: `not serving: ${reasons.join('; ')}` };
  }

  @Get('metrics')
  @Needs('deployment:observe')
  async metrics(@Res() reply: FastifyReply): Promise<void> {
    await reply
      .header('content-type', this.#metrics.contentType)
      .send(await this.#metrics.render());
  }
}
