/** What was started, to be stopped in the opposite order. */
export class Started {
  readonly #closers: (() => Promise<void>)[] = [];
  /** For all of it; until the configuration says otherwise, time enough to stop a database. */
  timeoutMs = 60_000;
  /** A signal came; whatever fails from now on fails because of it. */
  isStopping = false;

  add(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
  }
}

export const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** A second signal does not wait for anything. `isQuiet` is for processes that another one speaks for. */
export function stopOnSignals(started: Started, { isQuiet }: { readonly isQuiet: boolean }): void {
  const stop = (signal: NodeJS.Signals): void => {
    if (started.isStopping) {
      if (isQuiet) return;
      process.exit(1);
    }
    started.isStopping = true;
    // Not between the halves of a line that the log is writing.
    if (!isQuiet) process.stderr.write(`${signal}: finishing what is in flight\n`);
    setTimeout(() => process.exit(1), started.timeoutMs).unref();
    started.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}
