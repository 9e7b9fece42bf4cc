/**
 * Typed arrays that outgrow themselves are replaced by larger ones. What is not yet used of the new
 * one costs no memory until it is touched. Growable buffers were measured: they read at a fifth of
 * the speed.
 */
export function grown(words: Int32Array, atLeast: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(atLeast, words.length * 2));
  larger.set(words);
  return larger;
}
