/** A shop whose requests gateways ask about: users' tokens, a route table, and who may read what. */
import { JWKS_PATH, TestIssuer, answer as answerWith } from '../../support/issuer.js';
import type { Claims } from '../../support/issuer.js';
import { writeIssuersFile } from '../../support/issuers-file.js';
import type { IssuersFile } from '../../support/issuers-file.js';
import { startPemba } from '../../support/pemba.js';
import type { Pemba } from '../../support/pemba.js';
import { Store, expectStatus } from '../stores.js';
import { exchange, head } from '../hostile/raw-http.js';
import type { WireAnswer } from '../attacks/wire.js';
import { answerOf } from '../attacks/wire.js';

const MODEL = `model
  schema 1.1
type user
type service
  relations
    define acting_for: [user]
type scope
  relations
    define client: [user]
type tenant
  relations
    define member: [user]
type order
  relations
    define reader: [user]
    define writer: [user]
    define in_hours: [user with open]
    define nearby: [user with here]
    define as_asked: [user with asked]
condition here(client_address: ipaddress, networks: list<string>) {
  networks.exists(network, client_address.in_cidr(network))
}
condition asked(request_method: string, request_path: string, request_host: string) {
  request_method + ' ' + request_host + request_path == 'GET shop.example/asked/a b'
}
condition open(hour: int) {
  hour > 8
}
`;

export const TABLE = {
  routes: [
    { path: '/health', methods: ['GET'], public: true, cache: '10s' },
    { path: '/orders/{order}', methods: ['GET'], require: 'order:{path.order}#reader' },
    { path: '/orders/{order}', methods: ['DELETE'], require: 'order:{path.order}#writer' },
    {
      path: '/orders',
      methods: ['GET'],
      require: 'scope:orders.read#client',
      cache: '5s',
    },
    {
      path: '/both/{order}',
      methods: ['GET'],
      require: ['scope:orders.read#client', 'order:{path.order}#reader'],
    },
    {
      path: '/bought/{order}',
      methods: ['POST'],
      require: 'order:{path.order}#reader',
      transaction: { scope: 'orders.read', requester: 'service:gateway' },
    },
    { path: '/posts', methods: ['GET', 'POST'], require: 'order:1#reader' },
    { path: '/hours', methods: ['GET'], require: 'order:1#in_hours' },
    { path: '/here', methods: ['GET'], require: 'order:1#nearby', cache: '5s' },
    { path: '/asked/{rest*}', methods: ['GET', 'POST'], require: 'order:1#as_asked', cache: '5s' },
    { path: '/mine', methods: ['GET'], require: 'tenant:{claims.org}#member' },
    {
      path: '/host',
      methods: ['GET'],
      host: '{tenant}.shop.example',
      require: 'tenant:{host.tenant}#member',
    },
  ],
};

/** The token's scopes count as relations of their own. */
const MAPPING = {
  tuples: [{ each: 'scope', split: ' ', tuple: 'scope:{value}#client@{subject}' }],
};

const TUPLES = [
  'order:1#reader@user:corp/anne',
  'order:a%20b#reader@user:corp/anne',
  'order:b%3Ac#reader@user:corp/anne',
  'order:käse#reader@user:corp/anne',
  'tenant:acme#member@user:corp/anne',
];

export interface Asking {
  readonly method?: string;
  /** Of the store's own path, such as `edge/nginx`. */
  readonly path?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string;
}

export class EdgeWorld {
  readonly issuer: TestIssuer;
  readonly pemba: Pemba;
  readonly store: Store;
  /** What another process needs to know the same issuer. */
  readonly settings: Readonly<Record<string, string>>;
  readonly #file: IssuersFile;

  private constructor(issuer: TestIssuer, file: IssuersFile, pemba: Pemba, store: Store) {
    this.issuer = issuer;
    this.#file = file;
    this.settings = { PEMBA_ISSUERS_FILE: file.path };
    this.pemba = pemba;
    this.store = store;
  }

  static async start(
    settings: Readonly<Record<string, string>> = {},
    { withoutKeys = false }: { readonly withoutKeys?: boolean } = {},
  ): Promise<EdgeWorld> {
    const issuer = await TestIssuer.start();
    if (withoutKeys) issuer.lie(JWKS_PATH, answerWith('', 500));
    const file = writeIssuersFile([issuer.settings('corp')]);
    const pemba = await startPemba({ PEMBA_ISSUERS_FILE: file.path, ...settings });
    const store = await Store.with(pemba, MODEL, TUPLES);
    const anne = { user: 'user:corp/anne', object: 'order:1' };
    const networks = ['127.0.0.0/8', '192.0.2.0/24', '2001:db8::/32'];
    await store.written([
      { ...anne, relation: 'nearby', condition: { name: 'here', context: { networks } } },
      { ...anne, relation: 'as_asked', condition: { name: 'asked', context: {} } },
    ]);
    expectStatus(await pemba.call('PUT', `${store.path}/claims-mapping`, MAPPING), 201);
    expectStatus(await pemba.call('PUT', `${store.path}/route-table`, TABLE), 201);
    return new EdgeWorld(issuer, file, pemba, store);
  }

  async stop(): Promise<void> {
    await this.pemba.stop();
    await this.issuer.stop();
    this.#file.remove();
  }

  /** Anne's, unless told otherwise; meant for the shop. */
  token(claims: Claims = {}): Promise<string> {
    return this.issuer.accessToken({ aud: 'shop-api', ...claims });
  }

  /** To the byte; headers as they stand. */
  async ask({
    method = 'GET',
    path = 'edge/nginx',
    headers = [],
    body,
  }: Asking): Promise<WireAnswer> {
    const lines = [
      'connection: close',
      ...(body === undefined ? [] : [`content-length: ${Buffer.byteLength(body)}`]),
      ...headers.map(([name, value]) => `${name}: ${value}`),
    ];
    const line = `${method} ${this.store.path}/${path}`;
    const { text } = await exchange(this.pemba.url, head(line, lines) + (body ?? ''), 10_000);
    return answerOf(text);
  }

  /** As nginx asks. */
  async nginx(
    method: string,
    uri: string,
    more: readonly (readonly [string, string])[] = [],
  ): Promise<WireAnswer> {
    return this.ask({ headers: [...original(method, uri), ...more] });
  }
}

export const original = (
  method: string,
  uri: string,
  host = 'shop.example',
): readonly (readonly [string, string])[] => [
  ['X-Original-Method', method],
  ['X-Original-URI', uri],
  ['X-Original-Host', host],
];

export const forwarded = (
  method: string,
  uri: string,
  host = 'shop.example',
): readonly (readonly [string, string])[] => [
  ['X-Forwarded-Method', method],
  ['X-Forwarded-Uri', uri],
  ['X-Forwarded-Host', host],
];

export const bearerOf = (token: string): readonly [string, string] => [
  'Authorization',
  `Bearer ${token}`,
];
