/** "did you mean": the known name that a mistyped one is closest to. */
import type { Plan } from './plan.js';
import { quote } from './problem.js';

/** A slip of the fingers is one edit or two; a name further off than this is another name. */
const EDITS_MAX = 3;
/** These bound the work for one hint. */
const CANDIDATES_MAX = 200;
const NAME_LENGTH_MAX = 100;

/** `; did you mean 'editor'?`, or '' when nothing is near. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const nearest = nearestOf(name, candidates);
  return nearest === undefined ? '' : `; did you mean ${quote(nearest)}?`;
}

/** In one sentence; undefined where the model has the relation. */
export function unknownRelation(
  { model }: Plan,
  type: string,
  relation: string,
): string | undefined {
  const found = model.types.get(type);
  if (found === undefined) {
    return `type ${quote(type)} not found${didYouMean(type, model.types.keys())}`;
  }
  if (found.relations.has(relation)) return undefined;
  const name = quote(`${type}#${relation}`);
  return `relation ${name} not found${didYouMean(relation, found.relations.keys())}`;
}

/** The first of the candidates with the fewest edits, one for every three characters at most. */
export function nearestOf(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > NAME_LENGTH_MAX) return undefined;
  let nearest: string | undefined;
  let fewest = Math.min(EDITS_MAX, Math.floor(name.length / 3)) + 1;
  let looked = 0;
  for (const candidate of candidates) {
    if (++looked > CANDIDATES_MAX) break;
    if (candidate === name || Math.abs(candidate.length - name.length) >= fewest) continue;
    const edits = editDistance(name, candidate);
    if (edits < fewest) [nearest, fewest] = [candidate, edits];
  }
  return nearest;
}

/** Insertions, deletions and substitutions that turn one text into the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let above = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    let left = row;
    const current = [left];
    for (let column = 1; column <= to.length; column++) {
      const substituted = (above[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      left = Math.min(substituted, left + 1, (above[column] ?? 0) + 1);
      current.push(left);
    }
    above = current;
  }
  return above[to.length] ?? 0;
}
