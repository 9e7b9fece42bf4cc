/** The composition root: everything is made here, in the order in which data goes through it. */
import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { authzenEndpoints } from './api/authzen/endpoints.js';
import { AuditController } from './api/admin/audit.controller.js';
import { DelegationsController } from './api/admin/delegations.controller.js';
import { CallerController } from './api/admin/caller.controller.js';
import { GrantsController } from './api/admin/grants.controller.js';
import { KeysController } from './api/admin/keys.controller.js';
import { SigningKeysController } from './api/admin/signing-keys.controller.js';
import { adminEndpoints } from './api/admin/endpoints.js';
import { HealthController } from './api/health/health.controller.js';
import { Readiness } from './api/health/readiness.js';
import { AttachmentsController } from './api/openfga/attachments.controller.js';
import { AttributesController } from './api/openfga/attributes.controller.js';
import { ModelsController } from './api/openfga/models.controller.js';
import { openFgaComponents, openFgaEndpoints } from './api/openfga/endpoints.js';
import { JwksController } from './api/oauth/jwks.controller.js';
import { edgeEndpoints } from './api/edge/endpoints.js';
import { jwksEndpoint } from './api/oauth/jwks-endpoint.js';
import { OpenApiController } from './api/openapi.controller.js';
import { openApiDocument } from './api/openapi.js';
import { oauthEndpoints } from './api/oauth/endpoints.js';
import { revocationEndpoints } from './api/oauth/revocation-endpoints.js';
import { RenameController } from './api/openfga/rename.controller.js';
import { StoresController } from './api/openfga/stores.controller.js';
import { TuplesController } from './api/openfga/tuples.controller.js';
import { ENGINE, IDENTITY, METRICS, OPENAPI, READINESS, SIGNING } from './api/tokens.js';
import type { Clock } from './clock.js';
import { graphMemoryBytes } from './config.js';
import type { Config } from './config.js';
import { createDelegation } from './delegation/delegation.js';
import type { Delegation } from './delegation/delegation.js';
import { createSigningKeys } from './delegation/signing-keys.js';
import type { SigningKeys } from './delegation/signing-keys.js';
import { systemTimers } from './identity/timers.js';
import { keySetEvents } from './telemetry/key-sets.js';
import { createIdentity } from './identity/identity.js';
import type { Identity } from './identity/identity.js';
import type { RandomBytes } from './identity/key-text.js';
import { RateLimits, limitsOf } from './identity/rate-limits.js';
import { ulidFactory } from './ids.js';
import type { StoreId } from './ids.js';
import type { Engine } from './operations/engine.js';
import { Plans } from './operations/plans.js';
import { Sweeper } from './operations/sweeper.js';
import { Replicas } from './replica/replicas.js';
import type { Database } from './storage/database.js';
import { WriteQueue } from './storage/write-queue.js';
import { writeTuples } from './storage/write-tuples.js';
import { configuredDecisionLog } from './telemetry/decision-log/configured.js';
import type { DecisionLog } from './telemetry/decision-log/decision-log.js';
import { observeDecisionLog } from './telemetry/decision-log/figures.js';
import type { Logger } from './telemetry/log.js';
import { Metrics } from './telemetry/metrics.js';
import { observePermits } from './telemetry/permits.js';
import { signingKeyEvents } from './telemetry/signing-keys.js';

export interface Parts {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Logger;
  readonly database: Database;
  /** Where several processes serve: 1, 2, 3 … */
  readonly workerNumber?: number | undefined;
}

/** What runs in the background or is asked from outside the controllers. */
export interface Assembly extends Parts {
  readonly engine: Engine;
  readonly identity: Identity;
  readonly signing: SigningKeys;
  readonly replicas: Replicas;
  readonly sweeper: Sweeper;
  readonly metrics: Metrics;
  readonly rateLimits: RateLimits;
  readonly readiness: Readiness;
  readonly decisionLog: DecisionLog | undefined;
  readonly delegation: Delegation;
}

export function createEngine({ config, clock, log, database }: Parts): Engine {
  const replicas = new Replicas(database, clock, {
    pollIntervalMs: config.pollIntervalMs,
    memoryBytes: graphMemoryBytes(config),
    onError: (what, error) => {
      log.warn({ err: error }, `${what} failed`);
    },
  });
  return {
    config,
    clock,
    newId: ulidFactory(() => clock.now()),
    database,
    replicas,
    plans: new Plans(database),
    writes: new WriteQueue(
      (storeId, requests) => writeTuples(database, storeId, requests, new Date(clock.now())),
      config.maxQueuedWrites,
    ),
  };
}

/** `systemStore` is where the rights are; without one, callers are not authenticated. */
export function assemble(parts: Parts, engine: Engine, systemStore: StoreId | undefined): Assembly {
  const { config, clock, log, database } = parts;
  const { replicas } = engine;
  const metrics = new Metrics();
  metrics.observe(database, replicas, clock);
  const decisionLog = configuredDecisionLog({
    config,
    clock,
    log,
    random: Math.random,
    fetch,
    workerNumber: parts.workerNumber,
  });
  if (decisionLog !== undefined) observeDecisionLog(metrics.registry, decisionLog);
  const rateLimits = new RateLimits(limitsOf(config), clock);
  const identity = createIdentity({
    engine,
    systemStore,
    random: parts.random,
    timers: systemTimers,
    fetch,
    events: keySetEvents(log),
    limits: rateLimits,
    onAlone: (error) => {
      log.warn({ err: error }, 'no other process knows of a credential that counts once');
    },
  });
  const signing = createSigningKeys({
    ...parts,
    systemStore,
    timers: systemTimers,
    events: signingKeyEvents(log),
  });
  const delegation: Delegation = createDelegation({
    engine,
    identity,
    signer: signing,
    timers: systemTimers,
    onError: (what, error) => {
      log.warn({ err: error }, `${what} failed`);
    },
    onRevoked: (count) => {
      countRevoked(count);
    },
  });
  const countRevoked = observePermits(metrics.registry, () => delegation.livePermits.count);
  const { tokens, assertions } = identity;
  metrics.watchIssuers(
    () => new Map([...(tokens?.keySetStates() ?? []), ...assertions.keySetStates()]),
  );
  return {
    ...parts,
    engine,
    identity,
    signing,
    replicas,
    sweeper: new Sweeper(engine, (error) => {
      log.warn({ err: error }, 'sweeping failed');
    }),
    metrics,
    rateLimits,
    readiness: new Readiness(database, replicas, config.readyStalenessMs),
    decisionLog,
    delegation,
  };
}

@Module({})
export class AppModule {
  static of({ engine, identity, signing, metrics, readiness }: Assembly): DynamicModule {
    return {
      module: AppModule,
      controllers: [
        StoresController,
        ModelsController,
        AttachmentsController,
        AttributesController,
        TuplesController,
        RenameController,
        OpenApiController,
        HealthController,
        AuditController,
        DelegationsController,
        CallerController,
        KeysController,
        SigningKeysController,
        JwksController,
        GrantsController,
      ],
      providers: [
        { provide: ENGINE, useValue: engine },
        { provide: IDENTITY, useValue: identity },
        { provide: SIGNING, useValue: signing },
        {
          provide: OPENAPI,
          useValue: openApiDocument(
            [
              ...openFgaEndpoints(engine.config),
              ...adminEndpoints(),
              ...authzenEndpoints(engine.config),
              ...oauthEndpoints,
              ...revocationEndpoints,
              jwksEndpoint,
              ...edgeEndpoints(engine.config),
            ],
            openFgaComponents,
          ),
        },
        { provide: METRICS, useValue: metrics },
        { provide: READINESS, useValue: readiness },
      ],
    };
  }
}
