/**
 * gRPC on a port of its own. The connections are accepted here and handed to the library, so that
 * they are limited as HTTP's are, and shared by workers as HTTP's port is.
 */
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { Server, ServerCredentials, ServerInterceptingCall, status } from '@grpc/grpc-js';
import type { ServerInterceptor, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import type { Config } from '../../../config.js';
import { authorize } from './authorization.js';
import type { AuthorizationParts } from './authorization.js';
import { AUTHORIZATION, HEALTH, loadServices } from './wire.js';
import type { CheckRequest, CheckResponse } from './wire.js';

export interface GrpcParts extends AuthorizationParts {
  readonly config: Pick<
    Config,
    'host' | 'maxBodyBytes' | 'maxConnections' | 'maxInFlight' | 'requestTimeoutMs'
  >;
  readonly isReady: () => Promise<boolean>;
  readonly onDropped: () => void;
}

export interface GrpcServer {
  readonly port: number;
  /** Stops accepting, and resolves when what is in flight has been answered. */
  close(): Promise<void>;
}

export const CHECK_PATH = `/${AUTHORIZATION}/Check`;

/** Envoy keeps its connections for an hour without a call, and makes new ones for the asking. */
const MAX_IDLE_MS = 600_000;

/** Rejects with the system's error where the port is not to be had. */
export async function serveGrpc(parts: GrpcParts, port: number): Promise<GrpcServer> {
  const { config } = parts;
  const grpc = new Server({
    'grpc.max_receive_message_length': config.maxBodyBytes,
    'grpc.max_concurrent_streams': config.maxInFlight,
    'grpc.max_connection_idle_ms': MAX_IDLE_MS,
    interceptors: [arrivingWithin(config.requestTimeoutMs)],
  });
  const { authorization, health } = loadServices();
  grpc.addService(authorization, {
    Check: (
      call: ServerUnaryCall<CheckRequest, CheckResponse>,
      send: sendUnaryData<CheckResponse>,
    ) => {
      void authorize(parts, call, send);
    },
  });
  grpc.addService(health, { Check: healthCheck(parts) });
  const connections = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  const listener = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)));
    connections.injectConnection(socket);
  });
  listener.maxConnections = config.maxConnections;
  listener.on('drop', parts.onDropped);
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(port, config.host, resolve);
  });
  return {
    port: (listener.address() as AddressInfo).port,
    async close() {
      const closed = new Promise((resolve) => listener.close(resolve));
      grpc.tryShutdown(() => undefined);
      const cut = (all: boolean): void => {
        for (const socket of sockets) if (all || socket.bytesRead === 0) socket.destroy();
      };
      // Who has said nothing yet has no call to wait for; who says half a word is not waited for.
      cut(false);
      const timer = setTimeout(cut, config.requestTimeoutMs, true);
      await closed;
      clearTimeout(timer);
    },
  };
}

/** A call whose message never comes would be open for ever: its deadline is for the client to set. */
const arrivingWithin =
  (timeoutMs: number): ServerInterceptor =>
  (_method, call) => {
    const timer = setTimeout(() => {
      call.sendStatus({
        code: status.DEADLINE_EXCEEDED,
        details: 'the call did not arrive in time',
      });
    }, timeoutMs);
    const arrived = (): void => {
      clearTimeout(timer);
    };
    return new ServerInterceptingCall(call, {
      start(next) {
        next({
          onReceiveHalfClose(goOn) {
            arrived();
            goOn();
          },
          onCancel: arrived,
        });
      },
      sendStatus(sent, next) {
        arrived();
        next(sent);
      },
    });
  };

interface HealthRequest {
  readonly service?: string;
}

interface HealthResponse {
  readonly status: 'SERVING' | 'NOT_SERVING';
}

/** For orchestrators, as `/readyz` is: of all that is here, or of one service by its name. */
const healthCheck =
  ({ isReady }: Pick<GrpcParts, 'isReady'>) =>
  (
    { request: { service = '' } }: ServerUnaryCall<HealthRequest, HealthResponse>,
    send: sendUnaryData<HealthResponse>,
  ): void => {
    if (!['', AUTHORIZATION, HEALTH].includes(service)) {
      send({ code: status.NOT_FOUND, details: 'no such service' });
      return;
    }
    void isReady().then((ready) => {
      send(null, { status: ready ? 'SERVING' : 'NOT_SERVING' });
    });
  };
