/** HTTP round the assembly: Fastify with its parsers and hooks, the query routes, then Nest. */
import { setFlagsFromString } from 'node:v8';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { directEvaluations } from './api/authzen/direct-evaluation.js';
import { registerAuthzen } from './api/authzen/routes.js';
import { callerOf, installGate } from './api/gate.js';
import { limitConnections } from './api/connections.js';
import type { RecordDecisions } from './api/decision.js';
import { answerDirectly } from './api/direct.js';
import type { DirectParts, DirectRoute } from './api/direct.js';
import { installBodyParsers } from './api/json-body.js';
import {
  OpenFgaErrorFilter,
  answerClientError,
  answerError,
} from './api/openfga/error-handling.js';
import { directCheck } from './api/openfga/direct-check.js';
import { directDelegatedCheck } from './api/openfga/direct-delegated-check.js';
import { registerDelegatedChecks } from './api/openfga/delegated-check-routes.js';
import { registerExports } from './api/openfga/export-routes.js';
import { registerImport } from './api/openfga/import-route.js';
import { registerQueryRoutes } from './api/openfga/query-routes.js';
import { requestSchemas } from './api/openfga/request-schemas.js';
import { registerRestore } from './api/openfga/restore-route.js';
import { RouteTable } from './api/openfga/route-table.js';
import { admitAllMethods, registerEdgeRoutes, routedAddress } from './api/edge/edge-routes.js';
import type { EdgeParts } from './api/edge/answer.js';
import type { GrpcParts, GrpcServer } from './api/edge/grpc/server.js';
import { transactionIssuer } from './api/edge/transaction.js';
import { registerMetadata } from './api/oauth/metadata.js';
import { refuseOtherMethods } from './api/oauth/methods.js';
import { registerRevocations, registerRevoking } from './api/oauth/revocation-routes.js';
import { registerTokenRoutes } from './api/oauth/token-routes.js';
import type { TokenRouteParts } from './api/oauth/token-routes.js';
import { AJV_OPTIONS } from './api/schema-problem.js';
import { shedOverload } from './api/shedding.js';
import type { Overload } from './api/shedding.js';
import { installYamlParser } from './api/yaml-body.js';
import { AppModule } from './app.module.js';
import type { Assembly } from './app.module.js';
import type { Config } from './config.js';
import { PembaError } from './errors.js';
import type { StoreId } from './ids.js';
import { registerImpact } from './api/openfga/impact-route.js';
import { ExportSlots } from './operations/export.js';
import { edgeObserver } from './telemetry/edge.js';
import { exchangeObserver } from './telemetry/exchanges.js';
import { recorderOf } from './telemetry/recorder.js';
import {
  REQUEST_ID_HEADER,
  callObserver,
  directObserver,
  observeRequests,
  requestIdFactory,
} from './telemetry/requests.js';

export interface Server {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Where Envoy asks in gRPC, if anywhere. */
  readonly grpcPort: number | undefined;
  /** Stops accepting, and resolves when what is in flight has been answered. */
  close(): Promise<void>;
}

/** Beyond any id, for the id's own message; what is longer is refused by the router. */
const MAX_PATH_PARAMETER_LENGTH = 256;

/** How late a request that did not arrive in time is noticed; Node's 30 s outlast its timeout. */
const MAX_CHECKING_INTERVAL_MS = 1000;

/**
 * V8 counts what survives and allocates the like of it among the old from then on. Requests that wait
 * for a store to be loaded survive, and after them every request would be garbage that only a full
 * collection finds: measured, a third of the throughput, and pauses of 5 ms in place of half a one.
 */
const NO_PRETENURING = '--no-allocation-site-pretenuring';

type RequestIds = ReturnType<typeof requestIdFactory>;

export async function serve(assembly: Assembly): Promise<Server> {
  setFlagsFromString(NO_PRETENURING);
  const { config, log } = assembly;
  const routes = new RouteTable();
  const newRequestId = requestIdFactory(assembly.clock);
  const adapter = adapterOf(assembly, routes, newRequestId);
  // Nest types its instance looser than Fastify does.
  const instance: FastifyInstance = adapter.getInstance<FastifyInstance>();
  routes.collect(instance);
  observeRequests(instance, log, assembly.metrics);
  const overload = limitCallers(instance, assembly);
  const gate = installGate(instance, {
    ...assembly.identity,
    limits: assembly.rateLimits,
    onLimited: (pool) => {
      assembly.metrics.rateLimited(pool);
    },
  });
  refuseOtherMethods(instance);
  admitAllMethods(instance);
  installBodyParsers(instance, config);
  installYamlParser(instance, config);
  if (assembly.decisionLog === undefined && !assembly.rateLimits.isLimited('queries')) {
    answerQuestions(instance, assembly, {
      newRequestId,
      admitted: (request, storeId) =>
        overload.isNow() ? undefined : gate.admitted(request, 'store:query', storeId),
    });
  }
  registerRoutes(instance, assembly, routes);
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.of(assembly), adapter, {
    logger: false,
    abortOnError: false,
    bodyParser: false,
  });
  app.useGlobalFilters(new OpenFgaErrorFilter(log, routes));
  let grpc: GrpcServer | undefined;
  try {
    await app
      .listen(config.port, config.host)
      .catch(cannotListen(config.host, config.port, 'PORT'));
    grpc = await listenForEnvoy(assembly, { overload, door: gate.door, newRequestId });
  } catch (error) {
    await app.close().catch(() => undefined);
    throw error;
  }
  return {
    url: urlOf(instance, config.host),
    grpcPort: grpc?.port,
    close: async () => {
      await Promise.all([grpc?.close(), app.close()]);
    },
  };
}

async function listenForEnvoy(
  assembly: Assembly,
  parts: Pick<GrpcParts, 'overload' | 'door' | 'newRequestId'>,
): Promise<GrpcServer | undefined> {
  const { config, log, metrics, readiness } = assembly;
  if (config.edgeGrpcPort === '') return undefined;
  const port = Number(config.edgeGrpcPort);
  // Takes a tenth of a second to be loaded.
  const { CHECK_PATH, serveGrpc } = await import('./api/edge/grpc/server.js');
  const server = await serveGrpc(
    {
      ...edgePartsOf(assembly),
      ...parts,
      config,
      clock: assembly.clock,
      onAnswer: callObserver(log, metrics, { method: 'POST', route: CHECK_PATH }),
      isReady: async () => (await readiness.reasonsAgainst()).length === 0,
      onDropped: () => {
        metrics.shed('connections');
      },
    },
    port,
  ).catch(cannotListen(config.host, port, 'PEMBA_EDGE_GRPC_PORT'));
  log.info({ port: server.port }, 'Envoy can ask in gRPC');
  return server;
}

/** Before anything looks at who asks. */
function limitCallers(instance: FastifyInstance, assembly: Assembly): Overload {
  const { config, metrics } = assembly;
  limitConnections(instance.server, {
    maxConnections: config.maxConnections,
    // Longer than for a request, whose own timeout can still answer.
    timeoutMs: config.requestTimeoutMs + 2 * checkingIntervalMs(config),
    onDropped: () => {
      metrics.shed('connections');
    },
  });
  return shedOverload(instance, assembly);
}

const checkingIntervalMs = ({ requestTimeoutMs }: Config): number =>
  Math.min(requestTimeoutMs, MAX_CHECKING_INTERVAL_MS);
function adapterOf(
  { config, log }: Assembly,
  routes: RouteTable,
  newRequestId: RequestIds,
): FastifyAdapter {
  return new FastifyAdapter({
    ajv: { customOptions: { ...AJV_OPTIONS, strict: false } },
    bodyLimit: config.maxBodyBytes,
    requestTimeout: config.requestTimeoutMs,
    http: {
      // Node holds the head to the shorter of the two and the whole to the longer.
      headersTimeout: config.requestTimeoutMs,
      connectionsCheckingInterval: checkingIntervalMs(config),
      maxHeaderSize: config.maxHeaderBytes,
    },
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply): void => {
      void answerError(log, routes, error, request, reply);
    },
    clientErrorHandler: answerClientError,
    routerOptions: { maxParamLength: MAX_PATH_PARAMETER_LENGTH },
    genReqId: newRequestId,
    requestIdHeader: false,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    exposeHeadRoutes: false,
    rewriteUrl: ({ url = '/' }) => routedAddress(url),
  });
}

/**
 * Only what needs no word of anybody else: where each decision is logged, or counted against a
 * limit, questions take the way of all requests.
 */
function answerQuestions(
  instance: FastifyInstance,
  { config, log, engine, metrics, identity }: Assembly,
  parts: Pick<DirectParts, 'newRequestId' | 'admitted'>,
): void {
  const observed = (
    api: 'check' | 'delegated-check' | 'evaluation',
    direct: Pick<DirectRoute, 'path' | 'storeId' | 'answer'>,
  ): DirectRoute => {
    const prefix = direct.storeId === undefined ? '/stores/:storeId' : '';
    const route = `${prefix}${direct.path}`;
    return {
      ...direct,
      onDecision: (decision) => {
        metrics.decision(api, decision);
      },
      onAnswer: directObserver(log, metrics, { method: 'POST', route, status: 200 }),
    };
  };
  answerDirectly(instance, {
    ...parts,
    engine,
    requestIdHeader: REQUEST_ID_HEADER,
    routes: [
      observed('check', directCheck(engine, requestSchemas(config).check)),
      observed('delegated-check', directDelegatedCheck(engine, identity.acting)),
      ...directEvaluations(engine).map((route) => observed('evaluation', route)),
    ],
  });
}

/** Those that are not Nest's. */
function registerRoutes(instance: FastifyInstance, assembly: Assembly, routes: RouteTable): void {
  const { config, log, engine } = assembly;
  const { subjectTokens } = assembly.identity;
  const withErrors = (register: (plugin: FastifyInstance) => void): void => {
    void instance.register((plugin, _options, done) => {
      plugin.setErrorHandler((error, request, reply) =>
        answerError(log, routes, error, request, reply),
      );
      register(plugin);
      done();
    });
  };
  const record = recordOf(assembly);
  withErrors((plugin) => {
    registerQueryRoutes(plugin, {
      engine,
      schemas: requestSchemas(config),
      ...(subjectTokens && { subjectTokens }),
      record,
    });
    registerDelegatedChecks(plugin, { engine, identity: assembly.identity, record });
  });
  withErrors((plugin) => {
    registerImport(plugin, engine, log);
    const slots = new ExportSlots(config.maxSnapshots);
    registerExports(plugin, { engine, log, slots });
    registerRestore(plugin, { engine, identity: assembly.identity, slots });
    const impacts = new ExportSlots(1, 'impact is being found out');
    registerImpact(plugin, { engine, log, slots: impacts });
  });
  withErrors((plugin) => {
    const { revocations } = assembly.delegation;
    const rootStore = config.permitsStore;
    registerRevocations(plugin, { revocations, identity: assembly.identity, rootStore });
    registerRevoking(plugin, { revocations, engine });
    registerMetadata(plugin, { config, methods: assembly.identity.clients.supported() });
  });
  void instance.register((plugin, _options, done) => {
    const { identity, signing } = assembly;
    registerAuthzen(plugin, { config, log, engine, identity, signer: signing, record });
    done();
  });
  void instance.register((plugin, _options, done) => {
    registerTokenRoutes(plugin, tokenRouteParts(assembly));
    done();
  });
  void instance.register((plugin, _options, done) => {
    registerEdgeRoutes(plugin, edgePartsOf(assembly));
    done();
  });
}

const edgePartsOf = (assembly: Assembly): EdgeParts => {
  const { config, engine, identity, signing, log, metrics } = assembly;
  return {
    engine,
    subjectTokens: identity.subjectTokens,
    rootStore: config.edgeStore === '' ? undefined : (config.edgeStore as StoreId),
    record: recordOf(assembly),
    issueTransaction: transactionIssuer({ engine, signer: signing, acting: identity.acting }),
    observer: edgeObserver(log, metrics),
  };
};

const recordOf = (assembly: Assembly): RecordDecisions =>
  recorderOf(assembly, (request) => callerOf(request).name);

const tokenRouteParts = (assembly: Assembly): TokenRouteParts => ({
  config: assembly.config,
  clients: assembly.identity.clients,
  exchange: assembly.delegation.exchange,
  record: recordOf(assembly),
  limits: assembly.rateLimits,
  observer: exchangeObserver(assembly.log, assembly.metrics),
  onLimited: (pool) => {
    assembly.metrics.rateLimited(pool);
  },
});

function urlOf(instance: FastifyInstance, host: string): string {
  const address = instance.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const name = host === '0.0.0.0' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}`;
}

const cannotListen =
  (host: string, port: number, variable: string) =>
  (error: unknown): never => {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
    const reasons: Readonly<Record<string, string>> = {
      EADDRINUSE: `Port ${port} on ${host} is in use: stop what uses it, or set ${variable} to another one.`,
      EACCES: `Port ${port} may not be opened by this user: set ${variable} to one above 1023.`,
      EADDRNOTAVAIL: `HOST ${host} is not an address of this machine.`,
      ENOTFOUND: `HOST ${host} is not an address of this machine.`,
    };
    const sentence = typeof code === 'string' ? reasons[code] : undefined;
    throw new PembaError('cannot_start', sentence ?? `Cannot listen on ${host}:${port}.`, {
      cause: error,
    });
  };
