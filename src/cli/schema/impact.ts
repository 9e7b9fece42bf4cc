/** The work of `pemba schema impact`: the server's lines, as they come, told as a review. */
import type { Model } from '../../schema/model.js';
import { modelToWire } from '../../schema/wire.js';
import type { Json } from '../api.js';
import { CommandError, EXIT } from '../command-error.js';
import type { Output } from '../print.js';
import { table } from '../print.js';
import type { StoreOption, Surroundings } from '../surroundings.js';
import { changeText, counted, implicationsText } from './change-text.js';
import type { ShownChange, ShownImplications } from './change-text.js';
import { CLASSES, isMet } from './diff.js';
import { readSchema } from './read-schema.js';

interface Options extends StoreOption {
  readonly failOn?: string;
  readonly samples: string;
  readonly context?: string;
}

interface Counts {
  readonly gained: number;
  readonly lost: number;
  readonly may_gain: number;
  readonly may_lose: number;
}

export interface Totals extends Counts {
  readonly everybody: Counts;
  readonly complete: boolean;
}

interface Relation extends Totals {
  readonly type: string;
  readonly relation: string;
}

interface Changed {
  readonly user: string;
  readonly relation: string;
  readonly object: string;
  readonly before: string;
  readonly after: string;
}

const ACCESS = ['gained', 'lost'];

interface Reviewed {
  readonly model: Model;
  readonly samples: string;
  readonly context?: unknown;
}

interface Reviewer {
  readonly failOn?: string | undefined;
  /** Whether changes of the schema are said, beside those of access. */
  readonly hasChanges: boolean;
  /** A paragraph. */
  readonly say: (lines: readonly string[]) => void;
  /** The server's own lines. */
  readonly tell?: (line: Json) => void;
}

export interface Outcome {
  readonly totals: Totals;
  /** In words. */
  readonly text: string;
  /** Whether anybody's access changes, or may. */
  readonly isAny: boolean;
  /** Whether what was to fail has come up. */
  readonly isMet: boolean;
}

export async function impact(around: Surroundings, path: string, options: Options): Promise<void> {
  const { failOn, samples } = options;
  if (failOn !== undefined && ![...CLASSES, ...ACCESS].includes(failOn)) {
    throw new CommandError(
      `--fail-on ${failOn}: ${[...CLASSES, ...ACCESS].join(', ')}`,
      EXIT.usage,
    );
  }
  const { model } = await readSchema(path, around);
  const output = around.output();
  const of = { model, samples, ...contextOf(options.context) };
  let isFirst = true;
  const { isMet } = await reviewImpact(around, around.store(options), of, {
    failOn,
    hasChanges: true,
    say: (lines) => {
      if (output.json) return;
      output.write(`${isFirst ? '' : '\n'}${lines.join('\n')}\n`);
      isFirst = false;
    },
    tell: (line) => {
      if (output.json) output.write(`${JSON.stringify(line)}\n`);
    },
  });
  if (isMet) throw new CommandError('', EXIT.failed);
}

/** Percent-encoded is the store's id. Throws where the answer is not whole. */
export async function reviewImpact(
  around: Surroundings,
  store: string,
  { model, samples, context }: Reviewed,
  reviewer: Reviewer,
): Promise<Outcome> {
  const body = { ...modelToWire(model), ...(context !== undefined && { context }) };
  const query = `?samples=${encodeURIComponent(samples)}`;
  const lines = around.api().lines('POST', `/stores/${store}/impact${query}`, { body });
  const output = around.output();
  const review = new Review(output, reviewer);
  const bar = await output.progress('objects');
  try {
    for await (const line of lines) {
      const progress = line['progress'] as { readonly done: number } | undefined;
      if (progress === undefined) review.take(line);
      else bar.update(progress.done);
    }
  } finally {
    bar.stop();
  }
  return review.end();
}

function contextOf(text: string | undefined): { readonly context?: unknown } {
  if (text === undefined) return {};
  try {
    return { context: JSON.parse(text) as unknown };
  } catch {
    throw new CommandError('--context is not JSON', EXIT.usage);
  }
}

class Review {
  readonly #output: Output;
  readonly #reviewer: Reviewer;
  readonly #failOn: string | undefined;
  #changed: Changed[] = [];
  #isMet = false;
  #totals: Totals | undefined;

  constructor(output: Output, reviewer: Reviewer) {
    this.#output = output;
    this.#reviewer = reviewer;
    this.#failOn = reviewer.failOn;
  }

  take(line: Json): void {
    const { change, implications, changed, relation, end, error } = line;
    if (error !== undefined) {
      const { message } = error as { readonly message: string };
      throw new CommandError(message, EXIT.refused);
    }
    this.#reviewer.tell?.(line);
    if (change !== undefined) this.#takeChange(change as ShownChange);
    if (implications !== undefined && this.#reviewer.hasChanges) {
      const text = implicationsText(implications as ShownImplications, this.#output.paint);
      if (text.length > 0) this.#reviewer.say(text);
    }
    if (changed !== undefined) this.#changed.push(changed as Changed);
    if (relation !== undefined) this.#takeRelation(relation as Relation);
    if (end !== undefined) this.#totals = end as Totals;
  }

  /** Throws where the answer is not whole. */
  end(): Outcome {
    const totals = this.#totals;
    if (totals === undefined) {
      throw new CommandError('the answer broke off: it is not whole', EXIT.failed);
    }
    const text = countsText(totals);
    this.#reviewer.say([`In all: ${text}.`]);
    if (!totals.complete) {
      this.#output.note('Not whole: more checks would have been needed than are made.');
    }
    const isMet =
      this.#isMet ||
      (this.#failOn === 'gained' && gainsOf(totals) + gainsOf(totals.everybody) > 0) ||
      (this.#failOn === 'lost' && lossesOf(totals) + lossesOf(totals.everybody) > 0) ||
      (ACCESS.includes(this.#failOn ?? '') && !totals.complete);
    return { totals, text, isAny: text !== NOTHING, isMet };
  }

  #takeChange(change: ShownChange): void {
    this.#isMet ||= isMet(change, this.#failOn);
    if (this.#reviewer.hasChanges) this.#reviewer.say([changeText(change, this.#output.paint)]);
  }

  #takeRelation(relation: Relation): void {
    const changed = this.#changed;
    this.#changed = [];
    const text = countsText(relation);
    if (text === NOTHING) return;
    const { paint } = this.#output;
    const name = paint('bold', `${relation.type}#${relation.relation}`);
    const rows = changed.map((each) => [
      `  ${each.user}`,
      verbOf(each),
      each.relation,
      `on ${each.object}`,
    ]);
    const { everybody } = relation;
    const all = [relation, everybody].map((each) => gainsOf(each) + lossesOf(each));
    const hidden = all.reduce((sum, each) => sum + each) - changed.length;
    this.#reviewer.say([
      `${name}: ${text}.`,
      ...table(['', '', '', ''], rows).split('\n').slice(1),
      ...(hidden > 0 ? [`  … and ${hidden.toLocaleString('en')} more`] : []),
    ]);
  }
}

const gainsOf = ({ gained, may_gain: mayGain }: Counts): number => gained + mayGain;
const lossesOf = ({ lost, may_lose: mayLose }: Counts): number => lost + mayLose;

function verbOf({ before, after }: Changed): string {
  if (before === 'no') return after === 'yes' ? 'gains' : 'gains, if a condition holds,';
  if (after === 'no') return before === 'yes' ? 'loses' : 'loses, where a condition held,';
  return after === 'yes' ? 'gains without a condition' : 'keeps, if a condition holds,';
}

const NOTHING = 'nobody gains or loses access';

function countsText({ everybody, ...pairs }: Totals): string {
  const parts = [
    ...part(pairs.gained, 'pair', 'gained'),
    ...part(pairs.lost, 'pair', 'lost'),
    ...part(pairs.may_gain, 'pair', 'may be gained by conditions'),
    ...part(pairs.may_lose, 'pair', 'may be lost by conditions'),
    ...part(everybody.gained, 'object', 'opened to everybody'),
    ...part(everybody.lost, 'object', 'closed to everybody'),
    ...part(everybody.may_gain, 'object', 'may be opened to everybody by conditions'),
    ...part(everybody.may_lose, 'object', 'may be closed to everybody by conditions'),
  ];
  return parts.length === 0 ? NOTHING : parts.join(', ');
}

const part = (count: number, what: string, became: string): readonly string[] =>
  count > 0 ? [`${counted(count, what)} ${became}`] : [];
