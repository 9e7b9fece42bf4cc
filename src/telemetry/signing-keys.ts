import type { SigningKeyEvents } from '../delegation/signing-keys.js';
import type { Logger } from './log.js';

/** Ids of keys are public. */
export const signingKeyEvents = (log: Logger): SigningKeyEvents => ({
  made: ({ id, algorithm, activeFrom }) => {
    const facts = { signing_key: id, algorithm, active_from: activeFrom.toISOString() };
    log.info(facts, 'a signing key was made');
  },
  removed: (id) => {
    log.info({ signing_key: id }, 'a signing key was removed');
  },
  signing: (id) => {
    log.info({ signing_key: id }, 'this key signs from now on');
  },
  unreadable: (id) => {
    log.error({ signing_key: id }, 'a signing key does not open under PEMBA_MASTER_KEY');
  },
  failed: (error) => {
    log.warn({ err: error }, 'the signing keys cannot be read');
  },
  off: () => {
    log.info('permits are off: there is neither PEMBA_MASTER_KEY nor PEMBA_SIGNING_KEY_FILES');
  },
});
