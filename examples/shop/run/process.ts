/** One process of the example: a program of Node's that answers HTTP at an address. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** Ten times what any of them takes to start on an idle machine, and more. */
const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 10;
const END_WITH_PARENT = new URL('end-with-parent.js', import.meta.url).href;
/** Of whoever runs the example: they may have a Pemba of their own. */
const SETTING = /^(PEMBA_.*|DATABASE_URL|DATA_DIR|HOST|PORT)$/;

export interface ProgramOptions {
  readonly name: string;
  readonly file: URL;
  readonly url: string;
  readonly environment: Readonly<Record<string, string>>;
}

export class Program {
  readonly name: string;
  readonly url: string;
  readonly #options: ProgramOptions;
  #child: ChildProcess | undefined;
  #output = '';

  constructor(options: ProgramOptions) {
    this.name = options.name;
    this.url = options.url;
    this.#options = options;
  }

  /** Everything that it has written so far. */
  get output(): string {
    return this.#output;
  }

  /** Resolves when it answers at `path` with the status, or with any. */
  async start(path = '/', status?: number): Promise<void> {
    const { file, url, environment } = this.#options;
    const mine = Object.entries(process.env).filter(([name]) => !SETTING.test(name));
    // In a group of its own: Ctrl-C is for the one who started it, who stops all in order.
    const child = spawn(
      process.execPath,
      ['--enable-source-maps', '--import', END_WITH_PARENT, fileURLToPath(file)],
      {
        env: {
          ...Object.fromEntries(mine),
          NO_COLOR: '1',
          ...environment,
          PORT: new URL(url).port,
        },
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        detached: true,
      },
    );
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
    await until(`${this.name} answers`, async () => {
      if (!this.isRunning) throw new Error(`${this.name} has ended:\n${this.#output}`);
      const response = await fetch(url + path).catch(() => undefined);
      await response?.body?.cancel();
      return response !== undefined && (status === undefined || response.status === status);
    });
  }

  get isRunning(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  /** SIGTERM for an ordered end, SIGKILL for a crash; resolves when it is gone. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#child === undefined || !this.isRunning) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    await exited;
  }
}

/** Rejects when it does not come true in time. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`);
    await sleep(LOOK_EVERY_MS);
  }
}

/** Addresses at which nobody listens. All are found before any is used, so none comes twice. */
export async function freeAddresses(count: number): Promise<readonly string[]> {
  const probes = await Promise.all(
    Array.from({ length: count }, async () => {
      const probe = createServer().listen(0, '127.0.0.1');
      await once(probe, 'listening');
      return probe;
    }),
  );
  const ports = probes.map((probe) => (probe.address() as AddressInfo).port);
  await Promise.all(probes.map((probe) => once(probe.close(), 'close')));
  return ports.map((port) => `http://127.0.0.1:${port}`);
}
