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
  readonly say: (lines: readonly string[]) => void;
  /** The server's own lines. */
  readonly tell?: (line: Json) => void;
}

export interface Outcome {
  readonly totals: Totals;
  /** In words. */
  readonly text: string;
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
  const { isMet } = await reviewImpact(around, around.store(options), of, {
    failOn,
    hasChanges: true,
    say: (lines) => {
      if (!output.json && lines.length > 0) output.write(`${lines.join('\n')}\n`);
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
      const shown = implications as ShownImplications;
      this.#say(...implicationsText(shown, this.#output.paint));
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
    const { gained, lost, everybody } = totals;
    const text = countsText(totals);
    this.#say('', `In all: ${text}.${everybodyText(everybody)}`);
    if (!totals.complete) {
      this.#output.note('Not whole: more checks would have been needed than are made.');
    }
    const isMet =
      this.#isMet ||
      (this.#failOn === 'gained' && gained + totals.may_gain + everybody.gained > 0) ||
      (this.#failOn === 'lost' && lost + totals.may_lose + everybody.lost > 0) ||
      (ACCESS.includes(this.#failOn ?? '') && !totals.complete);
    return { totals, text, isMet };
  }

  #takeChange(change: ShownChange): void {
    this.#isMet ||= isMet(change, this.#failOn);
    if (this.#reviewer.hasChanges) this.#say(changeText(change, this.#output.paint), '');
  }

  #takeRelation(relation: Relation): void {
    const changed = this.#changed;
    this.#changed = [];
    const text = countsText(relation);
    if (text === NOTHING) return;
    const { paint } = this.#output;
    const name = paint('bold', `${relation.type}#${relation.relation}`);
    this.#say('', `${name}: ${text}.${everybodyText(relation.everybody)}`);
    if (changed.length > 0) {
      const rows = changed.map((each) => [
        `  ${each.user}`,
        verbOf(each),
        each.relation,
        `on ${each.object}`,
      ]);
      const [, ...shown] = table([], rows).split('\n');
      this.#say(...shown);
    }
    const { gained, lost, may_gain: mayGain, may_lose: mayLose } = relation;
    const hidden = gained + lost + mayGain + mayLose - changed.length;
    if (hidden > 0) this.#say(`  … and ${hidden.toLocaleString('en')} more`);
  }

  #say(...lines: readonly string[]): void {
    this.#reviewer.say(lines);
  }
}

function verbOf({ before, after }: Changed): string {
  if (before === 'no') return after === 'yes' ? 'gains' : 'gains, if a condition holds,';
  if (after === 'no') return before === 'yes' ? 'loses' : 'loses, where a condition held,';
  return after === 'yes' ? 'gains without a condition' : 'keeps, if a condition holds,';
}

const NOTHING = 'nobody gains or loses access';

function countsText(counts: Counts): string {
  const { gained, lost, may_gain: mayGain, may_lose: mayLose } = counts;
  const parts = [
    ...(gained > 0 ? [`${counted(gained, 'pair')} gained`] : []),
    ...(lost > 0 ? [`${counted(lost, 'pair')} lost`] : []),
    ...(mayGain > 0 ? [`${counted(mayGain, 'pair')} may be gained by conditions`] : []),
    ...(mayLose > 0 ? [`${counted(mayLose, 'pair')} may be lost by conditions`] : []),
  ];
  return parts.length === 0 ? NOTHING : parts.join(', ');
}

function everybodyText({ gained, lost }: Counts): string {
  return [
    ...(gained > 0 ? [` ${counted(gained, 'object')} open to everybody.`] : []),
    ...(lost > 0 ? [` ${counted(lost, 'object')} closed to everybody.`] : []),
  ].join('');
}
