/** The composition root: everything is made here, in the order in which data goes through it. */
import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { HealthController } from './api/health/health.controller.js';
import { Readiness } from './api/health/readiness.js';
import { ClaimsMappingController } from './api/openfga/claims-mapping.controller.js';
import { ModelsController } from './api/openfga/models.controller.js';
import { OpenApiController } from './api/openfga/openapi.controller.js';
import { StoresController } from './api/openfga/stores.controller.js';
import { TuplesController } from './api/openfga/tuples.controller.js';
import { ENGINE, METRICS, READINESS } from './api/tokens.js';
import type { Clock } from './clock.js';
import { graphMemoryBytes } from './config.js';
import type { Config } from './config.js';
import type { SubjectTokens } from './identity/subject-tokens.js';
import { ulidFactory } from './ids.js';
import type { Engine } from './operations/engine.js';
import { Plans } from './operations/plans.js';
import { Sweeper } from './operations/sweeper.js';
import { Replicas } from './replica/replicas.js';
import type { Database } from './storage/database.js';
import { WriteQueue } from './storage/write-queue.js';
import { writeTuples } from './storage/write-tuples.js';
import type { Logger } from './telemetry/log.js';
import { Metrics } from './telemetry/metrics.js';

export interface Parts {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly database: Database;
  /** Where an issuer of users' tokens is configured. */
  readonly subjectTokens?: SubjectTokens;
}

/** What runs in the background or is asked from outside the controllers. */
export interface Assembly extends Parts {
  readonly engine: Engine;
  readonly replicas: Replicas;
  readonly sweeper: Sweeper;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
}

export function assemble(parts: Parts): Assembly {
  const { config, clock, log, database } = parts;
  const report =
    (what: string) =>
    (error: unknown): void => {
      log.warn({ err: error }, `${what} failed`);
    };
  const replicas = new Replicas(database, clock, {
    pollIntervalMs: config.pollIntervalMs,
    memoryBytes: graphMemoryBytes(config),
    onError: (what, error) => {
      report(what)(error);
    },
  });
  const engine: Engine = {
    config,
    clock,
    newId: ulidFactory(() => clock.now()),
    database,
    replicas,
    plans: new Plans(database),
    writes: new WriteQueue((storeId, requests) =>
      writeTuples(database, storeId, requests, new Date(clock.now())),
    ),
  };
  const metrics = new Metrics();
  metrics.observe(database, replicas, clock);
  return {
    ...parts,
    engine,
    replicas,
    sweeper: new Sweeper(engine, report('sweeping')),
    metrics,
    readiness: new Readiness(database, replicas, config.readyStalenessMs),
  };
}

@Module({})
export class AppModule {
  static of({ engine, metrics, readiness }: Assembly): DynamicModule {
    return {
      module: AppModule,
      controllers: [
        StoresController,
        ModelsController,
        ClaimsMappingController,
        TuplesController,
        OpenApiController,
        HealthController,
      ],
      providers: [
        { provide: ENGINE, useValue: engine },
        { provide: METRICS, useValue: metrics },
        { provide: READINESS, useValue: readiness },
      ],
    };
  }
}
