import { availableParallelism, cpus, release, totalmem } from 'node:os';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
  readonly date: string;
}

export const thisMachine = (now: Date): Machine => ({
  processor: cpus()[0]?.model.trim() ?? 'unknown',
  cores: availableParallelism(),
  memoryBytes: totalmem(),
  system: `${process.platform} ${release()} ${process.arch}`,
  node: process.version,
  date: now.toISOString(),
});

export const describe = (machine: Machine): string =>
  [
    `${machine.processor}, ${machine.cores} cores`,
    `${Math.round(machine.memoryBytes / 2 ** 30)} GB memory`,
    machine.system,
    `Node ${machine.node}`,
    machine.date,
  ].join(' · ');
