/**
 * A live issuer of tokens: a server on a free port with metadata, a key set and a token endpoint, that
 * signs, rotates its keys, hangs, lies and goes away. Keys are made once a process; making RSA keys takes long.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import type { CryptoKey, JWK, JWTHeaderParameters } from 'jose';
import type { JsonObject } from '../../src/tuple/tuple.js';

export interface SigningKey {
  readonly id: string;
  readonly algorithm: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

/** Undefined leaves a member out that would be there by default. */
export type Claims = Readonly<Record<string, JsonObject[string] | undefined>>;

export interface SignOptions {
  readonly key?: SigningKey;
  /** Members of the header beside or instead of `alg`, `kid` and `typ`. */
  readonly header?: Claims;
}

/** What a path answers instead of the truth. */
export type Lie = (response: ServerResponse, request: IncomingMessage) => void;

export const JWKS_PATH = '/keys';
export const OPENID_PATH = '/.well-known/openid-configuration';
export const TOKEN_PATH = '/oauth/token';
export const OAUTH_PATH = '/.well-known/oauth-authorization-server';

/** Of the tokens that clients get for their secrets. */
const CLIENT_TOKEN_S = 3600;

/** `status` and a body, which is made JSON unless it is a string. */
export function answer(body: unknown, status = 200, headers: Record<string, string> = {}): Lie {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return (response) => response.writeHead(status, headers).end(text);
}

export async function makeKey(id: string, algorithm = 'ES256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  const publicJwk = { ...(await exportJWK(publicKey)), kid: id, alg: algorithm, use: 'sig' };
  return { id, algorithm, privateKey, publicJwk };
}

export class TestIssuer {
  readonly #now: () => number;
  readonly #requests: string[] = [];
  readonly #lies = new Map<string, Lie>();
  /** Secrets of clients, by their ids. */
  readonly #clients = new Map<string, string>();
  #server: Server | undefined;
  #port = 0;
  #published: SigningKey[];
  #signing: SigningKey;
  #made = 1;

  private constructor(now: () => number, key: SigningKey) {
    this.#now = now;
    this.#signing = key;
    this.#published = [key];
  }

  /** `now` is in milliseconds since 1970: the times in its tokens go by it. */
  static async start(now: () => number = Date.now): Promise<TestIssuer> {
    const issuer = new TestIssuer(now, await makeKey('key-1'));
    await issuer.#listen();
    return issuer;
  }

  /** What it calls itself in `iss`. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get jwksUrl(): string {
    return `${this.url}${JWKS_PATH}`;
  }

  get key(): SigningKey {
    return this.#signing;
  }

  get published(): readonly SigningKey[] {
    return this.#published;
  }

  /** How often its keys were asked for. */
  get fetches(): number {
    return this.#requests.filter((path) => path === JWKS_PATH).length;
  }

  get requests(): readonly string[] {
    return this.#requests;
  }

  jwks(): { readonly keys: readonly JWK[] } {
    return { keys: this.#published.map(({ publicJwk }) => publicJwk) };
  }

  /** A token with exactly these claims. */
  async sign(
    claims: Claims,
    { key = this.#signing, header = {} }: SignOptions = {},
  ): Promise<string> {
    const all = { alg: key.algorithm, kid: key.id, typ: 'at+jwt', ...header };
    return new SignJWT(present(claims))
      .setProtectedHeader(present(all) as JWTHeaderParameters)
      .sign(key.privateKey);
  }

  /** Its entry of a file of issuers. Callers' audience is `pemba`, subjects' is `shop-api`. */
  settings(name: string, overrides: object = {}): object {
    return {
      name,
      issuer: this.url,
      keys: { jwks_url: this.jwksUrl },
      callers: { audience: ['pemba'] },
      subjects: { audience: ['shop-api'], type: 'user', prefix: `${name}/` },
      ...overrides,
    };
  }

  /** The claims of an access token after RFC 9068, good for five minutes. */
  claims(overrides: Claims = {}): Claims {
    const iat = Math.floor(this.#now() / 1000);
    return {
      iss: this.url,
      aud: 'pemba',
      sub: 'anne',
      client_id: 'web',
      jti: `jti-${this.#made++}`,
      iat,
      exp: iat + 300,
      ...overrides,
    };
  }

  accessToken(overrides: Claims = {}, options: SignOptions = {}): Promise<string> {
    return this.sign(this.claims(overrides), options);
  }

  /** Gives the client tokens for its secret, by the client credentials grant. */
  admitClient(id: string, secret: string): void {
    this.#clients.set(id, secret);
  }

  /** Publishes one more key. */
  async publish(key?: SigningKey): Promise<SigningKey> {
    const added = key ?? (await makeKey(`key-${this.#made++}`));
    this.#published = [...this.#published, added];
    return added;
  }

  /** Signs with a new key from now on; the old ones stay in the set. */
  async rotate(): Promise<SigningKey> {
    this.#signing = await this.publish();
    return this.#signing;
  }

  /** Takes all keys from the set but the one that signs. */
  retireOldKeys(): void {
    this.#published = [this.#signing];
  }

  /** From now on this path answers so, until `tellTruth`. */
  lie(path: string, lie: Lie): void {
    this.#lies.set(path, lie);
  }

  /** Takes requests for its keys and never answers. */
  hang(): void {
    this.lie(JWKS_PATH, () => undefined);
  }

  tellTruth(): void {
    this.#lies.clear();
  }

  /** Nobody listens at its port any more. */
  async disappear(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  async comeBack(): Promise<void> {
    if (this.#server === undefined) await this.#listen();
  }

  stop(): Promise<void> {
    return this.disappear();
  }

  async #listen(): Promise<void> {
    const server = createServer({ keepAliveTimeout: 1 }, (request, response) => {
      this.#respond(request, response);
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  #respond(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '';
    this.#requests.push(path);
    response.setHeader('connection', 'close');
    const lie = this.#lies.get(path) ?? this.#truth(path);
    lie(response, request);
  }

  #truth(path: string): Lie {
    if (path === JWKS_PATH) return answer(this.jwks());
    if (path === OPENID_PATH) return answer({ issuer: this.url, jwks_uri: this.jwksUrl });
    if (path === TOKEN_PATH) {
      return (response, request) => {
        void this.#issueTo(request).then((tell) => {
          tell(response, request);
        });
      };
    }
    return answer('', 404);
  }

  async #issueTo(request: IncomingMessage): Promise<Lie> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    if (form.get('grant_type') !== 'client_credentials') {
      return answer({ error: 'unsupported_grant_type' }, 400, JSON_TYPE);
    }
    const id = form.get('client_id') ?? '';
    if (!this.#clients.has(id) || this.#clients.get(id) !== form.get('client_secret')) {
      return answer({ error: 'invalid_client' }, 401, JSON_TYPE);
    }
    const exp = Math.floor(this.#now() / 1000) + CLIENT_TOKEN_S;
    const claims = { sub: id, client_id: id, aud: form.get('audience') ?? '', exp };
    const token = await this.accessToken(claims);
    const body = { access_token: token, token_type: 'Bearer', expires_in: CLIENT_TOKEN_S };
    return answer(body, 200, JSON_TYPE);
  }
}

const JSON_TYPE = { 'content-type': 'application/json' };

const present = (members: Claims): JsonObject =>
  Object.fromEntries(
    Object.entries(members).filter(
      (entry): entry is [string, JsonObject[string]] => entry[1] !== undefined,
    ),
  );
