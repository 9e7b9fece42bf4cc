/** How large the world is and how long things are measured in it. */
import { SIZES } from './data.js';
import type { WorldSize } from './data.js';

export type ScaleName = 'small' | '1M' | '10M';

export interface Scale {
  readonly name: ScaleName;
  readonly size: WorldSize;
  readonly runs: number;
  /** Of one run of synchronous operations. */
  readonly loopMs: number;
  /** Of one run of requests or transactions. */
  readonly loadMs: number;
  /** Members of the wide group, and results of the longest list. */
  readonly many: number;
  /** Distinct questions a case, so that not all they touch stays in the processor's caches. */
  readonly questions: number;
  /** Of the import, a run. */
  readonly chunks: number;
  /** Of the change feed, a run. */
  readonly notices: number;
  /** Sizes of the world that growth is seen on. */
  readonly ladder: readonly WorldSize[];
}

const small: Scale = {
  name: 'small',
  size: SIZES.small,
  runs: 2,
  loopMs: 5,
  loadMs: 100,
  many: 5000,
  questions: 200,
  chunks: 2,
  notices: 20,
  ladder: [SIZES.small, { ...SIZES.small, folders: 1_000, documents: 9_000 }],
};

const million: Scale = {
  name: '1M',
  size: SIZES['1M'],
  runs: 5,
  loopMs: 100,
  loadMs: 1200,
  many: 100_000,
  questions: 4000,
  chunks: 6,
  notices: 200,
  ladder: [SIZES['1M'], SIZES['5M']],
};

export const SCALES: Readonly<Record<ScaleName, Scale>> = {
  small,
  '1M': million,
  '10M': {
    ...million,
    name: '10M',
    size: SIZES['10M'],
    ladder: [SIZES['1M'], SIZES['5M'], SIZES['10M']],
  },
};

export const isScaleName = (name: string): name is ScaleName => Object.hasOwn(SCALES, name);

/** All of it is made from one seed: two runs measure the same. */
export const SEED = 1;
