/** A model that a server would take, for commands that make something of it. */
import type { Model } from '../../schema/model.js';
import { CommandError, EXIT } from '../command-error.js';
import type { Output } from '../print.js';
import { checkFile } from './check-file.js';
import { showFinding } from './show-finding.js';

/** What is wrong with it is shown on standard error. */
export async function loadModel(file: string, output: Output): Promise<Model> {
  const { model, findings, texts } = await checkFile(file);
  if (model !== undefined) return model;
  for (const finding of findings) {
    output.note(`${showFinding(finding, texts.get(finding.file), (_, text) => text)}\n`);
  }
  throw new CommandError(`${file} is no model`, EXIT.failed);
}
