/** Issuers and stores: of every store one issuer, of every issuer one store. */
import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../src/config.js';
import { issuerOf, storeOfIssuer } from '../../src/delegation/issuer.js';
import type { StoreId } from '../../src/ids.js';

const STORE = '01ARZ3NDEKTSV4RRFFQ69G5FAV' as StoreId;
const OTHER = '01BX5ZZKBKACTAV9WEVGEMMVRZ' as StoreId;
const ROOT = 'https://pemba.shop/auth';

describe('the issuer of a store', () => {
  const config = loadConfig({ PEMBA_PUBLIC_URL: ROOT, PEMBA_PERMITS_STORE: STORE });

  it('is the deployment for one, and below it for the others', () => {
    expect(issuerOf(config, STORE)).toBe(ROOT);
    expect(issuerOf(config, OTHER)).toBe(`${ROOT}/stores/${OTHER}`);
  });

  it('leads back to it', () => {
    for (const store of [STORE, OTHER]) {
      expect(storeOfIssuer(config, issuerOf(config, store))).toBe(store);
    }
  });

  it.each([
    `${ROOT}/`,
    `${ROOT}/stores/${STORE}`,
    `${ROOT}/stores/${OTHER}/`,
    `${ROOT}/stores/${OTHER.toLowerCase()}`,
    `${ROOT}/stores/x`,
    `https://evil.shop/stores/${OTHER}`,
    `${ROOT}x/stores/${OTHER}`,
    '',
  ])('is not %s', (issuer) => {
    expect(storeOfIssuer(config, issuer)).toBeUndefined();
  });

  it('is below the deployment for all where no store is named', () => {
    const plain = loadConfig({ PORT: '9000' });
    expect(issuerOf(plain, STORE)).toBe(`http://127.0.0.1:9000/stores/${STORE}`);
    expect(storeOfIssuer(plain, 'http://127.0.0.1:9000')).toBeUndefined();
  });
});
