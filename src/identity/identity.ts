/** What belongs together in finding out who calls and what they may do. */
import { authenticationMethods } from '../config.js';
import type { StoreId } from '../ids.js';
import type { Engine } from '../operations/engine.js';
import { ApiKeys } from './api-keys.js';
import { Authenticator } from './authenticator.js';
import type { RandomBytes } from './key-text.js';
import { Rights } from './rights.js';
import { SystemGraph } from './system-graph.js';

export interface Identity {
  readonly authenticator: Authenticator;
  /** What follows is there when callers are authenticated. */
  readonly systemStore: StoreId | undefined;
  readonly rights: Rights | undefined;
  readonly keys: ApiKeys | undefined;
}

export interface IdentityParts {
  readonly engine: Engine;
  readonly systemStore: StoreId | undefined;
  readonly random: RandomBytes;
}

export function createIdentity({ engine, systemStore, random }: IdentityParts): Identity {
  if (systemStore === undefined) {
    return {
      authenticator: new Authenticator({ keys: undefined, tokens: undefined }),
      systemStore: undefined,
      rights: undefined,
      keys: undefined,
    };
  }
  const graph = new SystemGraph(engine, systemStore);
  const keys = new ApiKeys(engine, graph, random);
  const methods = authenticationMethods(engine.config);
  return {
    authenticator: new Authenticator({
      keys: methods.has('keys') ? keys : undefined,
      tokens: undefined,
    }),
    systemStore,
    rights: new Rights(graph),
    keys,
  };
}
