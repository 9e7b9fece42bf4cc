/** What is claimed, what was seen, and whether that is the same; told as it happens. */

export interface Fact {
  readonly says: string;
  readonly seen: string;
  readonly holds: boolean;
}

export interface Statement {
  readonly id: string;
  readonly title: string;
  readonly holds: boolean;
  readonly facts: readonly Fact[];
}

export class Report {
  readonly #print: (line: string) => void;
  readonly #statements: Statement[] = [];

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  get statements(): readonly Statement[] {
    return this.#statements;
  }

  get holds(): boolean {
    return this.#statements.every(({ holds }) => holds);
  }

  async state(id: string, title: string, show: (fact: Show) => Promise<void>): Promise<void> {
    this.#print(`\n${title}`);
    const facts: Fact[] = [];
    await show((says, wanted, seen) => {
      const holds = wanted === seen;
      facts.push({ says, seen, holds });
      this.#print(`  ${holds ? '✓' : `✗ (should be ${wanted})`} ${says}: ${seen}`);
    });
    const holds = facts.length > 0 && facts.every((fact) => fact.holds);
    this.#statements.push({ id, title, holds, facts });
  }
}

export type Show = (says: string, wanted: string, seen: string) => void;
