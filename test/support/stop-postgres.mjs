import { once } from 'node:events';

/** After all tests: ends the server that start-postgres.mjs started, and waits until it is gone. */
export default async function stopPostgres() {
  const server = globalThis.pembaTestPostgres;
  if (server === undefined || server.exitCode !== null) return;
  const exited = once(server, 'exit');
  server.stdin.end();
  await exited;
}
