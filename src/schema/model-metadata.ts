/**
 * What is said of a version of a model: why it was written, by whom, from which revision of its
 * source. It goes with the version, is as immutable, and means nothing to an evaluation.
 */
export interface ModelMetadata {
  readonly message?: string;
  /** As the writer says. */
  readonly author?: string;
  readonly git_revision?: string;
  /** The caller, as the server knows it; absent when callers are not authenticated. */
  readonly written_by?: string;
}

/** In UTF-16 units. A header of them, percent-encoded, stays well below what a request's may have. */
export const METADATA_LENGTHS = {
  message: 500,
  author: 200,
  git_revision: 100,
} as const satisfies Readonly<Partial<Record<keyof ModelMetadata, number>>>;
