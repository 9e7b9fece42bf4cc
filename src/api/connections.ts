/**
 * What a connection may do. A request that does not arrive in time is cut by Node's own timeouts
 * (`server.ts`), whether its head or its body drips. Here: how many there are, and that an answer
 * which nobody reads does not keep its connection.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

export interface ConnectionLimits {
  readonly maxConnections: number;
  /** For a piece of an answer to be taken. */
  readonly timeoutMs: number;
  readonly onDropped: () => void;
}

export function limitConnections(server: Server, limits: ConnectionLimits): void {
  server.maxConnections = limits.maxConnections;
  server.on('drop', limits.onDropped);
  // Of the bytes of a head there is a limit; a header beyond a number would be dropped in silence.
  server.maxHeadersCount = 0;
  server.setTimeout(limits.timeoutMs, (socket) => {
    if (socket.writableLength > 0 || !isAnswering(socket)) socket.destroy();
  });
}

/**
 * Silent because an answer is being worked on, which has limits of its own. Node tells it by no
 * other name; were this one to go, waiting writes would be cut, and a test fails.
 */
const isAnswering = (socket: Socket): boolean => {
  const message: unknown = Reflect.get(socket, '_httpMessage');
  return message !== undefined && message !== null;
};
