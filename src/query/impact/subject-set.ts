/**
 * Sets of the subjects of one type, as many as there are and those that nobody has named yet: either
 * the ones of a list, or all but these. Sets with this form are closed under `or`, `and` and `but not`,
 * and what `user:*` gives is all but nobody.
 *
 * Subjects are numbered by rank, in the order of their nodes, so that a graph's lists are sorted ones.
 * Sets never change. An operation that comes to one of its operands returns that very set, so what is
 * inherited unchanged by a million objects is one list, and two equal sets mostly are the same one.
 */
export interface SubjectSet {
  readonly isAllBut: boolean;
  /** Ascending. */
  readonly ranks: Ranks;
}

export type Ranks = Int32Array;

const NO_RANKS: Ranks = new Int32Array(0);

export const NOBODY: SubjectSet = { isAllBut: false, ranks: NO_RANKS };
export const EVERYBODY: SubjectSet = { isAllBut: true, ranks: NO_RANKS };

export const onlyThese = (ranks: Ranks): SubjectSet =>
  ranks.length === 0 ? NOBODY : { isAllBut: false, ranks };

const allBut = (ranks: Ranks): SubjectSet =>
  ranks.length === 0 ? EVERYBODY : { isAllBut: true, ranks };

/** Of `total` subjects. */
export const sizeOf = ({ isAllBut, ranks }: SubjectSet, total: number): number =>
  isAllBut ? total - ranks.length : ranks.length;

/** The ranks of those in the set, of `total` subjects. */
export function* ranksIn({ isAllBut, ranks }: SubjectSet, total: number): Generator<number> {
  if (!isAllBut) {
    yield* ranks;
    return;
  }
  let next = 0;
  for (const absent of ranks) {
    for (; next < absent; next++) yield next;
    next = absent + 1;
  }
  for (; next < total; next++) yield next;
}

export function isSame(a: SubjectSet, b: SubjectSet): boolean {
  if (a === b || (a.ranks === b.ranks && a.isAllBut === b.isAllBut)) return true;
  if (a.isAllBut !== b.isAllBut || a.ranks.length !== b.ranks.length) return false;
  for (let i = 0; i < a.ranks.length; i++) if (a.ranks[i] !== b.ranks[i]) return false;
  return true;
}

export function union(a: SubjectSet, b: SubjectSet): SubjectSet {
  if (a === b || b === NOBODY || a === EVERYBODY) return a;
  if (a === NOBODY || b === EVERYBODY) return b;
  if (a.isAllBut) {
    const ranks = b.isAllBut ? inBoth(a.ranks, b.ranks) : without(a.ranks, b.ranks);
    return ranks === a.ranks ? a : ranks === b.ranks ? b : allBut(ranks);
  }
  if (b.isAllBut) return union(b, a);
  const ranks = merged(a.ranks, b.ranks);
  return ranks === a.ranks ? a : ranks === b.ranks ? b : onlyThese(ranks);
}

export function intersection(a: SubjectSet, b: SubjectSet): SubjectSet {
  if (a === b || b === EVERYBODY || a === NOBODY) return a;
  if (a === EVERYBODY || b === NOBODY) return b;
  if (!a.isAllBut) {
    const ranks = b.isAllBut ? without(a.ranks, b.ranks) : inBoth(a.ranks, b.ranks);
    return ranks === a.ranks ? a : ranks === b.ranks ? b : onlyThese(ranks);
  }
  if (!b.isAllBut) return intersection(b, a);
  const ranks = merged(a.ranks, b.ranks);
  return ranks === a.ranks ? a : ranks === b.ranks ? b : allBut(ranks);
}

export function complement(set: SubjectSet): SubjectSet {
  if (set === NOBODY) return EVERYBODY;
  if (set === EVERYBODY) return NOBODY;
  return { isAllBut: !set.isAllBut, ranks: set.ranks };
}

export const difference = (a: SubjectSet, b: SubjectSet): SubjectSet =>
  b === NOBODY || a === NOBODY ? a : intersection(a, complement(b));

/** Up to here sets are merged one after the other; beyond, all lists are sorted at once. */
const MERGED_MAX = 4;

export function unionOf(sets: readonly SubjectSet[]): SubjectSet {
  const unlike = sets.length > 1 ? [...new Set(sets)] : sets;
  const lists = unlike.filter((set) => !set.isAllBut);
  const rest = unlike.filter((set) => set.isAllBut);
  const named =
    lists.length > MERGED_MAX ? sortedUnion(lists) : lists.reduce<SubjectSet>(union, NOBODY);
  return rest.reduce<SubjectSet>(union, named);
}

function sortedUnion(lists: readonly SubjectSet[]): SubjectSet {
  const longest = lists.reduce((a, b) => (b.ranks.length > a.ranks.length ? b : a));
  const rest = lists.filter((each) => each !== longest);
  const all = new Int32Array(rest.reduce((sum, { ranks }) => sum + ranks.length, 0));
  let end = 0;
  for (const { ranks } of rest) {
    all.set(ranks, end);
    end += ranks.length;
  }
  all.sort();
  let kept = 0;
  for (let i = 0; i < all.length; i++) {
    if (i === 0 || all[i] !== all[i - 1]) all[kept++] = all[i] ?? 0;
  }
  return union(longest, onlyThese(all.slice(0, kept)));
}

/** A list this many times longer than the other is searched rather than gone through. */
const SEARCH_FACTOR = 16;

/** One of the operands itself if it holds the other. */
function merged(a: Ranks, b: Ranks): Ranks {
  if (a.length < b.length) return merged(b, a);
  if (b.length * SEARCH_FACTOR < a.length) {
    const added = without(b, a);
    if (added.length === 0) return a;
    if (added.length < b.length) return merged(a, added);
  }
  const result = new Int32Array(a.length + b.length);
  let i = 0;
  let j = 0;
  let end = 0;
  while (i < a.length && j < b.length) {
    const left = a[i] ?? 0;
    const right = b[j] ?? 0;
    result[end++] = left < right ? left : right;
    if (left <= right) i++;
    if (right <= left) j++;
  }
  const tail = i < a.length ? a.subarray(i) : b.subarray(j);
  result.set(tail, end);
  end += tail.length;
  if (end === a.length) return a;
  return end === result.length ? result : result.slice(0, end);
}

const inBoth = (a: Ranks, b: Ranks): Ranks =>
  a.length <= b.length ? kept(a, b, true) : kept(b, a, true);

function without(a: Ranks, b: Ranks): Ranks {
  // Mostly there is nothing to be taken away, and few searches tell.
  const isSmall = b.length * SEARCH_FACTOR < a.length;
  return isSmall && kept(b, a, true).length === 0 ? a : kept(a, b, false);
}

/** Of the first, those that are in the second, or those that are not; itself if these are all. */
function kept(a: Ranks, b: Ranks, isIn: boolean): Ranks {
  const result = new Int32Array(a.length);
  let end = 0;
  const isSearched = a.length * SEARCH_FACTOR < b.length;
  let j = 0;
  for (const rank of a) {
    let isThere: boolean;
    if (isSearched) {
      isThere = contains(b, rank);
    } else {
      while (j < b.length && (b[j] ?? 0) < rank) j++;
      isThere = b[j] === rank;
    }
    if (isThere === isIn) result[end++] = rank;
  }
  return end === a.length ? a : result.slice(0, end);
}

function contains(ranks: Ranks, rank: number): boolean {
  let low = 0;
  let high = ranks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ranks[middle] ?? 0) < rank) low = middle + 1;
    else high = middle;
  }
  return ranks[low] === rank;
}
