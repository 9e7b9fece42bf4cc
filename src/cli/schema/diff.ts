/** The work of `pemba schema diff`. */
import { implicationToWire } from '../../api/implications.js';
import { changeToWire } from '../../api/model-changes.js';
import type { WireChange } from '../../api/model-changes.js';
import { compareModels } from '../../schema/compare.js';
import type { Model } from '../../schema/model.js';
import { modelFromWire } from '../../schema/wire.js';
import { CommandError, EXIT } from '../command-error.js';
import { print } from '../print.js';
import type { Surroundings } from '../surroundings.js';
import { changeText, counted, implicationsText } from './change-text.js';
import { readSchema } from './read-schema.js';

interface Compared {
  readonly before: string;
  readonly after: string;
}

export const CLASSES = ['narrowing', 'widening', 'breaking'] as const;

export async function diff(around: Surroundings, of: Compared, failOn?: string): Promise<void> {
  if (failOn !== undefined && !['any', ...CLASSES].includes(failOn)) {
    throw new CommandError(`--fail-on ${failOn}: any, ${CLASSES.join(', ')}`, EXIT.usage);
  }
  const [before, after] = await Promise.all(
    [of.before, of.after].map((each) => load(around, each)),
  );
  if (before === undefined || after === undefined) return;
  const compared = compareModels(before, after);
  const changes = compared.changes.map(changeToWire);
  const implications = {
    added: compared.implications.added.map(implicationToWire),
    removed: compared.implications.removed.map(implicationToWire),
  };
  const output = around.output();
  const parts = [
    ...changes.map((change) => changeText(change, output.paint)),
    implicationsText(compared.implications, output.paint).join('\n'),
    changes.length === 0 ? 'The schemas mean the same.' : counted(changes.length, 'change'),
  ];
  const text = parts.filter((part) => part !== '').join('\n\n');
  print(output, { changes, implications }, text);
  if (changes.some((change) => isMet(change, failOn))) throw new CommandError('', EXIT.failed);
}

/** A change that can do both is both. */
export const isMet = (change: WireChange, failOn: string | undefined): boolean =>
  failOn === 'any' ||
  (failOn === 'breaking' && change.class === 'breaking') ||
  (failOn === 'widening' && change.effects.includes('widens')) ||
  (failOn === 'narrowing' && change.effects.includes('narrows'));

const OF_STORE = /^store:([^@]+)(?:@(.+))?$/;

async function load(around: Surroundings, from: string): Promise<Model> {
  const [, store, model] = OF_STORE.exec(from) ?? [];
  if (store === undefined) return (await readSchema(from, around)).model;
  const path = `/stores/${encodeURIComponent(store)}/authorization-models`;
  if (model !== undefined) {
    const answer = await around.api().get(`${path}/${encodeURIComponent(model)}`);
    return modelFromWire(answer['authorization_model']);
  }
  const { authorization_models: models } = await around.api().get(`${path}?page_size=1`);
  const [newest] = models as readonly unknown[];
  if (newest === undefined) throw new CommandError(`${from} has no model`, EXIT.failed);
  return modelFromWire(newest);
}
