import { describe, expect, it } from '@jest/globals';
import { nearestOf } from '../../src/schema/nearest.js';

describe('the name that was meant', () => {
  it.each([
    ['editr', ['viewer', 'editor'], 'editor'],
    ['veiwer', ['editor', 'viewer'], 'viewer'],
    ['cat', ['bat', 'car'], 'bat'],
    ['can_vieww', ['can_edit', 'can_view', 'can_vie'], 'can_view'],
  ])('for %j among %j is %j', (name, candidates, nearest) => {
    expect(nearestOf(name, candidates)).toBe(nearest);
  });

  it.each([
    ['reader', ['viewer', 'editor']],
    ['ab', ['ac']],
    ['viewer', ['viewer']],
    ['viewer', []],
    ['', ['a']],
    ['organization_admin', ['organization']],
  ])('for %j is none of %j', (name, candidates) => {
    expect(nearestOf(name, candidates)).toBeUndefined();
  });
});
