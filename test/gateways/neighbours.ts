/** What a gateway stands between: the service behind it, and a wire to Pemba that can be cut. */
import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** A request as the service behind the gateway got it. */
export interface Arrived {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

export class Service {
  readonly arrived: Arrived[] = [];
  readonly #server = createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers, rawHeaders } = request;
      const body = Buffer.concat(chunks).toString();
      this.arrived.push({ method, url, headers, rawHeaders, body });
      response.end('served');
    });
  });

  static async start(): Promise<Service> {
    const service = new Service();
    await new Promise<void>((resolve) => service.#server.listen(0, '127.0.0.1', resolve));
    return service;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Passes bytes on to a port; or takes them and says nothing; or nobody listens. */
export class Wire {
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  readonly #port: number;
  #server: Server;
  #hangs = false;

  private constructor(target: number, server: Server, port: number) {
    this.#target = target;
    this.#server = server;
    this.#port = port;
    this.#serve(server);
  }

  static async to(target: number): Promise<Wire> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Wire(target, server, (server.address() as AddressInfo).port);
  }

  get port(): number {
    return this.#port;
  }

  hang(): void {
    this.#hangs = true;
    this.#drop();
  }

  async cut(): Promise<void> {
    this.#drop();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async mend(): Promise<void> {
    this.#hangs = false;
    this.#drop();
    if (this.#server.listening) return;
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#serve(server);
    this.#server = server;
  }

  async stop(): Promise<void> {
    if (this.#server.listening) await this.cut();
  }

  #drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(server: Server): void {
    server.on('connection', (socket) => {
      this.#keep(socket);
      if (this.#hangs) {
        socket.resume();
        return;
      }
      const onward = this.#keep(connect(this.#target, '127.0.0.1'));
      socket.pipe(onward).pipe(socket);
      socket.on('close', () => onward.destroy());
      onward.on('close', () => socket.destroy());
    });
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    return socket;
  }
}
