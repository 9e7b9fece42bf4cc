/** How a service of the shop knows Pemba: the same for each but for its name. */
import type { Permissions } from 'pemba/client';
import type { PembaModuleOptions } from 'pemba/nest';
import { callersOf, platformToken, setting } from './platform.js';
import type { Schema } from './schema.js';

/** A permission that is misspelt in a decorator does not compile. */
declare module 'pemba/nest' {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- it is filled by what it extends
  interface PermissionSchema extends Permissions<Schema> {}
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
