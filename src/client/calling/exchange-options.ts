/** How this service proves who it is at the token endpoint, and what it keeps of the answers. */

/** A CryptoKey of the runtime, whatever library declares it. */
export type SigningKey = Parameters<typeof globalThis.crypto.subtle.sign>[1];

export interface SigningKeyPair {
  readonly privateKey: SigningKey;
  readonly publicKey: SigningKey;
}

/** For `private_key_jwt` (RFC 7523): Ed25519, or ECDSA on P-256. */
export interface ClientKey {
  readonly clientId: string;
  readonly privateKey: SigningKey;
  /** Which of the client's keys it is. */
  readonly keyId?: string | undefined;
}

export interface PermitCacheOptions {
  /** A permit is used again while it is good for at least so long. Default 10. */
  readonly minValidSeconds?: number | undefined;
  /** Of the permits that are kept. Default 1000. */
  readonly maxPermits?: number | undefined;
}

export interface ExchangeOptions {
  /** In place of the client's `apiKey` or `token`; so is `clientAssertion`. */
  readonly key?: ClientKey | undefined;
  /** A JWT that says who this is, made anew for each attempt, as each serves once. */
  readonly clientAssertion?: (() => Promise<string>) | undefined;
  /** Permits are bound to this key (RFC 9449), Ed25519 or ECDSA on P-256. */
  readonly dpopKey?: SigningKeyPair | undefined;
  /** PEMBA_PUBLIC_URL of the server, where it is not the address that requests go to. */
  readonly publicUrl?: string | undefined;
  /** Default false: each exchange is a request. */
  readonly cache?: boolean | PermitCacheOptions | undefined;
}
