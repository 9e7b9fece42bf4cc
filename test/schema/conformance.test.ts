/**
 * OpenFGA's public test cases, as many models as clients write. They lie beside the project where
 * it is developed, and are skipped, visibly, where they are not.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { transformer } from '@openfga/syntax-transformer';
import { modelFromDsl, modelToDsl } from '../../src/schema/dsl.js';
import { modelFromWire, modelToWire } from '../../src/schema/wire.js';
import { problemsOf } from './models.js';

interface Stage {
  readonly dsl: string;
  readonly model: unknown;
}
interface Case {
  readonly name: string;
  readonly stages: readonly Stage[];
}

const PATH = join(import.meta.dirname, '../../../shared/conformance/openfga-cases.json');
const cases = existsSync(PATH) ? (JSON.parse(readFileSync(PATH, 'utf8')) as readonly Case[]) : [];
const stages = cases.flatMap(({ name, stages }) =>
  stages.map((stage, index) => ({ name: `${name} stage ${index}`, ...stage })),
);

const skipped = stages.length > 0 ? '' : ` (skipped: there is no ${PATH})`;

(stages.length > 0 ? describe : describe.skip)(`OpenFGA's models${skipped}`, () => {
  it('are valid as JSON and as DSL, and the same model as both', () => {
    for (const { name, dsl, model } of stages) {
      const { model: read, positions } = modelFromDsl(dsl);
      expect([name, problemsOf(read, positions)]).toEqual([name, []]);
      expect([name, modelFromWire(model)]).toEqual([name, read]);
    }
  });

  it('are read from the DSL as OpenFGA reads them', () => {
    for (const { name, dsl } of stages) {
      const theirs = modelFromWire(transformer.transformDSLToJSONObject(dsl));
      expect([name, modelFromDsl(dsl).model]).toEqual([name, theirs]);
    }
  });

  it('are written to JSON and to the DSL, and read back the same', () => {
    for (const { name, model } of stages) {
      const read = modelFromWire(model);
      expect([name, modelFromWire(JSON.parse(JSON.stringify(modelToWire(read))))]).toEqual([
        name,
        read,
      ]);
      expect([name, modelFromDsl(modelToDsl(read)).model]).toEqual([name, read]);
    }
  });
});
