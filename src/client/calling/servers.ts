/** Which of several servers a request goes to. */

export interface Server {
  readonly url: string;
}

/** A server that failed is left alone for so long, unless all have failed. */
const COOLDOWN_MS = 5000;

/** In the order of preference: the first one that has not failed lately. */
export class Servers {
  readonly #servers: readonly (Server & { failedAt: number })[];

  constructor(urls: readonly string[]) {
    this.#servers = urls.map((url) => ({ url, failedAt: -Infinity }));
  }

  get count(): number {
    return this.#servers.length;
  }

  pick(now: number): Server {
    return this.#servers.find(isLive(now)) ?? this.#leastRecentlyFailed();
  }

  /** Whether there is one to turn to when this one fails. */
  hasOther(server: Server, now: number): boolean {
    return this.#servers.some((other) => other !== server && isLive(now)(other));
  }

  failed(server: Server, now: number): void {
    for (const one of this.#servers) if (one === server) one.failedAt = now;
  }

  answered(server: Server): void {
    this.failed(server, -Infinity);
  }

  #leastRecentlyFailed(): Server {
    return this.#servers.reduce((best, one) => (one.failedAt < best.failedAt ? one : best));
  }
}

const isLive =
  (now: number) =>
  ({ failedAt }: { readonly failedAt: number }): boolean =>
    now - failedAt >= COOLDOWN_MS;
