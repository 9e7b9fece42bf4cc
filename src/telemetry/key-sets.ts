import type { KeyOwner } from '../identity/issuers.js';
import type { KeySetEvents } from '../identity/key-set.js';
import type { Logger } from './log.js';

/** Tells of an issuer's keys when something about them changes, not at each refresh. */
export function keySetEvents(log: Logger): KeySetEvents {
  const told = new Map<string, string>();
  const tell = (issuer: KeyOwner, state: string, say: () => void): void => {
    if (told.get(issuer.name) === state) return;
    told.set(issuer.name, state);
    say();
  };
  return {
    loaded: (issuer, { keys, ignored }) => {
      tell(issuer, JSON.stringify([keys, ignored]), () => {
        log.info({ issuer: issuer.name, keys, ignored }, 'the keys of an issuer were read');
      });
    },
    failed: (issuer, error) => {
      tell(issuer, 'failed', () => {
        log.warn({ issuer: issuer.name, err: error }, 'the keys of an issuer cannot be read');
      });
    },
  };
}
