/** What a verifier sees of Pemba: a server with keys and a feed of revocations, which signs, fails and goes away. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';
import { vectorKey } from '../vectors/permit-keys.js';
import type { VectorKey } from '../vectors/permit-keys.js';
import { claimsOf, watermark } from '../vectors/permit-vector.js';
import type { Changes, WireWatermark } from '../vectors/permit-vector.js';

const JWKS_PATH = '/.well-known/jwks.json';

type Failure = (response: ServerResponse) => void;

export const answering =
  (status: number, body = ''): Failure =>
  (response) => {
    response.writeHead(status).end(body);
  };
export const hanging: Failure = () => undefined;

export class PermitServer {
  readonly #now: () => number;
  readonly #requests: IncomingMessage[] = [];
  readonly #revocations: WireWatermark[] = [];
  readonly #streams = new Set<ServerResponse>();
  #signing: VectorKey = vectorKey('first', 'EdDSA');
  #published: readonly VectorKey[] = [this.#signing];
  #server: Server | undefined;
  #port = 0;
  #made = 0;
  /** What paths answer instead of the truth, by what they begin with. */
  readonly failures = new Map<string, Failure>();
  pageSize = 2;
  hasStreams = true;

  private constructor(now: () => number) {
    this.#now = now;
  }

  static async start(now: () => number): Promise<PermitServer> {
    const server = new PermitServer(now);
    await server.comeBack();
    return server;
  }

  get issuer(): string {
    return `http://127.0.0.1:${this.#port}/stores/01KSTORE`;
  }

  /** Requests so far, by what their path begins with. */
  asked(path: string): readonly string[] {
    return this.#requests.map(({ url = '' }) => url).filter((url) => url.startsWith(path));
  }

  get keyFetches(): number {
    return this.asked(JWKS_PATH).length;
  }

  get feedReads(): number {
    return this.asked('/stores/01KSTORE/revocations').length;
  }

  get lastHeaders(): IncomingMessage['headers'] {
    return this.#requests.at(-1)?.headers ?? {};
  }

  get streams(): number {
    return this.#streams.size;
  }

  rotate(kid: string, alg: VectorKey['alg'] = 'EdDSA'): void {
    this.#signing = vectorKey(kid, alg);
    this.#published = [...this.#published, this.#signing];
  }

  retireOldKeys(): void {
    this.#published = [this.#signing];
  }

  jwks(): { readonly keys: readonly object[] } {
    return { keys: this.#published.map(({ publicJwk, kid, alg }) => ({ ...publicJwk, kid, alg })) };
  }

  /** Signed by jose. */
  permit(changes: Changes = {}, type = 'permit+jwt', kid = this.#signing.kid): Promise<string> {
    const iat = Math.floor(this.#now() / 1000);
    const times = { iat, nbf: iat, exp: iat + 60, jti: `jti-${++this.#made}` };
    const claims = claimsOf({ iss: this.issuer, ...times, ...changes });
    return new SignJWT({ ...claims })
      .setProtectedHeader({ alg: this.#signing.alg, kid, typ: type })
      .sign(this.#signing.privateKey);
  }

  /** In the feed, and in streams at once. */
  revoke(kind: WireWatermark['kind'], value: string, changes: Partial<WireWatermark> = {}): void {
    const now = Math.floor(this.#now() / 1000);
    const id = this.#revocations.length + 1;
    const added = watermark(kind, value, { id, not_before: now, expires: now + 300, ...changes });
    this.#revocations.push(added);
    for (const stream of this.#streams) stream.write(eventOf(added));
  }

  heartbeat(): void {
    for (const stream of this.#streams) stream.write(': still here\n\n');
  }

  endStreams(): void {
    for (const stream of this.#streams) stream.end();
    this.#streams.clear();
  }

  async disappear(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    this.#streams.clear();
    await new Promise((resolve) => server.close(resolve));
  }

  async comeBack(): Promise<void> {
    const server = createServer({ keepAliveTimeout: 1 }, (request, response) => {
      this.#requests.push(request);
      this.#answer(request, response);
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = request.url ?? '';
    response.setHeader('connection', 'close');
    for (const [path, fail] of this.failures) {
      if (url.startsWith(path)) {
        fail(response);
        return;
      }
    }
    if (url === JWKS_PATH) response.end(JSON.stringify(this.jwks()));
    else if (request.headers.accept === 'text/event-stream') {
      if (this.hasStreams) this.#stream(url, response);
      else answering(406)(response);
    } else this.#page(url, response);
  }

  #page(url: string, response: ServerResponse): void {
    const after = afterOf(url);
    const revocations = this.#revocations.slice(after, after + this.pageSize);
    response.end(JSON.stringify({ revocations, cursor: `c${after + revocations.length}` }));
  }

  #stream(url: string, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    for (const revocation of this.#revocations.slice(afterOf(url))) {
      response.write(eventOf(revocation));
    }
    this.#streams.add(response);
    response.once('close', () => this.#streams.delete(response));
  }
}

/** Cursors are `c` and a number here. */
const afterOf = (url: string): number =>
  Number(new URL(url, 'http://x').searchParams.get('after')?.slice(1) ?? 0);

const eventOf = (revocation: WireWatermark): string =>
  `id: c${revocation.id}\nevent: revocation\ndata: ${JSON.stringify(revocation)}\n\n`;
