/**
 * A program in a process of its own that is asked by messages, one question at a time. It ends when
 * the process that started it does.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

type Answer = { readonly value: unknown } | { readonly error: string };
interface Call {
  readonly method: string;
  readonly argument: unknown;
}

export class Program {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(module: URL, nodeOptions: readonly string[]): Promise<Program> {
    const child = fork(fileURLToPath(module), {
      execArgv: [...process.execArgv, ...nodeOptions],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const program = new Program(child);
    await program.#answer();
    return program;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** `Result` is what the program's method of that name returns. */
  async call<Result>(method: string, argument?: unknown): Promise<Result> {
    const answer = this.#answer();
    this.#child.send({ method, argument } satisfies Call);
    return (await answer) as Result;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await gone;
    clearTimeout(timer);
  }

  #answer(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#child.off('message', answered).off('exit', ended).off('error', failed);
      };
      const answered = (answer: Answer): void => {
        settle();
        if ('error' in answer) reject(new Error(answer.error));
        else resolve(answer.value);
      };
      const ended = (): void => {
        settle();
        reject(new Error('a program of the benchmark ended'));
      };
      const failed = (error: Error): void => {
        settle();
        reject(error);
      };
      this.#child.once('message', answered).once('exit', ended).once('error', failed);
    });
  }
}

/** A program has little to close. */
const STOP_MS = 5000;

type Method = (argument: never) => unknown;

/** In the program: answers the calls, and ends with whoever made them. */
export function answerCalls(
  methods: Readonly<Record<string, Method>>,
  close: () => Promise<void> = () => Promise.resolve(),
): void {
  const answer = (message: Answer): void => {
    if (process.connected) process.send?.(message);
  };
  process.on('message', ({ method, argument }: Call) => {
    Promise.resolve(argument)
      .then((given) => methods[method]?.(given as never))
      .then(
        (value) => {
          answer({ value });
        },
        (error: unknown) => {
          answer({
            error: error instanceof Error ? (error.stack ?? error.message) : String(error),
          });
        },
      );
  });
  process.on('disconnect', () => {
    close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
  // The terminal's Ctrl-C reaches everyone; the one who started this ends it in order.
  process.on('SIGINT', () => undefined);
  answer({ value: undefined });
}
