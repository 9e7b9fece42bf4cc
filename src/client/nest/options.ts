/** What the module is made of. */
import type { PembaClient, PembaClientOptions } from '../client.js';
import type { Peer, Verifier, VerifierOptions } from '../verifier.js';
import type { HttpRequest } from './http-request.js';

/** `user:anne`, or the user's own token, which Pemba verifies. */
export type RequestSubject = string | { readonly subjectToken: string };

type Now<Value> = Value | Promise<Value>;

export interface PembaModuleOptions<Request = HttpRequest> {
  readonly client: PembaClientOptions | PembaClient;
  /** Needed where a handler requires permits. Started and stopped with the application. */
  readonly verifier?: VerifierOptions | Verifier | undefined;
  /**
   * Who makes the request, as it was authenticated before: by middleware or a global guard, never by
   * a header that anybody can send. Undefined: nobody known. Not needed where every check is behind a
   * permit, which says who it is about.
   */
  readonly subject?: ((request: Request) => Now<RequestSubject | undefined>) | undefined;
  /**
   * The service at the other end. Default: not known, so that only permits count that are bound to a
   * key which is proved here.
   */
  readonly peer?: ((request: Request) => Now<Peer>) | undefined;
  /** Default: what the header `Pemba-Permit` says. */
  readonly permit?: ((request: Request) => string | undefined) | undefined;
  /** Handlers of which no decorator says anything. Default `deny`. */
  readonly undecorated?: 'deny' | 'allow' | undefined;
  /**
   * How what one client has been told travels with it, so that none of its requests is answered from
   * before its own writes, whichever process takes it. Default: not at all.
   */
  readonly session?: { readonly header: string } | { readonly cookie: string } | undefined;
}

export const PEMBA_OPTIONS = Symbol('pemba/nest options');
