/** What no test has reached, of each model that was tested. */
import { formatPosition } from '../../schema/positions.js';
import type { Position } from '../../schema/positions.js';
import { Coverage } from './coverage.js';
import { conditionKey, relationGoals } from './coverage-goals.js';
import type { StoreFile } from './store-file.js';

export interface RelationCoverage {
  readonly relation: string;
  readonly position: Position | undefined;
  readonly branches: number;
  readonly reached: number;
  readonly never: readonly { readonly branch: string; readonly position: Position | undefined }[];
}

export interface ModelCoverage {
  /** A path: of the store file, if it has the model in it. */
  readonly model: string;
  readonly branches: number;
  readonly reached: number;
  readonly percent: number;
  readonly relations: readonly RelationCoverage[];
}

/** Several store files may test one model, each a part of it. */
export class CoverageByModel {
  readonly #found = new Map<string, { readonly file: StoreFile; readonly coverage: Coverage }>();

  readonly of = (file: StoreFile): Coverage => {
    const known = this.#found.get(file.modelPath);
    if (known !== undefined) return known.coverage;
    const coverage = new Coverage();
    this.#found.set(file.modelPath, { file, coverage });
    return coverage;
  };

  report(): readonly ModelCoverage[] {
    return [...this.#found].map(([model, { file, coverage }]) => {
      const relations = coverageOf(file, coverage.reached);
      const branches = sumOf(relations, (each) => each.branches);
      const reached = sumOf(relations, (each) => each.reached);
      return { model, branches, reached, percent: percentOf(reached, branches), relations };
    });
  }
}

function coverageOf({ schema }: StoreFile, reached: ReadonlySet<string>) {
  const conditions = [...schema.model.conditions.values()].map((condition) => {
    const position = schema.positions?.of(condition, 'name');
    const goal = (holds: boolean) => ({
      key: conditionKey(condition.name, holds),
      text: String(holds),
      position,
    });
    return { name: condition.name, position, goals: [goal(true), goal(false)] };
  });
  const all = [...relationGoals(schema.model, schema.positions), ...conditions];
  return all.map(({ name, position, goals }): RelationCoverage => {
    const never = goals.filter(({ key }) => !reached.has(key));
    return {
      relation: name,
      position,
      branches: goals.length,
      reached: goals.length - never.length,
      never: never.map((goal) => ({ branch: goal.text, position: goal.position })),
    };
  });
}

/** `order#can_view: 2 of 3 branches; never: member from team (line 12)` */
export function coverageText({ model, relations, ...sum }: ModelCoverage): string {
  const lacking = relations.filter(({ never }) => never.length > 0);
  const lines = lacking.map(({ relation, position, branches, reached, never }) => {
    if (reached === 0) return `  ${relation}: never reached${placeText(position)}`;
    const texts = never.map((each) => each.branch + placeText(each.position));
    return `  ${relation}: ${reached} of ${branches} branches; never: ${texts.join(', ')}`;
  });
  const head = `coverage of ${model}: ${sum.percent} %, ${sum.reached} of ${sum.branches} branches`;
  return [head, ...lines].join('\n');
}

const placeText = (position: Position | undefined): string =>
  position === undefined ? '' : ` (${formatPosition(position).replace(/, column \d+/, '')})`;

const sumOf = <Item>(items: readonly Item[], of: (item: Item) => number): number =>
  items.reduce((sum, item) => sum + of(item), 0);

/** Down to a whole number: 100 says that nothing is left. */
const percentOf = (part: number, whole: number): number =>
  whole === 0 ? 100 : Math.floor((100 * part) / whole);
