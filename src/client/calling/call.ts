/** How long a call may last, and who can end it. */
import { PembaClientError } from './client-error.js';

/** Time as the client sees it; tests hand in their own. */
export interface Time {
  /** Milliseconds from some instant on; never runs backwards. */
  now(): number;
  /** Milliseconds since 1970. */
  wall(): number;
  /** Runs it once, unless what it returns is called before. */
  after(ms: number, run: () => void): () => void;
}

export const systemTime: Time = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Work that somebody waits for. */
export interface Call {
  /** Its reason is the PembaClientError to reject with. */
  readonly signal: AbortSignal;
  /** In `Time.now`; it can move away while others join. */
  deadlineAt(): number;
}

export interface Patience {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Rejects with `timeout` or `aborted` as soon as the caller's patience ends, whatever `run` does. */
export async function within<Result>(
  time: Time,
  { timeoutMs, signal }: Patience,
  run: (call: Call) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const deadlineAt = time.now() + timeoutMs;
  const giveUp = (): void => {
    controller.abort(
      new PembaClientError('aborted', 'the call was aborted', { cause: signal?.reason }),
    );
  };
  if (signal?.aborted === true) giveUp();
  signal?.addEventListener('abort', giveUp, { once: true });
  const stopTimer = time.after(timeoutMs, () => {
    controller.abort(new PembaClientError('timeout', `no answer within ${timeoutMs} ms`));
  });
  try {
    controller.signal.throwIfAborted();
    return await run({ signal: controller.signal, deadlineAt: () => deadlineAt });
  } finally {
    stopTimer();
    signal?.removeEventListener('abort', giveUp);
  }
}

/** The promise's outcome, or the signal's reason if that comes first. */
export function untilAborted<Result>(
  signal: AbortSignal,
  promise: Promise<Result>,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', giveUp);
    });
  });
}

export const sleep = (time: Time, ms: number, signal: AbortSignal): Promise<void> => {
  let stopTimer = (): void => undefined;
  const slept = new Promise<void>((resolve) => {
    stopTimer = time.after(ms, resolve);
  });
  return untilAborted(signal, slept).finally(() => {
    stopTimer();
  });
};
