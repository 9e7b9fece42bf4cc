/** HTTP round the assembly: Fastify with its parsers and hooks, the query routes, then Nest. */
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { installBodyParsers } from './api/json-body.js';
import {
  OpenFgaErrorFilter,
  answerClientError,
  answerError,
} from './api/openfga/error-handling.js';
import { registerImport } from './api/openfga/import-route.js';
import { registerQueryRoutes } from './api/openfga/query-routes.js';
import { requestSchemas } from './api/openfga/request-schemas.js';
import { RouteTable } from './api/openfga/route-table.js';
import { AJV_OPTIONS } from './api/schema-problem.js';
import { installYamlParser } from './api/yaml-body.js';
import { AppModule } from './app.module.js';
import type { Assembly } from './app.module.js';
import { PembaError } from './errors.js';
import { observeRequests, requestIdFactory } from './telemetry/requests.js';

export interface Server {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Stops accepting, and resolves when what is in flight has been answered. */
  close(): Promise<void>;
}

/** Beyond any id, for the id's own message; what is longer is refused by the router. */
const MAX_PATH_PARAMETER_LENGTH = 256;

/** How late a request that did not arrive in time is noticed; Node's 30 s outlast its timeout. */
const MAX_CHECKING_INTERVAL_MS = 1000;

export async function serve(assembly: Assembly): Promise<Server> {
  const { config, log, engine, metrics, subjectTokens } = assembly;
  const routes = new RouteTable();
  const adapter = new FastifyAdapter({
    ajv: { customOptions: { ...AJV_OPTIONS, strict: false } },
    bodyLimit: config.maxBodyBytes,
    requestTimeout: config.requestTimeoutMs,
    http: {
      // Node holds the head to the shorter of the two and the whole to the longer.
      headersTimeout: config.requestTimeoutMs,
      connectionsCheckingInterval: Math.min(config.requestTimeoutMs, MAX_CHECKING_INTERVAL_MS),
    },
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply): void => {
      void answerError(log, routes, error, request, reply);
    },
    clientErrorHandler: answerClientError,
    routerOptions: { maxParamLength: MAX_PATH_PARAMETER_LENGTH },
    genReqId: requestIdFactory(assembly.clock),
    requestIdHeader: false,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    exposeHeadRoutes: false,
  });
  // Nest types its instance looser than Fastify does.
  const instance: FastifyInstance = adapter.getInstance<FastifyInstance>();
  routes.collect(instance);
  observeRequests(instance, log, metrics);
  installBodyParsers(instance, config);
  installYamlParser(instance);
  const withErrors = (register: (plugin: FastifyInstance) => void): void => {
    void instance.register((plugin, _options, done) => {
      plugin.setErrorHandler((error, request, reply) =>
        answerError(log, routes, error, request, reply),
      );
      register(plugin);
      done();
    });
  };
  withErrors((plugin) => {
    registerQueryRoutes(plugin, {
      engine,
      schemas: requestSchemas(config),
      ...(subjectTokens && { subjectTokens }),
      onDecision: (api, decision) => {
        metrics.decision(api, decision);
      },
    });
  });
  withErrors((plugin) => {
    registerImport(plugin, engine);
  });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.of(assembly), adapter, {
    logger: false,
    abortOnError: false,
    bodyParser: false,
  });
  app.useGlobalFilters(new OpenFgaErrorFilter(log, routes));
  try {
    await app.listen(config.port, config.host);
  } catch (error) {
    await app.close().catch(() => undefined);
    throw cannotListen(error, config.host, config.port);
  }
  return {
    url: urlOf(instance, config.host),
    close: () => app.close(),
  };
}

function urlOf(instance: FastifyInstance, host: string): string {
  const address = instance.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const name = host === '0.0.0.0' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}`;
}

function cannotListen(error: unknown, host: string, port: number): PembaError {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `Port ${port} on ${host} is in use: stop what uses it, or set PORT to another one.`,
    EACCES: `Port ${port} may not be opened by this user: set PORT to one above 1023.`,
    EADDRNOTAVAIL: `HOST ${host} is not an address of this machine.`,
    ENOTFOUND: `HOST ${host} is not an address of this machine.`,
  };
  const sentence = typeof code === 'string' ? reasons[code] : undefined;
  return new PembaError('cannot_start', sentence ?? `Cannot listen on ${host}:${port}.`, {
    cause: error,
  });
}
