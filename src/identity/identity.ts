/** What belongs together in finding out who calls and what they may do. */
import { BlockList } from 'node:net';
import { authenticationMethods } from '../config.js';
import type { Config } from '../config.js';
import { PembaError } from '../errors.js';
import type { StoreId } from '../ids.js';
import type { Engine } from '../operations/engine.js';
import { Acting } from './acting.js';
import { ApiKeys } from './api-keys.js';
import { parseNetworks } from '../config/networks.js';
import { claimOnce } from '../storage/used-once.js';
import { Authenticator } from './authenticator.js';
import { ClientAssertions } from './client-assertion.js';
import { ClientAuthenticator } from './clients.js';
import { loadIssuerFile } from './issuer-file.js';
import type { IssuerFile } from './issuer-file.js';
import type { Issuer } from './issuers.js';
import type { KeySetEvents } from './key-set.js';
import type { Fetch } from './key-source.js';
import type { RandomBytes } from './key-text.js';
import { OneUse } from './one-use.js';
import type { RateLimits } from './rate-limits.js';
import { Rights } from './rights.js';
import { subjectTokens } from './subject-tokens.js';
import type { SubjectTokens } from './subject-tokens.js';
import { SystemGraph } from './system-graph.js';
import type { Timers } from './timers.js';
import { subjectOf } from './token-principal.js';
import { TokenVerifier } from './token-verifier.js';

export interface Identity {
  readonly authenticator: Authenticator;
  /** Of callers and of the users that they ask about; undefined when no issuer is configured. */
  readonly tokens: TokenVerifier | undefined;
  /** Undefined when there is no issuer of them. */
  readonly subjectTokens: SubjectTokens | undefined;
  /** Which services of a store callers are. */
  readonly acting: Acting;
  /** Of those who ask for tokens. */
  readonly clients: ClientAuthenticator;
  readonly assertions: ClientAssertions;
  /** What follows is there when callers are authenticated. */
  readonly systemStore: StoreId | undefined;
  readonly rights: Rights | undefined;
  readonly keys: ApiKeys | undefined;
}

export interface IdentityParts {
  readonly engine: Engine;
  readonly systemStore: StoreId | undefined;
  readonly random: RandomBytes;
  readonly timers: Timers;
  readonly fetch: Fetch;
  readonly events: KeySetEvents;
  readonly limits: RateLimits;
  /** Something counted once, and the other processes could not be asked. */
  readonly onAlone: (error: PembaError) => void;
}

export function createIdentity(parts: IdentityParts): Identity {
  const { engine, systemStore, random } = parts;
  const file = issuerFileOf(engine.config);
  const { issuers } = file;
  const tokens = issuers.length === 0 ? undefined : verifierOf(issuers, parts);
  const common = { tokens, subjectTokens: tokens && subjectTokensOf(tokens, issuers) };
  if (systemStore === undefined) {
    const authenticator = new Authenticator({ keys: undefined, tokens: undefined });
    const acting = new Acting(undefined, undefined);
    const clients = clientsOf(authenticator, file, parts);
    return {
      ...common,
      acting,
      ...clients,
      authenticator,
      systemStore,
      rights: undefined,
      keys: undefined,
    };
  }
  const graph = new SystemGraph(engine, systemStore);
  const keys = new ApiKeys(engine, graph, random);
  const rights = new Rights(graph);
  const methods = authenticationMethods(engine.config);
  const authenticator = new Authenticator({
    keys: methods.has('keys') ? keys : undefined,
    tokens: methods.has('jwt') ? tokens : undefined,
  });
  return {
    ...common,
    ...clientsOf(authenticator, file, parts),
    authenticator,
    systemStore,
    rights,
    acting: new Acting(rights, graph),
    keys,
  };
}

function subjectTokensOf(
  tokens: TokenVerifier,
  issuers: readonly Issuer[],
): SubjectTokens | undefined {
  if (!issuers.some(({ subjects }) => subjects !== undefined)) return undefined;
  return subjectTokens((token) => tokens.verify(token, 'subject'), subjectOf);
}

/** Registered clients count wherever callers are authenticated, by whichever method others are. */
function clientsOf(
  authenticator: Authenticator,
  { issuers, clients }: IssuerFile,
  { engine, timers, fetch, events, limits, onAlone }: IdentityParts,
): Pick<Identity, 'clients' | 'assertions'> {
  const { config, clock, database } = engine;
  const oneUse = new OneUse(
    (digest, expiresAt) => claimOnce(database, digest, expiresAt),
    () => clock.now(),
    onAlone,
  );
  const assertions = new ClientAssertions(clients, { clock, timers, fetch, events }, oneUse);
  const callers = issuers.filter((issuer) => issuer.callers !== undefined);
  const isAsked = authenticationMethods(config).has('jwt');
  return {
    assertions,
    clients: new ClientAuthenticator({
      authenticator,
      clients,
      assertions,
      issuers: new Map(isAsked ? callers.map((issuer) => [issuer.issuer, issuer]) : []),
      limits,
      oneUse,
      clock,
      maxTokenBytes: config.maxTokenBytes,
      // Its form is the configuration's business.
      trustedProxies: parseNetworks(config.trustedProxies) ?? new BlockList(),
      certificateHeader: config.clientCertificateHeader.toLowerCase(),
    }),
  };
}

function issuerFileOf(config: Config): IssuerFile {
  const file =
    config.issuersFile === undefined
      ? { issuers: [], clients: [] }
      : loadIssuerFile(config.issuersFile);
  const isAsked = authenticationMethods(config).has('jwt');
  if (isAsked && !file.issuers.some(({ callers }) => callers !== undefined)) {
    throw new PembaError(
      'cannot_start',
      'PEMBA_AUTHENTICATION names jwt, but no issuer in PEMBA_ISSUERS_FILE has callers.',
    );
  }
  return file;
}

const verifierOf = (
  issuers: readonly Issuer[],
  { engine, timers, fetch, events }: IdentityParts,
): TokenVerifier =>
  new TokenVerifier({
    issuers,
    clock: engine.clock,
    timers,
    fetch,
    events,
    maxTokenBytes: engine.config.maxTokenBytes,
    cachedTokens: engine.config.cachedTokens,
  });
