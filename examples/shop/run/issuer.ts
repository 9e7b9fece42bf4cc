/**
 * Who issues tokens, as a small server: `/accounts` for customers, after a login that asks for no
 * password, and `/platform` for services. The latter are handed out as a kubelet does it: into a
 * folder for each service, a file for each audience that its pod asks for.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import type { CryptoKey, JWK, JWTHeaderParameters, JWTPayload } from 'jose';
import { setting } from '../platform.js';

/** As `serviceAccountToken` volumes of the pods would say it. */
const AUDIENCES: Readonly<Record<string, readonly string[]>> = {
  setup: ['pemba'],
  web: ['pemba', 'orders'],
  orders: ['pemba', 'inventory', 'billing'],
  inventory: ['pemba'],
  billing: ['pemba'],
};
const NAMESPACE = 'shop';
const CUSTOMER_TOKEN_SECONDS = 300;
const PLATFORM_TOKEN_SECONDS = 600;
const RENEW_MS = 240_000;

const port = setting('PORT');
const url = `http://127.0.0.1:${port}`;

class Issuer {
  readonly name: string;
  readonly #key: CryptoKey;
  readonly #algorithm: string;
  readonly #jwk: JWK;

  private constructor(name: string, algorithm: string, key: CryptoKey, jwk: JWK) {
    this.name = name;
    this.#algorithm = algorithm;
    this.#key = key;
    this.#jwk = jwk;
  }

  static async make(name: string, algorithm: 'EdDSA' | 'ES256'): Promise<Issuer> {
    const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid: name, alg: algorithm, use: 'sig' };
    return new Issuer(name, algorithm, privateKey, jwk);
  }

  get keys(): object {
    return { keys: [this.#jwk] };
  }

  sign(claims: JWTPayload, seconds: number, typ?: string): Promise<string> {
    const header: JWTHeaderParameters = { alg: this.#algorithm, kid: this.name };
    return new SignJWT(claims)
      .setProtectedHeader(typ === undefined ? header : { ...header, typ })
      .setIssuer(`${url}/${this.name}`)
      .setJti(crypto.randomUUID())
      .setIssuedAt()
      .setNotBefore('0s')
      .setExpirationTime(`${seconds}s`)
      .sign(this.#key);
  }
}

const accounts = await Issuer.make('accounts', 'ES256');
const platform = await Issuer.make('platform', 'EdDSA');

async function handOutPlatformTokens(): Promise<void> {
  for (const [name, audiences] of Object.entries(AUDIENCES)) {
    const folder = join(setting('ALL_PLATFORM_TOKENS'), name);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const audience of audiences) {
      const claims = {
        sub: `system:serviceaccount:${NAMESPACE}:${name}`,
        aud: [audience],
        'kubernetes.io': { namespace: NAMESPACE, serviceaccount: { name } },
      };
      const file = join(folder, audience);
      writeFileSync(`${file}.new`, await platform.sign(claims, PLATFORM_TOKEN_SECONDS), {
        mode: 0o600,
      });
      renameSync(`${file}.new`, file); // whole, or not at all
    }
  }
}

/** An access token after RFC 9068, for whoever claims to be somebody. */
async function logIn(request: IncomingMessage): Promise<object> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const user = new URLSearchParams(Buffer.concat(chunks).toString()).get('user') ?? 'nobody';
  const claims = { sub: user, aud: 'shop-web', client_id: 'shop-web' };
  return { access_token: await accounts.sign(claims, CUSTOMER_TOKEN_SECONDS, 'at+jwt') };
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const answers: Readonly<Record<string, () => object | Promise<object>>> = {
    'GET /accounts/keys': () => accounts.keys,
    'GET /platform/keys': () => platform.keys,
    'POST /accounts/login': () => logIn(request),
  };
  const found = answers[`${request.method ?? ''} ${request.url ?? ''}`];
  response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
  response.end(JSON.stringify(found ? await found() : {}));
}

await handOutPlatformTokens();
setInterval(() => void handOutPlatformTokens(), RENEW_MS);
createServer((request, response) => void answer(request, response)).listen(+port, '127.0.0.1');
