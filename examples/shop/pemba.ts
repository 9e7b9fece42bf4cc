/** How a service of the shop knows Pemba: the same for each but for its name. */
import type { PembaModuleOptions } from 'pemba/nest';
import { callersOf, platformToken, setting } from './platform.js';

/** From the schema: a permission that is misspelt in a decorator does not compile. */
declare module 'pemba/nest' {
  interface PermissionSchema {
    order: 'can_view' | 'can_place' | 'can_cancel';
    item: 'can_view' | 'can_reserve' | 'can_write_off';
    invoice: 'can_view' | 'can_charge' | 'can_refund';
  }
}

export function pembaOptions(service: string): PembaModuleOptions {
  const url = setting('PEMBA_URL');
  const storeId = setting('PEMBA_STORE');
  const token = (): Promise<string> => platformToken('pemba');
  return {
    client: { urls: [url], storeId, token },
    // Permits are verified here, without asking: keys and revocations come in the background.
    verifier: {
      issuer: `${url}/stores/${storeId}`,
      service: `service:${service}`,
      revocations: 'stream',
      authorization: async () => `Bearer ${await token()}`,
    },
    // A permit counts only from whom it was issued to.
    peer: callersOf(service),
  };
}
