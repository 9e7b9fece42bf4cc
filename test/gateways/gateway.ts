/**
 * A real gateway, run with the very file that `docs/gateways/` gives to readers: only the addresses,
 * and the places that it writes to, are put in place of the ones written there.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export type GatewayName = 'nginx' | 'caddy' | 'haproxy' | 'traefik' | 'envoy' | 'envoy-grpc';

/** In no package of Debian's: tested where somebody has put them in the PATH. */
export const OPTIONAL: ReadonlySet<GatewayName> = new Set(['traefik', 'envoy', 'envoy-grpc']);

/** Ports of this machine. */
export interface Neighbours {
  readonly pemba: number;
  readonly service: number;
  readonly key: string;
}

interface Recipe {
  readonly program: string;
  readonly version: readonly string[];
  /** Writes what is needed to the folder, and says how to start. */
  readonly prepare: (folder: string, port: number, neighbours: Neighbours) => Command;
}

interface Command {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const DOCS = join(__dirname, '..', '..', 'docs', 'gateways');

/** Each must be there, so that no test runs another file than it says. */
function adapted(name: string, changes: Readonly<Record<string, string>>): string {
  let text = readFileSync(join(DOCS, name), 'utf8');
  for (const [from, to] of Object.entries(changes)) {
    if (!text.includes(from)) throw new Error(`docs/gateways/${name} has no ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

const addresses = (port: number, { pemba, service }: Neighbours): Record<string, string> => ({
  ':8000': `127.0.0.1:${port}`,
  '127.0.0.1:8080': `127.0.0.1:${pemba}`,
  '127.0.0.1:3000': `127.0.0.1:${service}`,
});

const envoyWith = (file: string, pembaPort: number): Recipe => ({
  program: 'envoy',
  version: ['--version'],
  prepare(folder, port, { pemba, service, key }) {
    const own = adapted(file, {
      'port_value: 8000': `port_value: ${port}`,
      [`port_value: ${pembaPort}`]: `port_value: ${pemba}`,
      'port_value: 3000': `port_value: ${service}`,
      "value: '' # yours": `value: '${key}' # yours`,
    });
    writeFileSync(join(folder, 'envoy.yaml'), own);
    const quiet = ['--log-level', 'warn', '--concurrency', '1', '--disable-hot-restart'];
    return { args: ['-c', join(folder, 'envoy.yaml'), ...quiet] };
  },
});

const RECIPES: Readonly<Record<GatewayName, Recipe>> = {
  nginx: {
    program: 'nginx',
    version: ['-v'],
    prepare(folder, port, neighbours) {
      const { ':8000': listen = '', ...others } = addresses(port, neighbours);
      const own = adapted('nginx.conf', {
        ...others,
        'listen 8000': `listen ${listen}`,
        '/var/cache/nginx-pemba': join(folder, 'cache'),
        'Pemba-Key ""': `Pemba-Key "${neighbours.key}"`,
      });
      writeFileSync(join(folder, 'pemba.conf'), own);
      // What Debian's own nginx.conf has round it, with temporary files in the folder.
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (name) => `${name}_temp_path ${join(folder, name)};`,
      );
      writeFileSync(
        join(folder, 'nginx.conf'),
        // As who it is started, who owns the folder.
        `${process.getuid?.() === 0 ? 'user root; ' : ''}daemon off; pid ${join(folder, 'pid')}; error_log stderr warn; events {}\n` +
          `http { access_log off; ${temporary.join(' ')} include ${join(folder, 'pemba.conf')}; }\n`,
      );
      return { args: ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'] };
    },
  },
  caddy: {
    program: 'caddy',
    version: ['version'],
    prepare(folder, port, neighbours) {
      const { ':8000': listen = '', ...others } = addresses(port, neighbours);
      const own = adapted('Caddyfile', {
        ...others,
        '\n:8000 {': `\n${listen.replace('127.0.0.1', '')} {\n\tbind 127.0.0.1`,
      });
      writeFileSync(join(folder, 'Caddyfile'), `{\n\tadmin off\n\tauto_https off\n}\n${own}`);
      const env = { PEMBA_KEY: neighbours.key, HOME: folder, XDG_DATA_HOME: folder };
      return { args: ['run', '--config', join(folder, 'Caddyfile')], env };
    },
  },
  haproxy: {
    program: 'haproxy',
    version: ['-v'],
    prepare(folder, port, neighbours) {
      const { '127.0.0.1:8080': pemba = '', ...others } = addresses(port, neighbours);
      writeFileSync(join(folder, 'haproxy.cfg'), adapted('haproxy.cfg', others));
      writeFileSync(join(folder, 'pemba.lua'), adapted('pemba.lua', {}));
      const env = { PEMBA_URL: `http://${pemba}`, PEMBA_KEY: neighbours.key };
      return { args: ['-f', 'haproxy.cfg', '-db'], env };
    },
  },
  traefik: {
    program: 'traefik',
    version: ['version'],
    prepare(folder, port, neighbours) {
      const { ':8000': listen = '', ...others } = addresses(port, neighbours);
      const key = { "Pemba-Key: '' # yours": `Pemba-Key: '${neighbours.key}' # yours` };
      // Of its own name, Traefik would take it for its static configuration.
      const file = join(folder, 'dynamic.yml');
      writeFileSync(file, adapted('traefik.yml', { ...others, ...key }));
      return { args: [`--entryPoints.web.address=${listen}`, `--providers.file.filename=${file}`] };
    },
  },
  envoy: envoyWith('envoy.yaml', 8080),
  'envoy-grpc': envoyWith('envoy-grpc.yaml', 9191),
};

/** Undefined where the program is there. */
export function missing(name: GatewayName): string | undefined {
  const { program, version } = RECIPES[name];
  const { error } = spawnSync(program, [...version], { env: withPath() });
  const where = OPTIONAL.has(name) ? 'put it in the PATH to test it' : `apt-get install ${program}`;
  return error && `no ${program} on this machine: ${where}`;
}

/** Debian puts servers where not everybody looks. */
const withPath = (more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv => ({
  PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`,
  ...more,
});

const START_MS = 10_000;

export class Gateway {
  readonly port: number;
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(port: number, folder: string, child: ChildProcess) {
    this.port = port;
    this.#folder = folder;
    this.#process = child;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  static async start(name: GatewayName, neighbours: Neighbours): Promise<Gateway> {
    const folder = mkdtempSync(join(tmpdir(), `pemba-${name}-`));
    mkdirSync(join(folder, 'logs'));
    const port = await freePort();
    const { program, prepare } = RECIPES[name];
    const { args, env } = prepare(folder, port, neighbours);
    const child = spawn(program, [...args], { cwd: folder, env: withPath(env) });
    const said: string[] = [];
    child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
    child.stdout.resume();
    const gateway = new Gateway(port, folder, child);
    const deadline = performance.now() + START_MS;
    while (!(await guards(port))) {
      if (child.exitCode !== null || performance.now() > deadline) {
        await gateway.stop();
        throw new Error(`${name} did not start: ${said.join('')}`);
      }
      await sleep(50);
    }
    return gateway;
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(timer);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Whether it listens, and knows what to ask: Traefik listens before, and finds nothing. */
async function guards(port: number): Promise<boolean> {
  try {
    const { status } = await fetch(`http://127.0.0.1:${port}/nowhere`);
    return status !== 404;
  } catch {
    return false;
  }
}
