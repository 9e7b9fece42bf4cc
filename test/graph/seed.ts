/**
 * What the random tests of the graph are decided by; it stands in their names.
 * `PEMBA_SEED=<seed> npm test` repeats a run.
 */
const SEED_MAX = 2 ** 31;
export const SEED = Number(process.env['PEMBA_SEED'] ?? Math.floor(Math.random() * SEED_MAX));
