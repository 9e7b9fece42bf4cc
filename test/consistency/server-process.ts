/** The built server as a process of its own, on a free port. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const MAIN = join(__dirname, '../../dist/main.js');
const PRELOAD = pathToFileURL(join(__dirname, 'preload.mjs')).href;

/** Some ten times what a start takes on an idle machine. */
const START_MS = 20_000;
/** An ordered shutdown has nothing to wait for. */
const STOP_MS = 5_000;

export interface ServerOptions {
  readonly databaseUrl: string;
  /** Reads of the database take a random time. */
  readonly slow?: number;
  readonly settings?: Readonly<Record<string, string>>;
  /** What it writes to its standard output. */
  readonly onOutput?: (text: string) => void;
}

export class ServerProcess {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async start(options: ServerOptions): Promise<ServerProcess> {
    const { databaseUrl, slow, settings, onOutput } = options;
    const preload = slow === undefined ? PRELOAD : `${PRELOAD}?slow=${slow}`;
    const child = spawn(process.execPath, ['--import', preload, MAIN], {
      env: {
        ...process.env,
        PORT: '0',
        DATABASE_URL: databaseUrl,
        PEMBA_EXAMPLE_STORE: 'false',
        PEMBA_LOG_LEVEL: 'error',
        // A machine that runs other suites beside this one holds any process up; no overload.
        PEMBA_MAX_LOOP_DELAY_MS: '0',
        ...settings,
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    if (onOutput !== undefined) child.stdout?.setEncoding('utf8').on('data', onOutput);
    try {
      return new ServerProcess(child, await addressOf(child));
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  /** Ordered shutdown; one that takes too long, or fails, is an error. */
  async stop(): Promise<void> {
    if (this.#hasEnded()) return;
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const [code, signal] = (await exited) as [number | null, string | null];
    clearTimeout(timer);
    if (code !== 0) throw new Error(`the server ended with ${code ?? signal ?? 'nothing'}`);
  }

  async kill(): Promise<void> {
    if (this.#hasEnded()) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  /** It does nothing until it is to go on. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  goOn(): void {
    this.#child.kill('SIGCONT');
  }

  #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}

async function addressOf(child: ChildProcess): Promise<string> {
  let said = '';
  let timer: NodeJS.Timeout | undefined;
  const address = new Promise<string>((resolve, reject) => {
    const fail = (what: string): void => {
      reject(new Error(`the server ${what}: ${said}`));
    };
    const hear = (text: string): void => {
      said += text;
      const [, url] = /answers at (\S+) /.exec(said) ?? [];
      if (url !== undefined) resolve(url);
    };
    child.stdout?.setEncoding('utf8').on('data', hear);
    child.stderr?.setEncoding('utf8').on('data', hear);
    child.once('error', reject);
    child.once('exit', () => {
      fail('ended before it was up');
    });
    timer = setTimeout(fail, START_MS, `was not up within ${START_MS} ms`);
  });
  try {
    return await address;
  } finally {
    clearTimeout(timer);
  }
}
