/**
 * Whoever calls in the story: Anne's browser, and somebody who has got hold of all that a service
 * has. What a service says of a refusal, it says in its log alone; it is read from there.
 */
import { PembaClient, PembaClientError } from 'pemba/client';
import type { PermissionDetail } from 'pemba/client';
import { until } from './process.js';
import type { ServiceName, Shop } from './shop.js';

export interface Call {
  readonly to: ServiceName;
  readonly path: string;
  /** `Authorization`. */
  readonly bearer?: string | undefined;
  readonly permit?: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const REFUSED = /permit refused: (\w+)/;

export class Callers {
  readonly #shop: Shop;

  constructor(shop: Shop) {
    this.#shop = shop;
  }

  /** Anne's access token, as the web shop gets it when she logs in. */
  async annesToken(): Promise<string> {
    const response = await fetch(`${this.#shop.issuer.url}/accounts/login`, {
      method: 'POST',
      body: new URLSearchParams({ user: 'anne' }),
    });
    return ((await response.json()) as { readonly access_token: string }).access_token;
  }

  async post({ to, path, bearer, permit }: Call): Promise<Answer> {
    const response = await fetch(this.#shop.service(to).url + path, {
      method: 'POST',
      headers: {
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        ...(permit !== undefined && { 'pemba-permit': permit }),
      },
    });
    return { status: response.status, body: await response.json() };
  }

  /** With what the orders service has: its platform token, and a permit if it has one. */
  reserve(item: string, permit?: string): Promise<Answer> {
    const bearer = this.#shop.platformToken('orders', 'inventory');
    return this.post({ to: 'inventory', path: `/items/${item}/reservations`, bearer, permit });
  }

  /** `401 revoked`: the answer to something refused, and the reason that the service logs. */
  async refusalOf(call: () => Promise<Answer>): Promise<string> {
    const inventory = this.#shop.service('inventory');
    const before = inventory.output.length;
    const { status } = await call();
    if (status < 400) return String(status);
    const reason = (): string | undefined => REFUSED.exec(inventory.output.slice(before))?.[1];
    await until('inventory logs why', () => reason() !== undefined);
    return `${status} ${reason() ?? ''}`;
  }

  clientOf(service: ServiceName | 'setup'): PembaClient {
    return this.clientWith(() => this.#shop.platformToken(service, 'pemba'));
  }

  clientWith(token: () => string): PembaClient {
    return new PembaClient({
      urls: [this.#shop.pemba.url],
      storeId: this.#shop.storeId,
      token: () => Promise.resolve(token()),
    });
  }

  async permitForOrders(): Promise<string> {
    const { token } = await this.clientOf('web').exchangeToken({
      subjectToken: await this.annesToken(),
      audience: 'service:orders',
      details: [detail('can_place', 'order', '1001')],
    });
    return token;
  }

  /** What the orders service gets for a permit from `web`. */
  async permitFor(
    audience: 'inventory' | 'billing',
    detailed: PermissionDetail,
    held?: string,
  ): Promise<string> {
    const { token } = await this.clientOf('orders').exchangeToken({
      subjectToken: held ?? (await this.permitForOrders()),
      subjectTokenType: 'jwt',
      audience: `service:${audience}`,
      details: [detailed],
    });
    return token;
  }
}

export const detail = (action: string, type: string, id: string): PermissionDetail => ({
  actions: [action],
  resource: { type, id },
});

export const RESERVE_TEAPOT = detail('can_reserve', 'item', 'teapot');

/** `granted`, or the code with which Pemba refused. */
export async function outcomeOf(exchange: Promise<unknown>): Promise<string> {
  try {
    await exchange;
    return 'granted';
  } catch (error) {
    if (error instanceof PembaClientError) return error.code;
    throw error;
  }
}
