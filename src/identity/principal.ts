/**
 * Who is calling. Its name is a subject of the system store, where the rights are: names of keys, of
 * an issuer's users and of its services are of different types, and those of an issuer begin with
 * the issuer's configured name. So nobody can be taken for somebody of another issuer.
 */
import type { Subject } from '../tuple/tuple.js';

/** Stands for the issuer in the names of registered clients, such as `service:clients/orders`. */
export const CLIENTS = 'clients';

export type Principal =
  /** Authentication is off: whoever reaches the port. */
  | { readonly kind: 'anyone' }
  | { readonly kind: 'key'; readonly keyId: string; readonly label: string }
  | {
      readonly kind: 'user' | 'service';
      /** The configured name of the issuer. */
      readonly issuer: string;
      /** Of the user, or of the service's client; see `tuple/claim-id.ts`. */
      readonly id: string;
      readonly clientId: string | undefined;
    };

export type KnownPrincipal = Exclude<Principal, { readonly kind: 'anyone' }>;

export function principalSubject(principal: KnownPrincipal): Subject & { readonly kind: 'object' } {
  const id = principal.kind === 'key' ? principal.keyId : `${principal.issuer}/${principal.id}`;
  return { kind: 'object', type: principal.kind, id };
}

/** For logs and the audit: `key:01J…`, `user:corp/anne`, `service:corp/orders`, `anyone`. */
export function principalName(principal: Principal): string {
  if (principal.kind === 'anyone') return 'anyone';
  const { type, id } = principalSubject(principal);
  return `${type}:${id}`;
}
