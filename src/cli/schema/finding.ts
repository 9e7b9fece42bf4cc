/** Something that is to be said about a place in a file. */
export interface Finding {
  /** As a path that can be opened from the working directory. */
  readonly file: string;
  /** Both counted from 1, columns in UTF-16 units; absent where it is about the whole file. */
  readonly line?: number;
  readonly column?: number;
  /** The first column after the word. */
  readonly endColumn?: number;
  /** With an error the file is none that a server takes. */
  readonly severity: 'error' | 'warning' | 'note';
  /** `malformed`, `invalid`, `unreadable`, `module_alone`, or `delegation_…`. */
  readonly code: string;
  readonly message: string;
}

/** The column after the word that begins at this one. */
export const wordEnd = (line: string, column: number): number => {
  WORD.lastIndex = column - 1;
  return column + (WORD.exec(line)?.[0].length ?? 1);
};

/** A name with what may stand in it; else one character. */
const WORD = /[\p{L}\p{N}_][\p{L}\p{N}_\-./]*|\S/uy;
