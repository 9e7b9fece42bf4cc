/** What readers of tuple files find, one after the other. */
import type { RelationTuple } from '../../tuple/tuple.js';
import { tupleOfMembers } from './tuple-members.js';

/** `line`, from 1, is where the tuple begins. */
export type TupleRead =
  | { readonly line: number; readonly tuple: RelationTuple }
  | { readonly line: number; readonly problem: string };

export function foundAt(line: number, value: unknown): TupleRead {
  const tuple = tupleOfMembers(value);
  return typeof tuple === 'string' ? { line, problem: tuple } : { line, tuple };
}
