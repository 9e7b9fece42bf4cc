/** Waiting as the service does it; tests hand in their own. */
export interface Timers {
  /** Runs it once, unless what it returns is called before. */
  after(ms: number, run: () => void): () => void;
}

/** Nothing that waits here keeps the process alive. */
export const systemTimers: Timers = {
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
};
