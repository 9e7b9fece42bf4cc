/** For tests that start a PostgreSQL server of their own, to stop it or to kill it. */
import { describe, it } from '@jest/globals';
import { packagedBinaries } from '../../src/storage/embedded/binaries.js';

/** Why there is no embedded server here; undefined where there is one. */
function absence(): string | undefined {
  try {
    packagedBinaries();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * A describe block whose tests need the embedded server. Without it they are skipped and the block's
 * name says why; on CI, where that would hide a fault, they fail.
 */
export function describeWithEmbedded(name: string, body: () => void): void {
  const reason = absence();
  if (reason === undefined) {
    describe(name, body);
  } else if (process.env['CI'] === 'true') {
    describe(name, () => {
      it('needs the embedded PostgreSQL', () => {
        throw new Error(reason);
      });
    });
  } else {
    describe.skip(`${name} (skipped: ${reason})`, body);
  }
}

/** The same for tests that send signals as only Unix knows them; never on CI, which is Linux. */
export function describeOnUnix(name: string, body: () => void): void {
  if (process.platform === 'win32') describe.skip(`${name} (skipped: not on Windows)`, body);
  else describeWithEmbedded(name, body);
}
