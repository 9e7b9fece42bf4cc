/** Processor time of a process and all below it, from Linux's /proc. */
import { readFileSync, readdirSync } from 'node:fs';

/** The unit of /proc is 1/100 s on every Linux that Node runs on. */
const MS_PER_TICK = 10;

/** Undefined where there is no /proc. */
export function processorMs(pid: number): number | undefined {
  try {
    let ms = ownMs(pid);
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const children = readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8');
      for (const child of children.split(' ').filter((text) => text !== '')) {
        ms += processorMs(Number(child)) ?? 0;
      }
    }
    return ms;
  } catch {
    return undefined;
  }
}

function ownMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // After the program's name, which may hold anything, in brackets: utime and stime are the 12th
  // and 13th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}
