/** A real HTTP proxy in front of a server, which does now and then what networks and busy servers do. */
import { createServer, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** `cut`: in the middle of the answer. `pass`: the request is passed on. */
export type Mishap =
  'pass' | 'cut' | 'hang up' | { readonly status: number; readonly retryAfter?: string };

export interface FlakyProxy {
  readonly url: string;
  /** Requests that arrived. */
  readonly arrived: readonly {
    readonly path: string;
    readonly mishap: Mishap;
    readonly at: number;
  }[];
  stop(): Promise<void>;
}

/** `mishapOf` is asked for each request, numbered from 0. */
export async function startFlakyProxy(
  target: string,
  mishapOf: (index: number, path: string) => Mishap,
): Promise<FlakyProxy> {
  const arrived: FlakyProxy['arrived'][number][] = [];
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? '/';
    const mishap = mishapOf(arrived.length, path);
    arrived.push({ path, mishap, at: performance.now() });
    serve(target, mishap, incoming, outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    arrived,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function serve(
  target: string,
  mishap: Mishap,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): void {
  if (mishap === 'hang up') {
    incoming.socket.destroy();
    return;
  }
  if (typeof mishap === 'object') {
    const { status, retryAfter } = mishap;
    outgoing.writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter });
    outgoing.end('too much at once');
    incoming.resume();
    return;
  }
  const { method, headers, url } = incoming;
  const onward = request(target + (url ?? '/'), { method, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    if (mishap === 'pass') {
      answer.pipe(outgoing);
      return;
    }
    answer.once('data', (bytes: Buffer) => {
      outgoing.write(bytes.subarray(0, bytes.length >> 1), () => {
        incoming.socket.destroy();
      });
      answer.destroy();
    });
  });
  onward.on('error', () => {
    incoming.socket.destroy();
  });
  incoming.pipe(onward);
}
