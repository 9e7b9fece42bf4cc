/** Between a client and a server: of three requests one is lost, on its way there or back. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export class UnreliableProxy {
  /** Requests or answers. */
  lost = 0;
  /** Requests that reached the server. */
  passed = 0;
  readonly #target: string;
  readonly #server = createServer((request, response) => void this.#pass(request, response));
  #state: number;

  private constructor(target: string, seed: number) {
    this.#target = target;
    this.#state = seed;
  }

  static async start(target: string, seed: number): Promise<UnreliableProxy> {
    const proxy = new UnreliableProxy(target, seed);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fate = this.#next() % 6;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (fate === 0) {
      this.#lose(response);
      return;
    }
    this.passed++;
    const { authorization = '', 'pemba-consistency-token': token = '' } = request.headers;
    const answered = await fetch(this.#target + String(request.url), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization,
        'pemba-consistency-token': String(token),
      },
      body: Buffer.concat(chunks).toString(),
    });
    const text = await answered.text();
    if (fate === 1) {
      this.#lose(response);
      return;
    }
    const kept = ['content-type', 'pemba-consistency-token', 'x-request-id'];
    const headers = kept.map((name) => [name, answered.headers.get(name) ?? ''] as const);
    response.writeHead(answered.status, Object.fromEntries(headers)).end(text);
  }

  #lose(response: ServerResponse): void {
    this.lost++;
    response.socket?.destroy();
  }

  /** Of a linear congruence; its upper bits are random enough to lose requests by. */
  #next(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#state >>> 8;
  }
}
