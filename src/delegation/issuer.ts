/**
 * As which issuer a store's tokens are signed: the deployment's own address for the one store that
 * PEMBA_PERMITS_STORE names, an address below it for every other. Whether there is such a store does
 * not matter here.
 */
import { publicUrlOf } from '../config.js';
import type { Config } from '../config.js';
import { isUlid } from '../ids.js';
import type { StoreId } from '../ids.js';

export function issuerOf(config: Config, storeId: StoreId): string {
  const root = publicUrlOf(config);
  return storeId === config.permitsStore ? root : `${root}/stores/${storeId}`;
}

/** The audience of a store's Transaction Tokens. */
export const trustDomainOf = (config: Config, storeId: StoreId): string =>
  config.trustDomain === '' ? issuerOf(config, storeId) : config.trustDomain;

/** Undefined for what is no issuer of ours, exactly. */
export function storeOfIssuer(config: Config, issuer: string): StoreId | undefined {
  const root = publicUrlOf(config);
  if (issuer === root) return permitsStoreOf(config);
  const prefix = `${root}/stores/`;
  if (!issuer.startsWith(prefix)) return undefined;
  const id = issuer.slice(prefix.length);
  return isUlid(id) && id !== config.permitsStore ? (id as StoreId) : undefined;
}

/** The store that the endpoints at the root serve. */
export const permitsStoreOf = ({ permitsStore }: Config): StoreId | undefined =>
  permitsStore === '' ? undefined : (permitsStore as StoreId);
