import { parseArgs } from 'node:util';
import { SCALES, isScaleName } from './scale.js';
import type { Scale } from './scale.js';

export interface Options {
  readonly names: readonly string[];
  readonly scale: Scale;
  readonly jsonFile: string;
}

export class UsageError extends Error {}

export function readOptions(known: readonly string[], now: Date): Options {
  const { values, positionals } = parseCommandLine();
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`no benchmark "${unknown}"; there are ${known.join(', ')}`);
  }
  if (!isScaleName(values.size)) {
    throw new UsageError(`--size ${values.size}: one of ${Object.keys(SCALES).join(', ')}`);
  }
  const scale = SCALES[values.size];
  const runs = values.runs === undefined ? scale.runs : Number(values.runs);
  if (!Number.isSafeInteger(runs) || runs < 1) throw new UsageError(`--runs ${values.runs ?? ''}`);
  const time = now.toISOString().slice(0, 19).replaceAll(':', '');
  return {
    names: positionals.length === 0 ? known : positionals,
    scale: { ...scale, runs },
    jsonFile: values.json ?? `bench/results/${time}-${scale.name}.json`,
  };
}

function parseCommandLine(): {
  readonly values: { readonly size: string; readonly runs?: string; readonly json?: string };
  readonly positionals: readonly string[];
} {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        size: { type: 'string', default: '1M' },
        runs: { type: 'string' },
        json: { type: 'string' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
