/**
 * An expression as the cost bound sees it: what is evaluated how often, over values of which
 * extent. `lower.ts` makes it from the library's syntax tree.
 */
import type { Charge } from './charge.js';
import type { Extent } from './extent.js';

export type Macro = 'all' | 'exists' | 'exists_one' | 'filter' | 'map';

export type Term =
  | { readonly kind: 'literal'; readonly extent: Extent }
  /** `index` counts the condition's parameters by name. */
  | { readonly kind: 'parameter'; readonly index: number }
  /** A variable of a macro; `slot` counts the macros around it. */
  | { readonly kind: 'variable'; readonly slot: number }
  | { readonly kind: 'operation'; readonly charge: Charge; readonly operands: readonly Term[] }
  | { readonly kind: 'choice'; readonly test: Term; readonly then: Term; readonly else: Term }
  | {
      readonly kind: 'loop';
      readonly macro: Macro;
      readonly range: Term;
      readonly slot: number;
      /** Evaluated for each element; of `map`, the last is what the result consists of. */
      readonly body: readonly Term[];
    };
