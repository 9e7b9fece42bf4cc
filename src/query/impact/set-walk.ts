/**
 * All subjects of one type that are members of a set (object, relation), by one walk for all of them
 * instead of a check for each. A set is made of the sets that its object's edges lead to, each of
 * which is made once and kept.
 *
 * Where conditions lack parameters a set has two bounds: who is a member for `sure`, and who is
 * `possible`, if all that cannot be told were so. Between them a check fails.
 *
 * Sets that contain each other are found as strongly connected components (Tarjan) and made together
 * as a least fixpoint, from nobody upwards. What this walk does not decide is left to checks, and
 * whatever rests on it as well:
 *
 * - a component in which a set hangs on its own negation;
 * - a set from which a way of as many hops as a check makes leads on. The height of a set bounds its
 *   ways; where it is below the limit, no check is too deep.
 */
import { strict as assert } from 'node:assert';
import { PembaError } from '../../errors.js';
import { NodeList } from '../../graph/reader.js';
import type { EdgeKind, GraphReader, Node } from '../../graph/reader.js';
import type { QueryScope } from '../scope.js';
import { whetherHolds } from './certainty.js';
import type { Admission } from '../../schema/plan.js';
import type {
  JointEnd,
  JointExpression,
  JointIndex,
  JointPlan,
  JointRelation,
  JointWay,
  Side,
} from './joint-plan.js';
import { NONE, common, except, joined, take } from './members.js';
import type { Members, Parts } from './members.js';
import { EVERYBODY, NOBODY, isSame, onlyThese } from './subject-set.js';
import type { Ranks, SubjectSet } from './subject-set.js';
import type { Population } from './subjects.js';

export interface SetWalkParts {
  readonly joint: JointPlan;
  readonly scopes: Readonly<Record<Side, QueryScope>>;
  readonly population: Population;
  readonly subjectType: string;
  /** By joint index, 1 where a subject of the type can be a member. */
  readonly reached: Uint8Array;
  /** Of the sets that are kept. */
  readonly maxBytes: number;
}

interface Settled extends Members {
  /** Hops of the longest way from here at the most; Infinity for what is left to checks. */
  readonly height: number;
}

const UNSETTLED: Settled = { ...NONE, height: Infinity };

/** A set that is being made, or waits for the rest of its component. */
interface Frame {
  readonly key: number;
  readonly node: Node;
  readonly relation: JointIndex;
  readonly place: number;
  /** The lowest place on the path that it leads back to. */
  low: number;
  /** As far as is known. */
  members: Members;
  /** Without what is of its component. */
  height: number;
  isRecurrent: boolean;
  /** The evaluation at work has met a set that may still grow. */
  readsOpen: boolean;
  /** It reads a set of its component on the right of `but not`. */
  isNegating: boolean;
}

/** Sets inside one another; each takes a few frames of the stack, and Node has about 10,000. */
const MAX_NESTED_SETS = 500;

/** Of what is kept of a set, beside its list: an entry of a map and an object. */
const SET_BYTES = 96;

export class SetWalk {
  readonly #parts: SetWalkParts;
  readonly #graph: GraphReader;
  readonly #maxDepth: number;
  readonly #settled = new Map<number, Settled>();
  /** Of the object that is asked about alone. */
  readonly #passing: number[] = [];
  readonly #open = new Map<number, Frame>();
  readonly #path: Frame[] = [];
  readonly #list = new NodeList();
  /** The one at work; what is read, it reads. */
  #frame: Frame | undefined;
  #nested = 0;
  #isNegated = false;
  #counted = new WeakSet<Ranks>();
  #bytes = 0;
  #steps = 0;

  constructor(parts: SetWalkParts) {
    const { graph, budget } = parts.scopes.before;
    this.#parts = parts;
    this.#graph = graph;
    this.#maxDepth = budget.limits.maxDepth;
  }

  /** Sets made and edges looked at. */
  get steps(): number {
    return this.#steps;
  }

  isReached(relation: JointIndex): boolean {
    return this.#parts.reached[relation] === 1;
  }

  /** Undefined where checks have to decide. */
  partsOf(node: Node, relation: JointIndex): Parts | undefined {
    if (this.#bytes > this.#parts.maxBytes) this.#forgetAll();
    if (this.#parts.joint.isHeld[relation] !== 1) {
      // No edge leads to the relation, so nothing below can lead back to this set. Its parts are not put
      // together: the whole may be large where what differs is small.
      const frame = this.#frameOf(node, relation);
      const parts = this.#evaluated(frame);
      this.#forgetPassing();
      return frame.height < this.#maxDepth ? parts : undefined;
    }
    const { sure, possible, height } = this.#asked(node, relation);
    this.#forgetPassing();
    if (height >= this.#maxDepth) return undefined;
    return { sure: [sure], unsure: sure === possible ? [] : [possible] };
  }

  #asked(node: Node, relation: JointIndex): Settled {
    const key = this.#key(node, relation);
    const found = this.#settled.get(key) ?? this.#make(key, node, relation);
    assert(!('place' in found), 'what nobody waits for is settled');
    return found;
  }

  #relation(index: JointIndex): JointRelation {
    const relation = this.#parts.joint.relations[index];
    if (relation === undefined) throw new RangeError(`no relation ${index} in the plans`);
    return relation;
  }

  #key(node: Node, relation: JointIndex): number {
    return node * this.#parts.joint.relations.length + relation;
  }

  #read(node: Node, relation: JointIndex, hops: 0 | 1): Members {
    if (!this.isReached(relation)) return NONE;
    const key = this.#key(node, relation);
    const found = this.#settled.get(key) ?? this.#open.get(key) ?? this.#make(key, node, relation);
    const reader = this.#frame;
    if (reader === undefined) return NONE;
    if ('place' in found) {
      // It is open, and so of the reader's component.
      reader.low = Math.min(reader.low, found.low);
      if (found === reader) reader.isRecurrent = true;
      reader.readsOpen = true;
      if (this.#isNegated) reader.isNegating = true;
      return found.members;
    }
    reader.height = Math.max(reader.height, found.height + hops);
    return found;
  }

  #frameOf(node: Node, relation: JointIndex): Frame {
    const place = this.#path.length;
    return {
      key: this.#key(node, relation),
      node,
      relation,
      place,
      low: place,
      members: NONE,
      height: 0,
      isRecurrent: false,
      readsOpen: false,
      isNegating: false,
    };
  }

  /** Settled, or open if a set further up is of the same component. */
  #make(key: number, node: Node, relation: JointIndex): Settled | Frame {
    if (this.#nested >= MAX_NESTED_SETS) return UNSETTLED;
    const frame = this.#frameOf(node, relation);
    this.#path.push(frame);
    this.#open.set(key, frame);
    this.#nested += 1;
    this.#steps += 1;
    frame.members = joined(this.#evaluated(frame));
    this.#nested -= 1;
    if (frame.low < frame.place) return frame;
    const component = this.#path.splice(frame.place);
    if (component.length === 1 && !frame.isRecurrent) {
      this.#open.delete(key);
      return this.#settle(frame, frame.height);
    }
    const height = this.#heightOf(component);
    if (height < this.#maxDepth) this.#reachFixpoint(component);
    for (const each of component) {
      this.#open.delete(each.key);
      this.#settle(each, height);
    }
    return this.#settled.get(key) ?? UNSETTLED;
  }

  #evaluated(frame: Frame): Parts {
    const reader = this.#frame;
    const isNegated = this.#isNegated;
    this.#frame = frame;
    this.#isNegated = false;
    frame.readsOpen = false;
    const parts = this.#expression(frame.node, this.#relation(frame.relation).expression);
    this.#frame = reader;
    this.#isNegated = isNegated;
    return parts;
  }

  /** A way through a component meets each of its sets once. */
  #heightOf(component: readonly Frame[]): number {
    if (component.some(({ isNegating }) => isNegating)) return Infinity;
    return component.reduce((most, { height }) => Math.max(most, height), 0) + component.length;
  }

  /** What is known of the sets so far comes from nobody upwards, and all that they read only grows. */
  #reachFixpoint(component: readonly Frame[]): void {
    for (let hasGrown = true; hasGrown;) {
      hasGrown = false;
      for (const frame of component.toReversed()) {
        const { sure, possible } = frame.members;
        const members = joined(this.#evaluated(frame));
        if (isSame(members.sure, sure) && isSame(members.possible, possible)) continue;
        frame.members = members;
        hasGrown = true;
      }
    }
  }

  #settle({ key, relation, members }: Frame, height: number): Settled {
    const { sure, possible } = members;
    const settled = height < this.#maxDepth ? { sure, possible, height } : UNSETTLED;
    this.#settled.set(key, settled);
    if (this.#parts.joint.isHeld[relation] !== 1) {
      this.#passing.push(key);
      return settled;
    }
    this.#bytes += SET_BYTES + this.#newBytes(settled.sure) + this.#newBytes(settled.possible);
    if (this.#bytes > 2 * this.#parts.maxBytes) throw tooLarge(this.#parts.maxBytes);
    return settled;
  }

  #newBytes({ ranks }: SubjectSet): number {
    if (this.#counted.has(ranks)) return 0;
    this.#counted.add(ranks);
    return ranks.byteLength;
  }

  #forgetPassing(): void {
    for (const key of this.#passing) this.#settled.delete(key);
    this.#passing.length = 0;
  }

  #forgetAll(): void {
    this.#settled.clear();
    this.#counted = new WeakSet();
    this.#bytes = 0;
  }

  /**
   * What is nobody, whoever else turns out a member, needs no look at the rest of an `and` or `but not`.
   * While a set may still grow, all is looked at: each evaluation of a frame must read the same sets.
   */
  #expression(node: Node, expression: JointExpression): Parts {
    switch (expression.kind) {
      case 'any':
        return this.#collect(node, expression);
      case 'all': {
        const operands: Parts[] = [];
        for (const operand of expression.operands) {
          const parts = this.#expression(node, operand);
          if (this.#isNobody(parts)) return parts;
          operands.push(parts);
        }
        return common(operands);
      }
      case 'butNot': {
        const base = this.#expression(node, expression.base);
        if (this.#isNobody(base)) return base;
        const isNegated = this.#isNegated;
        this.#isNegated = true;
        const subtract = this.#expression(node, expression.subtract);
        this.#isNegated = isNegated;
        return except(base, subtract);
      }
    }
  }

  #isNobody({ sure, unsure }: Parts): boolean {
    return sure.length + unsure.length === 0 && this.#frame?.readsOpen !== true;
  }

  #collect(node: Node, expression: AnyExpression): Parts {
    const parts: Parts = { sure: [], unsure: [] };
    for (const end of expression.ends) {
      if (end.subjectType === this.#parts.subjectType) this.#takeEnd(node, end, parts);
    }
    for (const way of expression.ways) {
      if (this.isReached(way.target)) this.#takeWay(node, way, parts);
    }
    for (const relation of expression.computed) take(parts, this.#read(node, relation, 0));
    for (const other of expression.others) {
      const { sure, unsure } = this.#expression(node, other);
      parts.sure.push(...sure);
      parts.unsure.push(...unsure);
    }
    return parts;
  }

  #takeEnd(node: Node, { kind, admission, isWildcard }: JointEnd, parts: Parts): void {
    const { population } = this.#parts;
    if (admission.plain) {
      this.#graph.openSubjects(node, kind, this.#list);
      const { words, start, length } = this.#list;
      this.#steps += length;
      if (length > 0 && isWildcard) parts.sure.push(EVERYBODY);
      if (length > 0 && !isWildcard) {
        const ranks = new Int32Array(length);
        for (let i = 0; i < length; i++) ranks[i] = population.rankOf(words[start + i] ?? 0);
        parts.sure.push(onlyThese(ranks));
      }
    }
    if (!this.#graph.hasGuarded) return;
    this.#guarded(node, kind, admission, (subject, isSure) => {
      const subjects = isWildcard
        ? EVERYBODY
        : onlyThese(Int32Array.of(population.rankOf(subject)));
      (isSure ? parts.sure : parts.unsure).push(subjects);
    });
  }

  #takeWay(node: Node, { kind, admission, target }: JointWay, parts: Parts): void {
    if (admission.plain) {
      this.#graph.openSubjects(node, kind, this.#list);
      // The list is another one once a set below is read.
      const { words, start, length } = this.#list;
      this.#steps += length;
      for (let i = start; i < start + length; i++) {
        take(parts, this.#read(words[i] ?? 0, target, 1));
      }
    }
    if (!this.#graph.hasGuarded) return;
    this.#guarded(node, kind, admission, (subject, isSure) => {
      const members = this.#read(subject, target, 1);
      if (isSure) take(parts, members);
      else if (members.possible !== NOBODY) parts.unsure.push(members.possible);
    });
  }

  /** Visits the edges that hold, and those of which it cannot be told. */
  #guarded(
    node: Node,
    kind: EdgeKind,
    admission: Admission,
    visit: (subject: Node, isSure: boolean) => void,
  ): void {
    const scope = this.#scope();
    this.#graph.someGuardedSubject(node, kind, (subject, facts) => {
      this.#steps += 1;
      const holds = whetherHolds(scope, admission, facts);
      if (holds !== false) visit(subject, holds === true);
      return false;
    });
  }

  #scope(): QueryScope {
    const { relation = 0 } = this.#frame ?? {};
    return this.#parts.scopes[this.#relation(relation).side];
  }
}

type AnyExpression = JointExpression & { readonly kind: 'any' };

/** What is kept is forgotten between one object and the next, so this is what one object took. */
const tooLarge = (maxBytes: number): PembaError =>
  new PembaError(
    'query_too_large',
    `the members of one object's sets take more than ${Math.floor(maxBytes / 2 ** 20)} MB`,
    { facts: { maxBytes } },
  );
