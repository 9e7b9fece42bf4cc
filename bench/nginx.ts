/** nginx, with the very file that `docs/gateways/` gives to readers. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ground } from './ground.js';
import type { ServerStart } from './servers.js';

/** Whom nginx asks before each request. */
export type Asked = 'nobody' | URL;

/** Debian puts servers where not everybody looks. */
const env = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };

export const hasNginx = (): boolean => spawnSync('nginx', ['-v'], { env }).error === undefined;

/** A service, and next to it one that allows everything: both say no more than that they are there. */
export function startNeighbours(
  ground: Ground,
  ports: { readonly service: number; readonly allowing: number },
): Promise<ServerStart> {
  const server = (port: number, text: string): string =>
    `server { listen 127.0.0.1:${port}; keepalive_requests 1000000000; ` +
    `location / { default_type text/plain; return 200 "${text}"; } }\n`;
  const config = server(ports.service, 'served') + server(ports.allowing, '');
  return startNginx(ground, ports.service, config);
}

/** In front of the service. Connections to both are kept, where the file leaves that to readers. */
export function startGateway(
  ground: Ground,
  {
    port,
    service,
    asked,
  }: { readonly port: number; readonly service: number; readonly asked: Asked },
): Promise<ServerStart> {
  const folder = join(ground.directory, `nginx-cache-${port}`);
  const file = new URL('../docs/gateways/nginx.conf', import.meta.url);
  let config = readFileSync(file, 'utf8');
  const replace = (from: string, to: string): void => {
    if (!config.includes(from)) throw new Error(`docs/gateways/nginx.conf has no ${from}`);
    config = config.replaceAll(from, to);
  };
  replace('listen 8000;', `listen 127.0.0.1:${port}; keepalive_requests 1000000000;`);
  replace('/var/cache/nginx-pemba', folder);
  replace('server 127.0.0.1:3000;', `server 127.0.0.1:${service}; keepalive 32;`);
  const toService = 'proxy_pass http://service;';
  replace(toService, `${toService} proxy_http_version 1.1; proxy_set_header Connection "";`);
  if (asked === 'nobody') {
    config = config.replaceAll(/^.*(?:auth_request|\$pemba_|\$txn_token).*$/gm, '');
  } else {
    replace('127.0.0.1:8080', asked.host);
    replace('http://pemba/edge/nginx', `http://pemba${asked.pathname}`);
  }
  return startNginx(ground, port, config);
}

const START_MS = 10_000;

async function startNginx(ground: Ground, port: number, servers: string): Promise<ServerStart> {
  const folder = join(ground.directory, `nginx-${port}`);
  mkdirSync(folder);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(folder, name)};`,
  );
  writeFileSync(join(folder, 'servers.conf'), servers);
  writeFileSync(
    join(folder, 'nginx.conf'),
    // As who it is started, who owns the folder.
    `${process.getuid?.() === 0 ? 'user root; ' : ''}daemon off; worker_processes 1; ` +
      `pid ${join(folder, 'pid')}; error_log stderr warn; events {}\n` +
      `http { access_log off; ${temporary.join(' ')} include ${join(folder, 'servers.conf')}; }\n`,
  );
  const args = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'];
  const child = spawn('nginx', args, {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  });
  const stop = (): Promise<void> => stopNginx(child);
  ground.onClose(stop);
  const end = performance.now() + START_MS;
  while (!(await listens(port))) {
    if (child.exitCode !== null || performance.now() > end) throw new Error('nginx did not start');
    await sleep(20);
  }
  return { url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0, stop };
}

async function stopNginx(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => {
      resolve(false);
    });
  });
