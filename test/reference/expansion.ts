/**
 * The set that an engine's expand trees describe, computed from the trees alone: each expanded
 * userset is an equation, each reference in a tree is expanded in turn, and the well-founded model
 * of them all says who is in. So a tree may stop anywhere, and cycles need no care.
 */
import type { Model } from '../../src/schema/model.js';
import { formatObject, formatSubject, parseSubject } from '../../src/tuple/tuple.js';
import type { ObjectRef, Subject } from '../../src/tuple/tuple.js';
import type { Engine, ExpandTree } from './engine.js';
import { namesOf } from './evaluator.js';
import { solve } from './well-founded.js';
import type { Formula, Truth } from './well-founded.js';

const NOBODY: Formula = { kind: 'any', of: [] };

export class Expansion {
  readonly #engine: Engine;
  readonly #model: Model;
  readonly #nodes = new Map<string, number>();
  readonly #equations: Formula[] = [];

  constructor(engine: Engine, model: Model) {
    this.#engine = engine;
    this.#model = model;
  }

  /** Undefined if the engine offers no expand. */
  truth(object: ObjectRef, relation: string, subject: Subject): Truth | undefined {
    if (this.#engine.expand({ object, relation }) === undefined) return undefined;
    const node = this.#node(`${formatObject(object)}#${relation}`);
    const question = { names: namesOf(subject), given: undefined };
    return solve(this.#equations, question)[node];
  }

  #node(name: string): number {
    const known = this.#nodes.get(name);
    if (known !== undefined) return known;
    // Numbered before its tree is read, which may lead back to it.
    const node = this.#equations.push(NOBODY) - 1;
    this.#nodes.set(name, node);
    const { type, id, relation } = usersetNamed(name);
    // A parent of a type that lacks the relation holds nobody.
    if (this.#model.types.get(type)?.relations.has(relation) === true) {
      const tree = this.#engine.expand({ object: { type, id }, relation });
      if (tree === undefined) throw new Error(`a tree refers to ${name}, which has none`);
      this.#equations[node] = this.#setOf(name, tree);
    }
    return node;
  }

  #setOf(name: string, tree: ExpandTree): Formula {
    return { kind: 'any', of: [{ kind: 'subject', text: name }, this.#formula(tree)] };
  }

  #formula(tree: ExpandTree): Formula {
    switch (tree.kind) {
      case 'leaf':
        return { kind: 'any', of: tree.users.map((user) => this.#member(user)) };
      case 'userset':
        return tree.tree === undefined
          ? this.#member(tree.userset)
          : this.#setOf(tree.userset, tree.tree);
      case 'union':
        return { kind: 'any', of: tree.operands.map((each) => this.#formula(each)) };
      case 'intersection':
        return { kind: 'all', of: tree.operands.map((each) => this.#formula(each)) };
      case 'difference': {
        const base = this.#formula(tree.base);
        const subtract = this.#equations.push(this.#formula(tree.subtract)) - 1;
        return { kind: 'butNot', base, subtract };
      }
    }
  }

  #member(user: string): Formula {
    const subject = parseSubject(user);
    if (subject === undefined) throw new Error(`a tree names ${user}, which is no subject`);
    if (subject.kind === 'userset') return { kind: 'node', node: this.#node(user) };
    return { kind: 'subject', text: formatSubject(subject) };
  }
}

function usersetNamed(name: string): Subject & { readonly kind: 'userset' } {
  const subject = parseSubject(name);
  if (subject?.kind !== 'userset') throw new Error(`a tree names ${name}, which is no userset`);
  return subject;
}
