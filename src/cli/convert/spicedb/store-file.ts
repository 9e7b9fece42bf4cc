/** A playground's assertions and expected relations as the tests of an OpenFGA store file. */
import { stringify } from 'yaml';
import { formatObject, formatSubject } from '../../../tuple/tuple.js';
import type { JsonObject } from '../../../tuple/tuple.js';
import { UnreadableInput } from '../finding.js';
import type { Findings } from '../finding.js';
import type { Catalogue } from './catalogue.js';
import type { Line, Playground } from './playground.js';
import { contextOf, parseRelationship } from './relationship-text.js';
import type { RelationshipConversion } from './relationships.js';

interface CheckTest {
  readonly user: string;
  readonly object: string;
  readonly context?: JsonObject;
  readonly assertions: Record<string, boolean>;
}

export interface StoreFileNames {
  readonly name: string;
  readonly modelFile: string;
  readonly tupleFile: string;
}

export function storeFile(
  { name, modelFile, tupleFile }: StoreFileNames,
  tests: readonly CheckTest[],
): string {
  return stringify({
    name,
    model_file: `./${modelFile}`,
    tuple_file: `./${tupleFile}`,
    tests: tests.length === 0 ? [] : [{ name: 'what SpiceDB was held to', check: tests }],
  });
}

export class Assertions {
  readonly #catalogue: Catalogue;
  readonly #conversion: RelationshipConversion;
  readonly #findings: Findings;
  readonly #tests = new Map<string, CheckTest>();

  constructor(catalogue: Catalogue, conversion: RelationshipConversion, findings: Findings) {
    this.#catalogue = catalogue;
    this.#conversion = conversion;
    this.#findings = findings;
  }

  tests(playground: Playground): readonly CheckTest[] {
    for (const line of playground.assertTrue) this.#add(line, true);
    for (const line of playground.assertFalse) this.#add(line, false);
    const [caveated] = playground.assertCaveated;
    if (caveated !== undefined) {
      const message = 'assertCaveated is left out: a test cannot expect that context is missing';
      this.#findings.add('dropped', message, caveated.position);
    }
    for (const { set, subjects } of playground.validation) {
      for (const each of subjects) this.#expected(set, each);
    }
    return [...this.#tests.values()];
  }

  /** `[user:anne] is <document:1#viewer>`; the ways there are not part of a test. */
  #expected(set: Line, { text, position }: Line): void {
    const subject = /^\[([^\s[\]{}*]+)\]/.exec(text)?.[1];
    if (subject !== undefined) this.#add({ text: `${set.text}@${subject}`, position }, true);
    else {
      const message = `left out: a test cannot say '${text.slice(0, 80)}'`;
      this.#findings.add('dropped', message, position);
    }
  }

  #add({ text, position }: Line, expected: boolean): void {
    const [, key = '', json] = /^(\S+)(?:\s+with\s+(.*))?$/s.exec(text.trim()) ?? [];
    try {
      const { resource, relation, subject } = parseRelationship(key, position);
      const context = json === undefined ? {} : contextOf(json, position);
      const object = formatObject({
        type: this.#catalogue.typeName(resource.type),
        id: resource.id,
      });
      const user = formatSubject(this.#conversion.subject(subject));
      const id = JSON.stringify([user, object, context]);
      const test = this.#tests.get(id) ?? {
        ...{ user, object },
        ...(Object.keys(context).length > 0 && { context }),
        assertions: {},
      };
      test.assertions[this.#catalogue.relationName(relation)] = expected;
      this.#tests.set(id, test);
    } catch (error) {
      if (!(error instanceof UnreadableInput)) throw error;
      this.#findings.add('missing', `left out: ${error.message}`, error.position);
    }
  }
}
