import type { Model } from './model.js';

export type SchemaVersion = Model['schemaVersion'];

export const isSchemaVersion = (text: string): text is SchemaVersion =>
  text === '1.1' || text === '1.2';

/** What to tell about a version that `isSchemaVersion` refuses. */
export function schemaVersionProblem(text: string): string {
  if (text === '1.0') {
    return (
      "schema version 1.0 is not supported: write 1.1, and say after every relation's ':' " +
      'which types may be written to it, as in [user, group#member]'
    );
  }
  return `schema version must be 1.1 or 1.2 (modules), not '${text.slice(0, 20)}'`;
}
