/** The built server with several processes, which share the port that Envoy asks at. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { ServerProcess } from '../consistency/server-process.js';
import { describeWithPostgres } from '../support/postgres.js';
import { EdgeWorld } from '../api/edge/world.js';
import { EnvoyClient, told } from './envoy-client.js';
import { freePort } from './gateway.js';

describeWithPostgres('several workers', () => {
  it('share the port that Envoy asks at, and stop in order', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pemba-grpc-'));
    const world = await EdgeWorld.start();
    const port = await freePort();
    const server = await ServerProcess.start({
      databaseUrl: world.pemba.database.url,
      settings: {
        ...world.settings,
        PEMBA_WORKERS: '2',
        PEMBA_EDGE_STORE: world.store.id,
        PEMBA_EDGE_GRPC_PORT: String(port),
        PEMBA_DECISION_LOG: `file:${join(folder, 'decisions')}`,
      },
    });
    try {
      const headers = { authorization: `Bearer ${await world.token()}` };
      const http = { method: 'GET', path: '/orders/1', host: 'shop.example', headers };
      for (let i = 0; i < 20; i++) {
        // A connection each: that is what is shared out.
        const envoy = new EnvoyClient(port);
        expect(told(await envoy.http(http))).toBe('200 allowed');
        envoy.close();
      }
    } finally {
      await server.stop();
      await world.stop();
    }
    const lines = readdirSync(folder).map(
      (name) => readFileSync(join(folder, name), 'utf8').split('\n').length - 1,
    );
    rmSync(folder, { recursive: true });
    expect(lines).toHaveLength(2);
    expect(Math.min(...lines)).toBeGreaterThan(0);
    expect(lines.reduce((sum, count) => sum + count, 0)).toBe(20);
  });
});
