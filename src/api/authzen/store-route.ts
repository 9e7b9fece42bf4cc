/**
 * Each path is there twice: below a store, and at the root for the one store that PEMBA_AUTHZEN_STORE
 * names. To a client they are different decision points.
 */
import { publicUrlOf } from '../../config.js';
import type { Config } from '../../config.js';
import type { StoreId } from '../../ids.js';

/** Where it is served, and for which store, unless the path says so. */
export interface Mount {
  readonly prefix: string;
  readonly storeId?: StoreId;
}

export function mountsOf({ authzenStore }: Config): readonly Mount[] {
  const perStore = { prefix: '/stores/:storeId' };
  return authzenStore === ''
    ? [perStore]
    : [perStore, { prefix: '', storeId: authzenStore as StoreId }];
}

/** The identity of a decision point, below which its paths are. */
export const decisionPointOf = (config: Config, { storeId }: Mount, asked: StoreId): string =>
  storeId === undefined ? `${publicUrlOf(config)}/stores/${asked}` : publicUrlOf(config);

export const PATHS = {
  evaluation: '/access/v1/evaluation',
  evaluations: '/access/v1/evaluations',
  searchSubject: '/access/v1/search/subject',
  searchResource: '/access/v1/search/resource',
  searchAction: '/access/v1/search/action',
} as const;
