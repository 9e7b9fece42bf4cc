/**
 * Before all tests: a PostgreSQL server for them. Tests find it in the environment:
 *
 *   PEMBA_TEST_DATABASE_URL      its address; set it yourself to use a server of your own
 *   PEMBA_TEST_DATABASE_ABSENT   why there is none
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export default async function startPostgres() {
  if (process.env.PEMBA_TEST_DATABASE_URL) return;
  if (!existsSync(new URL('../../dist/storage/embedded/postgres.js', import.meta.url))) {
    throw new Error('the tests start PostgreSQL by the built program: run `npm run build` first');
  }
  const program = fileURLToPath(new URL('postgres-server.mjs', import.meta.url));
  const server = spawn(process.execPath, [program], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true, // Ctrl-C is for the tests; the server ends after them
  });
  globalThis.pembaTestPostgres = server;
  for await (const line of createInterface(server.stdout)) {
    const { url, absent } = JSON.parse(line);
    if (url) {
      process.env.PEMBA_TEST_DATABASE_URL = url;
    } else {
      process.env.PEMBA_TEST_DATABASE_ABSENT = absent;
      console.error(`Tests that need PostgreSQL cannot run: ${absent}`);
    }
    return;
  }
  throw new Error('the PostgreSQL server of the tests ended before it was up');
}
