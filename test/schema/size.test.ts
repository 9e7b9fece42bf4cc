import { describe, expect, it } from '@jest/globals';
import { encodedBytes } from '../../src/schema/size.js';
import { modelFromWire } from '../../src/schema/wire.js';

/** An id of 26 characters and the schema version, each with tag and length. */
const HEAD = 28 + 5;

const bytesOf = (types: readonly unknown[], conditions: unknown = {}): number =>
  encodedBytes(modelFromWire({ schema_version: '1.1', type_definitions: types, conditions })) -
  HEAD;

describe('the encoded size of a model', () => {
  it('counts a tag, a length and the text for a name', () => {
    expect(bytesOf([{ type: 'user' }])).toBe(2 + (2 + 4));
  });

  it('counts a second byte for lengths from 128 on', () => {
    expect(bytesOf([{ type: 'x'.repeat(100) }])).toBe(2 + (2 + 100));
    expect(bytesOf([{ type: 'x'.repeat(126) }])).toBe(3 + (2 + 126));
    expect(bytesOf([{ type: 'x'.repeat(200) }])).toBe(3 + (3 + 200));
  });

  it('counts characters as they are encoded', () => {
    expect(bytesOf([{ type: '型' }])).toBe(2 + (2 + 3));
  });

  it('counts relations, their rewrites and their restrictions', () => {
    const rewrite = { union: { child: [{ this: {} }, { computedUserset: { relation: 'b' } }] } };
    const bytes = bytesOf([
      {
        type: 't',
        relations: { a: rewrite },
        metadata: {
          relations: { a: { directly_related_user_types: [{ type: 't', wildcard: {} }] } },
        },
      },
    ]);
    const children = 2 + 2 + (2 + (2 + (2 + 1)));
    const relation = 2 + (2 + 1 + (2 + (2 + children)));
    const metadata = 2 + (2 + (2 + 1 + (2 + (2 + (2 + 1 + 2)))));
    expect(bytes).toBe(2 + (2 + 1 + relation + metadata));
  });

  it('counts conditions and their parameters', () => {
    const bytes = bytesOf([{ type: 't' }], {
      c: {
        name: 'c',
        expression: 'true',
        parameters: {
          p: { type_name: 'TYPE_NAME_LIST', generic_types: [{ type_name: 'TYPE_NAME_INT' }] },
        },
      },
    });
    const parameter = 2 + (2 + 1 + (2 + (2 + (2 + 2))));
    const condition = 2 + 1 + (2 + 4) + parameter;
    expect(bytes).toBe(2 + (2 + 1) + (2 + (2 + 1 + (2 + condition))));
  });
});
