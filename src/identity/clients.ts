/**
 * Who asks for tokens. A client proves it by one method: a key of Pemba's, a token of an issuer, an
 * assertion signed with its own registered key, or the certificate of its connection, which a trusted
 * proxy tells of. A certificate beside another method proves nobody, but what is issued is bound to
 * it (RFC 8705, 3), as it is to the key of a DPoP proof.
 *
 * Guessing is limited by address as at the gate: secrets and issuers' tokens are not looked at while
 * an address owes. Assertions of registered clients and certificates are: nobody guesses those, and
 * whoever shares an address with an attacker, behind one proxy, goes on getting tokens.
 */
import type { BlockList } from 'node:net';
import type { Clock } from '../clock.js';
import { isInside } from '../config/networks.js';
import { PembaError, invalidRequest } from '../errors.js';
import { formatObject, parseObject } from '../tuple/tuple.js';
import type { Authenticator } from './authenticator.js';
import { ANYONE, callerOf } from './caller.js';
import type { Caller } from './caller.js';
import type { ClientAssertions } from './client-assertion.js';
import { readCertificate } from './client-certificate.js';
import type { ClientCertificate } from './client-certificate.js';
import { credentialsOf } from './client-credentials.js';
import type { ClientCredentials, ClientParameters } from './client-credentials.js';
import type { RegisteredClient } from './client-file.js';
import { asClientRefusal, clientRefused } from './client-refusal.js';
import { readCompactToken } from './compact-token.js';
import type { UnverifiedToken } from './compact-token.js';
import type { Algorithm, KeyOwner } from './issuers.js';
import { KEY_PREFIX } from './key-text.js';
import type { OneUse } from './one-use.js';
import { provedKey } from './possession.js';
import { CLIENTS } from './principal.js';
import { addressKey } from './rate-limits.js';
import type { RateLimits } from './rate-limits.js';

export type Confirmation = { readonly jkt: string } | { readonly 'x5t#S256': string };

export interface AuthenticatedClient {
  readonly caller: Caller;
  /** The key that it has proved to hold: what is issued is bound to it. */
  readonly confirmation?: Confirmation;
  /**
   * `service:ID`, as which the client says it acts. Nothing has been proved of it: whether it may is
   * for the exchange to decide.
   */
  readonly actor?: string;
}

/** What is known of a request that asks for a token. */
export interface ClientFacts {
  /** Every value that the request has under this name, in lower case. */
  readonly header: (name: string) => readonly string[];
  /** The address at the other end of the connection. */
  readonly peer: string;
  /** As which callers know the endpoint: what a proof names. */
  readonly urls: readonly string[];
  /** What an assertion may be addressed to: the issuer as well. */
  readonly audiences: readonly string[];
  readonly parameters: ClientParameters;
}

export interface ClientParts {
  readonly authenticator: Authenticator;
  readonly clients: readonly RegisteredClient[];
  readonly assertions: ClientAssertions;
  /** Those whose tokens call Pemba, by the exact `iss`; empty where tokens are off. */
  readonly issuers: ReadonlyMap<string, KeyOwner>;
  readonly limits: Pick<RateLimits, 'look' | 'chargeFailure'>;
  readonly oneUse: OneUse;
  readonly clock: Clock;
  readonly maxTokenBytes: number;
  readonly trustedProxies: BlockList;
  /** In lower case; empty where no proxy tells of certificates. */
  readonly certificateHeader: string;
}

/** In the words of RFC 8414 and its registry. */
export interface SupportedMethods {
  readonly names: readonly string[];
  /** Of assertions. */
  readonly algorithms: readonly Algorithm[];
  readonly readsCertificates: boolean;
}

const SERVICE = 'service:';

export class ClientAuthenticator {
  readonly #parts: ClientParts;
  readonly #callers: ReadonlyMap<string, Caller>;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.#callers = new Map(
      parts.clients.map(({ id }) => [
        id,
        callerOf({ kind: 'service', issuer: CLIENTS, id, clientId: id }),
      ]),
    );
  }

  supported(): SupportedMethods {
    const { authenticator, clients, issuers, certificateHeader } = this.#parts;
    const readsCertificates = certificateHeader !== '';
    if (!authenticator.isOn) return { names: ['none'], algorithms: [], readsCertificates };
    const signers = [...clients.flatMap(({ signs }) => signs ?? []), ...issuers.values()];
    const hasTls = readsCertificates && clients.some(({ tls }) => tls !== undefined);
    return {
      names: [
        ...(authenticator.takesKeys ? ['client_secret_basic', 'client_secret_post'] : []),
        ...(signers.length > 0 ? ['private_key_jwt'] : []),
        ...(hasTls ? ['tls_client_auth'] : []),
      ],
      algorithms: [...new Set(signers.flatMap(({ algorithms }) => algorithms))].sort(),
      readsCertificates,
    };
  }

  /**
   * Rejects with `invalid_client`, whatever the reason; with `invalid_request` for two methods at
   * once; with `invalid_dpop_proof`, `too_many_requests`, `issuer_unavailable` or `unavailable`.
   */
  async authenticate(facts: ClientFacts): Promise<AuthenticatedClient> {
    const { clock, oneUse } = this.#parts;
    const address = addressKey(facts.peer);
    try {
      const certificate = this.#certificateOf(facts);
      const { credentials, clientId } = credentialsOf(
        facts.header('authorization'),
        facts.parameters,
      );
      const caller = await this.#callerOf(credentials, certificate, clientId, facts);
      const actor = actorOf(clientId, caller);
      const [proof, another] = facts.header('dpop');
      if (another !== undefined) throw invalidRequest('DPoP', 'must be given once');
      const jkt = proof && (await provedKey(proof, { urls: facts.urls, now: clock.now(), oneUse }));
      return {
        caller,
        ...(certificate && { confirmation: { 'x5t#S256': certificate.thumbprint } }),
        ...(jkt && { confirmation: { jkt } }),
        ...(actor !== undefined && { actor }),
      };
    } catch (error) {
      const refusal = asClientRefusal(error);
      if (refusal instanceof PembaError && refusal.code === 'invalid_client') {
        this.#parts.limits.chargeFailure(address);
      }
      throw refusal;
    }
  }

  /** Whoever is no trusted proxy and sends the header all the same means mischief. */
  #certificateOf({ header, peer }: ClientFacts): ClientCertificate | undefined {
    const { certificateHeader, trustedProxies, clock } = this.#parts;
    if (certificateHeader === '') return undefined;
    const [value, another] = header(certificateHeader);
    if (value === undefined) return undefined;
    if (!isInside(trustedProxies, peer)) throw clientRefused('certificate_of_a_stranger');
    if (another !== undefined) throw clientRefused('several_certificates');
    const certificate = readCertificate(value, clock.now());
    if (certificate === undefined) throw clientRefused('certificate');
    return certificate;
  }

  async #callerOf(
    credentials: ClientCredentials,
    certificate: ClientCertificate | undefined,
    clientId: string | undefined,
    facts: ClientFacts,
  ): Promise<Caller> {
    if (!this.#parts.authenticator.isOn) return ANYONE;
    switch (credentials.kind) {
      case 'none':
        if (certificate === undefined) throw clientRefused('missing');
        return this.#ofCertificate(certificate, clientId);
      case 'bearer':
        return this.#ofBearer(credentials.authorization, facts);
      case 'secret':
        if (!credentials.secret.startsWith(KEY_PREFIX)) throw clientRefused('malformed_key');
        return this.#ofBearer(`Bearer ${credentials.secret}`, facts);
      case 'assertion':
        return this.#ofAssertion(credentials.assertion, facts);
    }
  }

  #ofBearer(authorization: string, facts: ClientFacts): Caller | Promise<Caller> {
    const { authenticator } = this.#parts;
    const known = authenticator.known(authorization);
    if (known !== undefined) return known;
    this.#refuseWhoOwes(facts);
    return authenticator.authenticate(authorization);
  }

  async #ofAssertion(assertion: string, facts: ClientFacts): Promise<Caller> {
    const { assertions, issuers, maxTokenBytes } = this.#parts;
    if (assertion.length > maxTokenBytes) throw clientRefused('size');
    const token: UnverifiedToken = readCompactToken(assertion);
    const { iss } = token.claims;
    if (typeof iss === 'string' && issuers.has(iss)) {
      return this.#ofBearer(`Bearer ${assertion}`, facts);
    }
    const { id } = await assertions.verify(assertion, token, facts.audiences);
    return this.#registered(id);
  }

  /** A certificate with names of several clients is the one's that the request names. */
  #ofCertificate(certificate: ClientCertificate, clientId: string | undefined): Caller {
    const isNamed = clientId !== undefined && !clientId.startsWith(SERVICE);
    const [client, another] = this.#parts.clients.filter(
      ({ id, tls }) => tls !== undefined && certificate.isOf(tls) && (!isNamed || id === clientId),
    );
    if (client === undefined) throw clientRefused('certificate_of_nobody');
    if (another !== undefined) throw clientRefused('certificate_of_several');
    return this.#registered(client.id);
  }

  #registered(id: string): Caller {
    const caller = this.#callers.get(id);
    if (caller === undefined) throw clientRefused('client');
    return caller;
  }

  #refuseWhoOwes({ peer }: ClientFacts): void {
    const decision = this.#parts.limits.look('authentication', addressKey(peer));
    if (decision === undefined || decision.allowed) return;
    throw new PembaError('too_many_requests', 'too many requests: try again later', {
      facts: { pool: decision.pool, retry_after_s: decision.retryAfterSeconds },
    });
  }
}

/**
 * What `client_id` says beside the proof: nothing new where it is an id of the client itself; as
 * which service it acts where it is `service:ID`, or any id while nobody is authenticated.
 */
function actorOf(clientId: string | undefined, caller: Caller): string | undefined {
  if (clientId === undefined || ownIds(caller).includes(clientId)) return undefined;
  const isNamed = clientId.startsWith(SERVICE);
  if (!isNamed && caller.principal.kind !== 'anyone') throw clientRefused('client_id');
  const actor = parseObject(isNamed ? clientId : SERVICE + clientId);
  if (actor === undefined) throw invalidRequest('client_id', 'must be the id of a service');
  return formatObject(actor);
}

function ownIds({ name, principal }: Caller): readonly (string | undefined)[] {
  switch (principal.kind) {
    case 'anyone':
      return [];
    case 'key':
      return [principal.keyId, name];
    default:
      return [principal.clientId, principal.id, name];
  }
}
