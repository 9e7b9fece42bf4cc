/**
 * The PostgreSQL server of one test run, in a process of its own that ends with its standard input.
 * So the server and its data go away however the run ends, be it by Ctrl-C or a kill.
 * Prints one line of JSON: { url } once the server is up, or { absent: reason }.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '../../dist/storage/embedded/postgres.js';

const dataDir = mkdtempSync(join(tmpdir(), 'pemba-test-'));

async function serve() {
  const server = await startEmbeddedPostgres({ dataDir, durable: false });
  const { host, port, user, password = '', database } = server.connection;
  const url = `postgresql://${user}:${password}@${encodeURIComponent(host)}:${port}/${database}`;
  console.log(JSON.stringify({ url }));
  process.stdin.resume();
  await new Promise((resolve) => process.stdin.once('close', resolve));
  await server.stop();
}

try {
  await serve();
} catch (error) {
  console.log(JSON.stringify({ absent: error.message }));
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}
