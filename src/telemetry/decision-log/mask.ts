/**
 * JSON pointers (RFC 6901) to what must not get into the decision log: `/input/subject/id`,
 * `/input/context/*`. `*` stands for any member or index. Values are copied without what is
 * erased, never changed, for they are parts of requests; indices are those of the original.
 */
interface MaskNode {
  /** As configured, where one ends. */
  pointer?: string;
  readonly below: Map<string, MaskNode>;
}

const newNode = (): MaskNode => ({ below: new Map() });

export class Mask {
  readonly #root: MaskNode = newNode();

  /** The configuration has seen to it that they are pointers below /input and /result. */
  constructor(pointers: readonly string[]) {
    for (const pointer of pointers) {
      const [, ...names] = pointer.split('/');
      let node = this.#root;
      for (const name of names.map(unescape)) {
        const next = node.below.get(name) ?? newNode();
        node.below.set(name, next);
        node = next;
      }
      node.pointer = pointer;
    }
  }

  get isEmpty(): boolean {
    return this.#root.below.size === 0;
  }

  /** `erased` are the pointers that met something: names of members may be secrets themselves. */
  apply<Value extends object>(
    value: Value,
  ): { readonly value: Partial<Value>; readonly erased: readonly string[] } {
    const erased = new Set<string>();
    return { value: without(value, [this.#root], erased) as Partial<Value>, erased: [...erased] };
  }
}

/** RFC 6901: `~1` first, so that `~01` is `~1`. */
const unescape = (name: string): string => name.replaceAll('~1', '/').replaceAll('~0', '~');

function without(value: unknown, nodes: readonly MaskNode[], erased: Set<string>): unknown {
  if (nodes.length === 0 || typeof value !== 'object' || value === null) return value;
  const kept: [string, unknown][] = [];
  for (const [name, member] of Object.entries(value)) {
    const met = nodes.flatMap(({ below }) =>
      [below.get(name), name === '*' ? undefined : below.get('*')].filter(
        (node) => node !== undefined,
      ),
    );
    const ends = met.flatMap(({ pointer }) => pointer ?? []);
    if (ends.length === 0) kept.push([name, without(member, met, erased)]);
    for (const pointer of ends) erased.add(pointer);
  }
  // Unlike an assignment, this takes `__proto__` for a name like any other.
  return Array.isArray(value) ? kept.map(([, member]) => member) : Object.fromEntries(kept);
}
