/** What belongs together in finding out who calls and what they may do. */
import { authenticationMethods } from '../config.js';
import type { Config } from '../config.js';
import { PembaError } from '../errors.js';
import type { StoreId } from '../ids.js';
import type { Engine } from '../operations/engine.js';
import { ApiKeys } from './api-keys.js';
import { Authenticator } from './authenticator.js';
import { loadIssuerFile } from './issuer-file.js';
import type { Issuer } from './issuers.js';
import type { KeySetEvents } from './key-set.js';
import type { Fetch } from './key-source.js';
import type { RandomBytes } from './key-text.js';
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
}

export function createIdentity(parts: IdentityParts): Identity {
  const { engine, systemStore, random } = parts;
  const issuers = issuersOf(engine.config);
  const tokens = issuers.length === 0 ? undefined : verifierOf(issuers, parts);
  const common = { tokens, subjectTokens: tokens && subjectTokensOf(tokens, issuers) };
  if (systemStore === undefined) {
    const authenticator = new Authenticator({ keys: undefined, tokens: undefined });
    return { ...common, authenticator, systemStore, rights: undefined, keys: undefined };
  }
  const graph = new SystemGraph(engine, systemStore);
  const keys = new ApiKeys(engine, graph, random);
  const methods = authenticationMethods(engine.config);
  return {
    authenticator: new Authenticator({
      keys: methods.has('keys') ? keys : undefined,
      tokens: methods.has('jwt') ? tokens : undefined,
    }),
    ...common,
    systemStore,
    rights: new Rights(graph),
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

function issuersOf(config: Config): readonly Issuer[] {
  const issuers =
    config.issuersFile === undefined ? [] : loadIssuerFile(config.issuersFile).issuers;
  const isAsked = authenticationMethods(config).has('jwt');
  if (isAsked && !issuers.some(({ callers }) => callers !== undefined)) {
    throw new PembaError(
      'cannot_start',
      'PEMBA_AUTHENTICATION names jwt, but no issuer in PEMBA_ISSUERS_FILE has callers.',
    );
  }
  return issuers;
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
