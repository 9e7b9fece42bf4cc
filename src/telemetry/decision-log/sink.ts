/** Where the lines of the decision log go. */
export interface DecisionSink {
  /** The most that is given to one write. */
  readonly maxBatchBytes: number;
  /** How long events may gather before they are written together. */
  readonly gatherMs: number;

  /** Rejects when the configuration is to blame. */
  open(): Promise<void>;

  /**
   * Writes some of the first events, one at least, and resolves with their number; the others are
   * given again, and after a rejection all of them.
   */
  write(events: readonly string[]): Promise<number>;

  /** Ends a write that is under way, where that can be. */
  close(): Promise<void>;
}

/** The first of the events is not wanted there, now or later. */
export class EventRefused extends Error {
  override readonly name = 'EventRefused';
}
