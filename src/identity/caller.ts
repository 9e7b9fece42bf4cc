/** A principal with what is remembered of it between requests. */
import type { StoreId } from '../ids.js';
import { principalName } from './principal.js';
import type { Principal } from './principal.js';

export interface Caller {
  /** Of the principal, for logs and limits. */
  readonly name: string;
  readonly principal: Principal;
  /** Roles that came with the token, as ids of the system store's type `role`: `corp/operators`. */
  readonly roles: readonly string[];
  /** What `Rights` found out; see there. */
  readonly remembered: Map<string, Remembered>;
}

export interface Remembered {
  readonly revision: number;
  /** Milliseconds since 1970. */
  readonly until: number;
  readonly verdict: Verdict;
}

export type Verdict =
  | { readonly kind: 'allowed' }
  /** Only tuples of relations that these modules define. */
  | { readonly kind: 'modules'; readonly modules: ReadonlySet<string> }
  /** The caller may know of the store, but not do this. */
  | { readonly kind: 'forbidden' }
  /** As far as the caller is told, there is no such store. */
  | { readonly kind: 'hidden' };

export const callerOf = (principal: Principal, roles: readonly string[] = []): Caller => ({
  name: principalName(principal),
  principal,
  roles,
  remembered: new Map(),
});

export const ANYONE: Caller = callerOf({ kind: 'anyone' });

/** Who may do what: what an endpoint declares that it needs. */
export type DeploymentRight = 'deployment:admin' | 'deployment:create' | 'deployment:observe';
export type StoreRight =
  | 'store:see'
  | 'store:query'
  | 'store:read'
  | 'store:write'
  | 'store:model'
  | 'store:administer'
  | 'store:assert_actor'
  | 'store:delete';
/** `public`: anybody. `authenticated`: any caller; the endpoint itself looks at what it shows. */
export type Right = 'public' | 'authenticated' | DeploymentRight | StoreRight;

export const isStoreRight = (right: Right): right is StoreRight => right.startsWith('store:');

export type Visible = 'all' | readonly StoreId[];
