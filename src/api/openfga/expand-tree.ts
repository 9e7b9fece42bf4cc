/**
 * A userset tree as OpenFGA writes it. What Pemba adds stands in members that OpenFGA's clients do
 * not read: `opened` on a leaf holds the trees of the usersets that it names, `cycle` and
 * `truncated` mark nodes that were left closed.
 */
import { unreachable } from '../../errors.js';
import type { UsersetTree } from '../../query/expand.js';

export interface WireNode {
  readonly name: string;
  readonly leaf?: {
    readonly users?: { readonly users: readonly string[] };
    readonly computed?: { readonly userset: string };
    readonly tupleToUserset?: {
      readonly tupleset: string;
      readonly computed: readonly { readonly userset: string }[];
    };
  };
  readonly union?: { readonly nodes: readonly WireNode[] };
  readonly intersection?: { readonly nodes: readonly WireNode[] };
  readonly difference?: { readonly base: WireNode; readonly subtract: WireNode };
  readonly opened?: readonly WireNode[];
  readonly cycle?: true;
  readonly truncated?: true;
}

export function treeToWire(tree: UsersetTree): WireNode {
  const { name } = tree;
  switch (tree.kind) {
    case 'subjects':
      return { name, leaf: { users: { users: tree.subjects } }, ...openedToWire(tree.opened) };
    case 'computed':
      return {
        name,
        leaf: { computed: { userset: tree.userset } },
        ...openedToWire(tree.opened),
      };
    case 'from':
      return {
        name,
        leaf: {
          tupleToUserset: {
            tupleset: tree.tupleset,
            computed: tree.usersets.map((userset) => ({ userset })),
          },
        },
        ...openedToWire(tree.opened),
      };
    case 'union':
      return { name, union: { nodes: tree.nodes.map(treeToWire) } };
    case 'intersection':
      return { name, intersection: { nodes: tree.nodes.map(treeToWire) } };
    case 'difference':
      return {
        name,
        difference: { base: treeToWire(tree.base), subtract: treeToWire(tree.subtract) },
      };
    case 'cycle':
      return { name, cycle: true };
    case 'truncated':
      return { name, truncated: true };
    default:
      return unreachable(tree);
  }
}

const openedToWire = (
  opened: readonly UsersetTree[] | undefined,
): { readonly opened?: readonly WireNode[] } =>
  opened === undefined ? {} : { opened: opened.map(treeToWire) };
