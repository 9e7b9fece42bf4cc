/** Every route that a service has, with the right that it declares. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { FastifyInstance, RouteOptions } from 'fastify';
import type { Right } from '../../../src/identity/caller.js';
import type { Pemba } from '../../support/pemba.js';

export interface Route {
  readonly method: string;
  /** Such as `/stores/:storeId/check`. */
  readonly url: string;
  readonly right: Right | undefined;
}

/** Fastify announces every instance that is made: the place to hear of its routes. */
export async function routesOf(
  start: () => Promise<Pemba>,
): Promise<{ readonly pemba: Pemba; readonly routes: readonly Route[] }> {
  const routes: Route[] = [];
  const onInstance = (message: unknown): void => {
    const { fastify } = message as { readonly fastify: FastifyInstance };
    fastify.addHook('onRoute', ({ method, url, config }: RouteOptions) => {
      routes.push(...[method].flat().map((one) => ({ method: one, url, right: config?.right })));
    });
  };
  subscribe('fastify.initialization', onInstance);
  try {
    return { pemba: await start(), routes };
  } finally {
    unsubscribe('fastify.initialization', onInstance);
  }
}
