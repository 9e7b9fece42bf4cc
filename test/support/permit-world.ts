/**
 * A store in which services act for users, with all that gets permits: an issuer of users' tokens,
 * keys of services, and verifiers of the services that take permits. As in `schema/shop`, made small.
 */
import { Verifier } from '../../src/client/verifier.js';
import type { VerifierOptions } from '../../src/client/verifier.js';
import { TestIssuer } from './issuer.js';
import type { Claims } from './issuer.js';
import { writeIssuersFile } from './issuers-file.js';
import type { IssuersFile } from './issuers-file.js';
import { startPemba } from './pemba.js';
import type { Answer, Pemba, TestStore } from './pemba.js';

export const PUBLIC_URL = 'https://pemba.test';
export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type';

const MODEL = `model
  schema 1.1
type user
type service
  relations
    define acting_for: [user]
type scope
  relations
    define actor: [service]
    define through: [service, service:*] or actor
type shop
  relations
    define blocked: [user]
type order
  relations
    define shop: [shop]
    define customer: [user]
    define can_place: customer but not blocked from shop
type item
  relations
    define order: [order]
    define ordering_service: [service]
    define staff: [user]
    define can_reserve: staff or (can_place from order and acting_for from ordering_service)
    define can_write_off: staff
    define can_price: [user with within_limit]
    define can_audit: [user:* with is_auditor]
condition within_limit(amount: int, limit: int) {
  amount <= limit
}
condition is_auditor(subject_audits: string, resource_kind: string) {
  subject_audits == resource_kind
}
`;

const SETTINGS = {
  lifetime: '60s',
  audiences: { web: ['shop-web'] },
  relations: { 'item#can_write_off': { online_only: true } },
};

const TUPLES = [
  'order:1#shop@shop:tea',
  'order:1#customer@user:anne',
  'item:9#order@order:1',
  'item:9#ordering_service@service:orders',
  'item:8#ordering_service@service:orders',
  'item:9#staff@user:root',
  'item:8#staff@user:root',
  'scope:order.can_place#actor@service:web',
  'scope:item.can_reserve#actor@service:orders',
  'scope:item.can_reserve#through@service:web',
  'scope:item.can_write_off#actor@service:orders',
  'scope:item.can_price#actor@service:web',
  'scope:item.can_audit#actor@service:web',
];

export const tupleOf = (text: string): { user: string; relation: string; object: string } => {
  const [object = '', rest = ''] = text.split('#');
  const [relation = '', ...user] = rest.split('@');
  return { object, relation, user: user.join('@') };
};

export interface Exchanged {
  readonly status: number;
  readonly headers: Headers;
  /** The body. */
  readonly json: Readonly<Record<string, unknown>>;
  /** `access_token`, of an exchange that succeeded. */
  readonly token: string;
}

export interface Ask {
  /** Another process, where it is not the world's first. */
  readonly at?: Pemba;
  /** As which service; its key is sent. */
  readonly as?: string;
  readonly token: string;
  readonly audience?: string;
  /** `can_reserve item:9`, or the parameter as it stands. */
  readonly details?: readonly string[] | string;
  readonly context?: object;
  readonly form?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
}

type Settings = Readonly<Record<string, string>>;

export class PermitWorld {
  readonly issuer: TestIssuer;
  readonly pemba: Pemba;
  readonly store: TestStore;
  readonly #file: IssuersFile;
  readonly #settings: Settings;
  readonly #keys = new Map<string, string>();
  readonly #verifiers: Verifier[] = [];
  readonly #others: Pemba[] = [];

  private constructor(
    issuer: TestIssuer,
    pemba: Pemba,
    store: TestStore,
    made: { readonly file: IssuersFile; readonly settings: Settings },
  ) {
    this.issuer = issuer;
    this.#file = made.file;
    this.#settings = made.settings;
    this.pemba = pemba;
    this.store = store;
  }

  static async start(
    more: Settings = {},
    beside?: Parameters<typeof startPemba>[1],
  ): Promise<PermitWorld> {
    // Tokens are made when the server is there, by its clock.
    let now: () => number = Date.now;
    const issuer = await TestIssuer.start(() => now());
    const subjects = {
      audience: ['shop-web', 'orders', 'inventory', 'billing', 'nobody'],
      type: 'user',
      prefix: '',
    };
    const file = writeIssuersFile([issuer.settings('corp', { subjects })]);
    const settings = {
      PEMBA_AUTHENTICATION: 'keys,jwt',
      PEMBA_ISSUERS_FILE: file.path,
      PEMBA_PUBLIC_URL: PUBLIC_URL,
      PEMBA_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
      ...more,
    };
    const pemba = await startPemba(settings, beside);
    now = () => pemba.clock.now();
    const store = await pemba.storeWith(MODEL);
    const world = new PermitWorld(issuer, pemba, store, { file, settings });
    await world.#fill();
    return world;
  }

  /** As another process on the same database would be set, and has to be where it is one. */
  get settings(): Settings {
    return this.#settings;
  }

  async another(): Promise<Pemba> {
    const pemba = await startPemba(this.#settings, this.pemba);
    this.#others.push(pemba);
    return pemba;
  }

  async stop(): Promise<void> {
    for (const verifier of this.#verifiers) await verifier.stop();
    for (const pemba of this.#others) await pemba.stop();
    await this.pemba.stop();
    await this.issuer.stop();
    this.#file.remove();
  }

  get issuerUrl(): string {
    return `${PUBLIC_URL}/stores/${this.store.id}`;
  }

  /** The key of a service; `roles` beside that of acting as it. */
  async keyOf(service: string, roles: readonly object[] = []): Promise<string> {
    const known = this.#keys.get(service);
    if (known !== undefined) return known;
    const acts = { role: 'acts_as', service };
    const { json, text } = await this.pemba.call('POST', '/admin/keys', {
      name: service,
      roles: [acts, ...roles].map((role) => ({ store_id: this.store.id, ...role })),
    });
    const { key } = json as { readonly key?: string };
    if (key === undefined) throw new Error(text);
    this.#keys.set(service, key);
    return key;
  }

  /** A user's access token, as issued for `web`. */
  userToken(claims: Claims = {}): Promise<string> {
    return this.issuer.accessToken({ aud: 'shop-web', ...claims });
  }

  async exchange(ask: Ask): Promise<Exchanged> {
    const { as = 'web', token, audience = 'service:orders', details = ['can_place order:1'] } = ask;
    const form: Record<string, string | undefined> = {
      grant_type: EXCHANGE,
      subject_token: token,
      subject_token_type: `${TOKEN_TYPE}:jwt`,
      audience,
      authorization_details:
        typeof details === 'string' ? details : detailsOf(details, ask.context),
      ...ask.form,
    };
    const sent = Object.entries(form).filter((entry): entry is [string, string] => {
      return entry[1] !== undefined;
    });
    const { url } = ask.at ?? this.pemba;
    const response = await fetch(`${url}${this.store.path}/oauth/token`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await this.keyOf(as)}`, ...ask.headers },
      body: new URLSearchParams(sent),
    });
    const text = await response.text();
    const json = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const { access_token: access } = json;
    const { status, headers } = response;
    return { status, headers, json, token: typeof access === 'string' ? access : '' };
  }

  /** The permit that `web` gets for its user; throws when there is none. */
  async permitForOrders(claims: Claims = {}): Promise<string> {
    return granted(await this.exchange({ token: await this.userToken(claims) }));
  }

  /** The permit that `orders` gets for one from `web`. */
  async permitForInventory(from?: string): Promise<string> {
    return granted(await this.exchange(await this.reserving(from)));
  }

  async reserving(from?: string): Promise<Ask> {
    return {
      as: 'orders',
      token: from ?? (await this.permitForOrders()),
      audience: 'service:inventory',
      details: ['can_reserve item:9'],
    };
  }

  /** Of a service that takes permits, with this Pemba's keys and revocations. */
  async verifier(service: string, more: Partial<VerifierOptions> = {}): Promise<Verifier> {
    const here: typeof fetch = (input, init) => {
      const url = input instanceof Request ? input.url : input.toString();
      return fetch(url.replace(PUBLIC_URL, this.pemba.url), init);
    };
    const verifier = new Verifier({
      issuer: this.issuerUrl,
      service: `service:${service}`,
      authorization: async () => `Bearer ${await this.keyOf(service)}`,
      clock: this.pemba.clock,
      fetch: here,
      ...more,
    });
    this.#verifiers.push(verifier);
    await verifier.start();
    return verifier;
  }

  write(...texts: readonly string[]): Promise<Answer> {
    const tuple_keys = texts.map(tupleOf);
    return this.pemba.call('POST', `${this.store.path}/write`, { writes: { tuple_keys } });
  }

  delete(...texts: readonly string[]): Promise<Answer> {
    const tuple_keys = texts.map(tupleOf);
    return this.pemba.call('POST', `${this.store.path}/write`, { deletes: { tuple_keys } });
  }

  async #fill(): Promise<void> {
    const answers = [
      await this.pemba.call('PUT', `${this.store.path}/delegation-settings`, SETTINGS),
      await this.write(...TUPLES),
      await this.pemba.call('POST', `${this.store.path}/write`, {
        writes: {
          tuple_keys: [
            {
              ...tupleOf('item:9#can_price@user:anne'),
              condition: { name: 'within_limit', context: { limit: 10 } },
            },
            {
              ...tupleOf('item:9#can_audit@user:*'),
              condition: { name: 'is_auditor', context: {} },
            },
          ],
        },
      }),
    ];
    const failed = answers.find(({ status }) => status >= 300);
    if (failed !== undefined) throw new Error(failed.text);
  }
}

function detailsOf(asked: readonly string[], context: object | undefined): string {
  return JSON.stringify(
    asked.map((text) => {
      const [action = '', object = ''] = text.split(' ');
      const [type, ...id] = object.split(':');
      return {
        type: 'urn:pemba:permission',
        actions: [action],
        resource: { type, id: id.join(':') },
        ...(context && { context }),
      };
    }),
  );
}

export function granted({ status, json, token }: Exchanged): string {
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(json)}`);
  return token;
}

/** What stands in a token, unverified. */
export function claimsOf(token: string): Readonly<Record<string, unknown>> {
  const [, payload = ''] = token.split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
}
