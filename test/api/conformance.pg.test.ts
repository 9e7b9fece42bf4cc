/**
 * OpenFGA's public test cases over HTTP, by the program that comes with them. They lie beside the
 * project where it is developed, and are skipped, visibly, where they are not.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { startPemba } from '../support/pemba.js';
import { describeWithPostgres } from '../support/postgres.js';

const PROGRAM = join(import.meta.dirname, '../../../shared/conformance/run.mjs');
const isThere = existsSync(PROGRAM);

/** Some thousand requests, one after the other. */
const TIMEOUT_MS = 180_000;

/** What the program says, whatever its exit code: the output tells which cases fell short. */
const outputOf = (url: string): Promise<string> =>
  new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, url], (_error, stdout, stderr) => {
      resolve(stdout + stderr);
    });
  });

describeWithPostgres("OpenFGA's public cases", () => {
  (isThere ? it : it.skip)(
    `hold over HTTP${isThere ? '' : ` (skipped: there is no ${PROGRAM})`}`,
    async () => {
      const pemba = await startPemba();
      try {
        expect(await outputOf(pemba.url)).toMatch(/^[1-9]\d* passed, 0 failed\n$/m);
      } finally {
        await pemba.stop();
      }
    },
    TIMEOUT_MS,
  );
});
