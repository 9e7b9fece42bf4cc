import { expect, it } from '@jest/globals';
import { moduleTexts } from '../../../src/cli/schema/module-files.js';
import { modelFromDsl } from '../../../src/schema/dsl.js';
import { modelFromModules } from '../../../src/schema/modules.js';
import { modelFromWire, modelToWire } from '../../../src/schema/wire.js';

const MANIFEST = `schema: '1.2'
contents:
  - core.fga
  - shop/orders.fga
`;
const MODULES = new Map([
  [
    'core.fga',
    `module core

type user

type organization
  relations
    define member: [user, user with on_weekdays]

condition on_weekdays(day: int) {
  day < 6
}
`,
  ],
  [
    'shop/orders.fga',
    `module orders

extend type organization
  relations
    define can_order: member

type order
  relations
    define owner: [organization]
    define viewer: [user] or can_order from owner
`,
  ],
]);

it('modules come back as the files that they were', () => {
  const { model } = modelFromModules(MANIFEST, MODULES);
  const files = moduleTexts(modelFromWire(modelToWire(model))) ?? new Map<string, string>();
  expect([...files.keys()]).toEqual(['fga.mod', ...MODULES.keys()]);
  expect(files.get('fga.mod')).toBe(MANIFEST);
  const again = modelFromModules(MANIFEST, files);
  expect(modelToWire(again.model)).toEqual(modelToWire(model));
});

it('a model of one text has none', () => {
  const { model } = modelFromDsl('model\n  schema 1.1\ntype user\n');
  expect(moduleTexts(model)).toBeUndefined();
});
