/** A server process is killed while keys are rotated and dropped: one signs, and another waits. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createTestDatabase, describeWithPostgres } from '../support/postgres.js';
import type { TestDatabase } from '../support/postgres.js';
import { ServerProcess } from './server-process.js';

const KILLS = 3;
/** Some of them in the middle of a transaction. */
const CALLS_AT_ONCE = 8;

interface Listed {
  readonly signing_keys: readonly { readonly kid: string; readonly state: string }[];
}

describeWithPostgres('when a process is killed while it changes the signing keys', () => {
  const settings = { PEMBA_MASTER_KEY: randomBytes(32).toString('base64') };
  let database: TestDatabase;
  let server: ServerProcess | undefined;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(async () => {
    await server?.stop();
    await database.drop();
  });

  const list = async (url: string): Promise<Listed['signing_keys']> =>
    ((await (await fetch(`${url}/admin/signing-keys`)).json()) as Listed).signing_keys;

  /** Drops whichever key is there until the server answers no more. */
  async function dropOnAndOn(url: string): Promise<void> {
    try {
      for (;;) {
        const keys = await list(url);
        const { kid } = keys[Math.floor(Math.random() * keys.length)] ?? { kid: '' };
        await fetch(`${url}/admin/signing-keys/${kid}/drop`, { method: 'POST' });
      }
    } catch {
      // It was killed.
    }
  }

  it('one signs and one waits, and the next process goes on with them', async () => {
    for (let i = 0; i < KILLS; i++) {
      const { url } = (server = await ServerProcess.start({
        databaseUrl: database.url,
        settings,
      }));
      expect((await list(url)).map(({ state }) => state)).toEqual(['active', 'next']);
      const busy = Array.from({ length: CALLS_AT_ONCE }, () => dropOnAndOn(url));
      await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 300));
      await server.kill();
      await Promise.all(busy);
    }
    server = await ServerProcess.start({ databaseUrl: database.url, settings });
    const keys = await list(server.url);
    expect(keys.map(({ state }) => state)).toEqual(['active', 'next']);
    const published = (await (await fetch(`${server.url}/.well-known/jwks.json`)).json()) as {
      readonly keys: readonly { readonly kid: string }[];
    };
    expect(published.keys.map(({ kid }) => kid)).toEqual(keys.map(({ kid }) => kid));
  });

  it('a process with another master key does not start', async () => {
    const another = { PEMBA_MASTER_KEY: randomBytes(32).toString('base64') };
    const start = ServerProcess.start({ databaseUrl: database.url, settings: another });
    await expect(start).rejects.toThrow(/do not open under the master key/);
  });
});
