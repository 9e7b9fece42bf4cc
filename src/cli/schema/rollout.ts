/** Waiting until every process of the server answers with a model. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { formatDuration, parseDuration } from '../../quantity.js';
import type { Api } from '../api.js';
import { CommandError, EXIT, usageError } from '../command-error.js';

export interface Rollout {
  readonly processes: number;
  readonly ready: number;
  readonly complete: boolean;
}

export interface WaitOptions {
  /** A duration such as `30s`. */
  readonly timeout: string;
  readonly wait: boolean;
}

export interface Waiting {
  readonly timeoutMs: number;
  readonly now: () => number;
}

const ASK_AGAIN_MS = 200;

/** For commands that write models. */
export const withWaiting = (command: Command): Command =>
  command
    .option('--timeout <duration>', 'wait so long for every process to have it', '30s')
    .option('--no-wait', 'be done when it is written');

/** Undefined where nobody wants to. */
export function waitingOf(options: WaitOptions, now: () => number): Waiting | undefined {
  const timeoutMs = parseDuration(options.timeout);
  if (Number.isNaN(timeoutMs)) {
    throw usageError(`--timeout is no duration such as 30s: ${options.timeout}`);
  }
  return options.wait ? { timeoutMs, now } : undefined;
}

/** As it was found last: complete, or not so when the time was over. Undefined if not waited for. */
export async function awaitRollout(
  api: Api,
  store: string,
  model: string,
  waiting: Waiting | undefined,
): Promise<Rollout | undefined> {
  if (waiting === undefined) return undefined;
  const path = `/stores/${store}/authorization-models/${model}/rollout`;
  const until = waiting.now() + waiting.timeoutMs;
  for (;;) {
    const { processes, ready, complete } = await api.get(path).catch(isWritten);
    const found = {
      processes: Number(processes),
      ready: Number(ready),
      complete: complete === true,
    };
    const left = until - waiting.now();
    if (found.complete || left <= 0) return found;
    await sleep(Math.min(ASK_AGAIN_MS, left));
  }
}

function isWritten(error: unknown): never {
  if (!(error instanceof CommandError)) throw error;
  const message = `the model is written; whether all processes have it is not known: ${error.message}`;
  throw new CommandError(message, error.exitCode, error.code);
}

/** Throws what a command ends with, once it has printed what it did. */
export function assertComplete(rollout: Rollout | undefined, waiting: Waiting | undefined): void {
  if (rollout === undefined || waiting === undefined || rollout.complete) return;
  const { processes, ready } = rollout;
  const message =
    processes === 0
      ? 'the model is written, but no process of the server says that it serves'
      : `the model is written, but ${processes - ready} of ${processes} processes ` +
        `did not have it within ${formatDuration(waiting.timeoutMs)}`;
  throw new CommandError(message, EXIT.failed);
}
