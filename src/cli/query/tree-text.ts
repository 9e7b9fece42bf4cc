/** A userset tree, as `expand` answers it. */
import type { WireNode } from '../../api/openfga/expand-tree.js';
import type { Json } from '../api.js';
import { drawTree } from './draw-tree.js';
import type { Branch } from './draw-tree.js';

interface Userset {
  readonly userset: string;
}

export function treeText(tree: Json): string {
  const { root } = tree as unknown as { readonly root: WireNode };
  const branch = branchOf(root);
  return drawTree({ ...branch, label: `${root.name}${branch.label && `: ${branch.label}`}` });
}

/** The label is what a node is made of; its name stands where it is not its parent's. */
function branchOf(node: WireNode): Branch {
  const { leaf, union, intersection, difference, opened = [] } = node;
  const part = (each: WireNode): Branch => named(each, node.name);
  if (node.cycle === true) return { label: 'stands above itself' };
  if (node.truncated === true) return { label: 'not opened: too deep, or too large' };
  if (union !== undefined) return { label: 'any of', branches: union.nodes.map(part) };
  if (intersection !== undefined) {
    return { label: 'all of', branches: intersection.nodes.map(part) };
  }
  if (difference !== undefined) {
    const without = part(difference.subtract);
    return {
      label: 'without',
      branches: [part(difference.base), { ...without, label: `but not ${without.label}` }],
    };
  }
  const names = leaf?.users?.users ?? usersetsOf(leaf?.computed, leaf?.tupleToUserset?.computed);
  const byName = new Map(opened.map((each) => [each.name, each]));
  const closed = names.filter((name) => !byName.has(name));
  const via = leaf?.tupleToUserset === undefined ? '' : ` (from ${leaf.tupleToUserset.tupleset})`;
  const branches = opened.map((each) => named(each, node.name));
  const [only] = branches;
  // What one set alone stands for is drawn in its place.
  if (only !== undefined && names.length === 1) return { ...only, label: only.label + via };
  return {
    label: names.length === 0 ? `nobody${via}` : `${closed.join(', ')}${via}`.trim(),
    branches,
  };
}

function named(node: WireNode, parent: string): Branch {
  const branch = branchOf(node);
  if (node.name === parent) return branch;
  return { ...branch, label: `${node.name}${branch.label && `: ${branch.label}`}` };
}

const usersetsOf = (one: Userset | undefined, many: readonly Userset[] = []): readonly string[] =>
  [...(one === undefined ? [] : [one]), ...many].map(({ userset }) => userset);
