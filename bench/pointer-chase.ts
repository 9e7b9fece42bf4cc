/**
 * What a memory read costs that the processor cannot foresee: a walk through an array in which each
 * entry holds the place of the next, all of them on one random cycle.
 */
import { Random } from './data.js';
import type { Loop } from './measure.js';

export function pointerChase(bytes: number): Loop {
  const next = randomCycle(Math.max(2, Math.floor(bytes / Int32Array.BYTES_PER_ELEMENT)));
  let at = 0;
  return (_first, count) => {
    let place = at;
    for (let i = 0; i < count; i++) place = next[place] ?? 0;
    at = place;
    return place;
  };
}

/** Sattolo's shuffle. */
function randomCycle(length: number): Int32Array {
  const random = new Random(11);
  const next = new Int32Array(length);
  for (let i = 0; i < length; i++) next[i] = i;
  for (let i = length - 1; i > 0; i--) {
    const other = random.below(i);
    const swapped = next[i] ?? 0;
    next[i] = next[other] ?? 0;
    next[other] = swapped;
  }
  return next;
}
