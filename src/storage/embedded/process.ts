import { readFileSync } from 'node:fs';

export interface ProcessFacts {
  /** The name of its program; undefined where the system does not tell. */
  readonly name: string | undefined;
  /** Tells apart two processes that had the same id one after the other; undefined as above. */
  readonly startedAt: string | undefined;
}

const UNKNOWN: ProcessFacts = { name: undefined, startedAt: undefined };

/**
 * What the system says of a process; undefined when it is gone. A zombie counts as gone: in a
 * container whose first process reaps nobody, it would look alive for ever.
 */
export function inspectProcess(pid: number): ProcessFacts | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0 || !exists(pid)) return undefined;
  if (process.platform !== 'linux') {
    // No cheap way to ask about others; of itself a process knows.
    return pid === process.pid
      ? { ...UNKNOWN, startedAt: String(performance.timeOrigin) }
      : UNKNOWN;
  }
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return UNKNOWN;
  }
  // `123 (name, which may hold anything) S …`; the start time is field 22 of proc_pid_stat(5).
  const nameEnd = stat.lastIndexOf(')');
  const fields = stat.slice(nameEnd + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return { name: stat.slice(stat.indexOf('(') + 1, nameEnd), startedAt: fields[19] };
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
