/** A file of issuers, as an operator would write it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface IssuersFile {
  readonly path: string;
  remove(): void;
}

/** `issuers` are what `TestIssuer.settings` gives. */
export function writeIssuersFile(
  issuers: readonly object[],
  clients: readonly object[] = [],
): IssuersFile {
  const folder = mkdtempSync(join(tmpdir(), 'pemba-issuers-'));
  const path = join(folder, 'issuers.json');
  writeFileSync(
    path,
    JSON.stringify({
      ...(issuers.length > 0 && { issuers }),
      ...(clients.length > 0 && { clients }),
    }),
  );
  return {
    path,
    remove: () => {
      rmSync(folder, { recursive: true });
    },
  };
}
