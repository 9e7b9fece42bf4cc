import type { FastifyInstance } from 'fastify';

/** The paths that are served, by any method: to tell a wrong method from a wrong path. */
export class RouteTable {
  readonly #patterns: RegExp[] = [];

  collect(instance: FastifyInstance): void {
    instance.addHook('onRoute', ({ url }) => {
      const pattern = url.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : escape(part)));
      this.#patterns.push(new RegExp(`^${pattern.join('/')}$`));
    });
  }

  isKnown(url: string): boolean {
    const [path = ''] = url.split('?');
    return this.#patterns.some((pattern) => pattern.test(path));
  }
}

const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
