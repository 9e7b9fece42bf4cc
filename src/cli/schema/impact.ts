/** The work of `pemba schema impact`: the server's lines, as they come, told as a review. */
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

interface Totals extends Counts {
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

export async function impact(around: Surroundings, path: string, options: Options): Promise<void> {
  const { failOn, samples } = options;
  if (failOn !== undefined && ![...CLASSES, ...ACCESS].includes(failOn)) {
    throw new CommandError(
      `--fail-on ${failOn}: ${[...CLASSES, ...ACCESS].join(', ')}`,
      EXIT.usage,
    );
  }
  const { model } = await readSchema(path, around);
  const body = { ...modelToWire(model), ...contextOf(options.context) };
  const store = around.store(options);
  const query = `?samples=${encodeURIComponent(samples)}`;
  const lines = around.api().lines('POST', `/stores/${store}/impact${query}`, { body });
  const review = new Review(around.output(), failOn);
  const bar = await around.output().progress('objects');
  try {
    for await (const line of lines) {
      const progress = line['progress'] as { readonly done: number } | undefined;
      if (progress === undefined) review.take(line);
      else bar.update(progress.done);
    }
  } finally {
    bar.stop();
  }
  review.end();
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
  readonly #failOn: string | undefined;
  #changed: Changed[] = [];
  #isMet = false;
  #totals: Totals | undefined;

  constructor(output: Output, failOn: string | undefined) {
    this.#output = output;
    this.#failOn = failOn;
  }

  take(line: Json): void {
    const { change, implications, changed, relation, end, error } = line;
    if (error !== undefined) {
      const { message } = error as { readonly message: string };
      throw new CommandError(message, EXIT.refused);
    }
    if (this.#output.json) this.#output.write(`${JSON.stringify(line)}\n`);
    if (change !== undefined) this.#takeChange(change as ShownChange);
    if (implications !== undefined) {
      const shown = implications as ShownImplications;
      this.#say(...implicationsText(shown, this.#output.paint));
    }
    if (changed !== undefined) this.#changed.push(changed as Changed);
    if (relation !== undefined) this.#takeRelation(relation as Relation);
    if (end !== undefined) this.#totals = end as Totals;
  }

  /** Throws where what was to fail has come up, and where the answer is not whole. */
  end(): void {
    const totals = this.#totals;
    if (totals === undefined) {
      throw new CommandError('the answer broke off: it is not whole', EXIT.failed);
    }
    const { gained, lost, everybody } = totals;
    this.#say('', `In all: ${countsText(totals)}.${everybodyText(everybody)}`);
    if (!totals.complete) {
      this.#output.note('Not whole: more checks would have been needed than are made.');
    }
    const isMet =
      this.#isMet ||
      (this.#failOn === 'gained' && gained + totals.may_gain + everybody.gained > 0) ||
      (this.#failOn === 'lost' && lost + totals.may_lose + everybody.lost > 0) ||
      (ACCESS.includes(this.#failOn ?? '') && !totals.complete);
    if (isMet) throw new CommandError('', EXIT.failed);
  }

  #takeChange(change: ShownChange): void {
    this.#isMet ||= isMet(change, this.#failOn);
    this.#say(changeText(change, this.#output.paint), '');
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
    if (!this.#output.json && lines.length > 0) this.#output.write(`${lines.join('\n')}\n`);
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
