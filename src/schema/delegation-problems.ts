/**
 * What the implications of a model suffer from, from the model alone. None of it keeps a model from
 * being written: a rule that nobody can use harms nobody, and a loop may be meant. What "can" and
 * "leads to" say is what `reach.ts` says of them: certain where it says no.
 */
import { ACTING_FOR, ACTOR, scopeIdOf } from '../tuple/delegation.js';
import { branchesOf, holdsServices, relationsIn } from './implications.js';
import type { Branch, RelationPart } from './implications.js';
import { PROBLEMS_MAX } from './limits.js';
import { moduleOf } from './model.js';
import type { Rewrite } from './model.js';
import type { Expression, Plan, RelationIndex } from './plan.js';
import { quote } from './problem.js';
import type { Reach } from './reach.js';
import { rewriteText } from './rewrite-text.js';

export interface DelegationProblem {
  readonly kind:
    | 'no_service' // `acting_for from …`, where nothing is a service
    | 'unsatisfiable' // no user can have what else it takes
    | 'loop' // it can follow from itself, by way of another module
    | 'hidden' // acting for a user lifts what takes away: no implication shows that
    | 'no_ceiling' // the model has no place for ceilings
    | 'ambiguous_scope'; // one ceiling for two permissions
  readonly type: string;
  readonly relation: string;
  readonly message: string;
}

export function delegationProblems(plan: Plan, reach: Reach): readonly DelegationProblem[] {
  const problems: DelegationProblem[] = [];
  for (const problem of new Search(plan, reach).problems()) {
    problems.push(problem);
    if (problems.length === PROBLEMS_MAX) break;
  }
  return problems;
}

class Search {
  readonly #plan: Plan;
  readonly #reach: Reach;
  /** Types of which somebody can be acted for. */
  readonly #users: readonly string[];

  constructor(plan: Plan, reach: Reach) {
    this.#plan = plan;
    this.#reach = reach;
    const actingFor = plan.relation(ACTING_FOR.type, ACTING_FOR.relation);
    this.#users = [...plan.model.types.keys()].filter(
      (type) => actingFor !== undefined && reach.reachedFrom(type, '')[actingFor.index] === 1,
    );
  }

  *problems(): Generator<DelegationProblem> {
    if (this.#users.length === 0) return;
    yield* this.#withoutCeilings();
    yield* this.#ambiguousScopes();
    yield* this.#withoutServices();
    yield* this.#hidden();
    const { list } = branchesOf(this.#plan.model);
    for (const branch of list) yield* this.#unsatisfiable(branch);
    for (const [target, needs] of this.#needsByTarget(list)) yield* this.#loops(target, needs);
  }

  *#withoutCeilings(): Generator<DelegationProblem> {
    const { type, relation } = ACTOR;
    const actors = this.#plan.relation(type, relation);
    if (actors !== undefined && this.#isReached(actors.index, ACTING_FOR.type)) return;
    const message =
      `'${type}#${relation}' admits no ${ACTING_FOR.type}, ` +
      'so none has a ceiling and nothing is delegated';
    yield { kind: 'no_ceiling', type, relation, message };
  }

  *#ambiguousScopes(): Generator<DelegationProblem> {
    const known = new Map<string, string>();
    for (const { type, name } of this.#plan.relations) {
      const scope = scopeIdOf(type, name);
      const other = known.get(scope);
      known.set(scope, `${type}#${name}`);
      if (other === undefined) continue;
      const message = `'${ACTOR.type}:${scope}' is the ceiling of ${quote(other)} as well`;
      yield { kind: 'ambiguous_scope', type, relation: name, message };
    }
  }

  *#withoutServices(): Generator<DelegationProblem> {
    for (const type of this.#plan.model.types.values()) {
      for (const { name, rewrite } of type.relations.values()) {
        for (const tupleset of tuplesetsOfActing(rewrite)) {
          if (holdsServices(type, tupleset)) continue;
          const message =
            `${quote(`${ACTING_FOR.relation} from ${tupleset}`)} holds for no service: ` +
            `${quote(tupleset)} names none`;
          yield { kind: 'no_service', type: type.name, relation: name, message };
        }
      }
    }
  }

  /** Twice taken away is given. Implications are found where nothing is taken away. */
  *#hidden(): Generator<DelegationProblem> {
    const start = this.#plan.relation(ACTING_FOR.type, ACTING_FOR.relation);
    if (start === undefined) return;
    const users = usersOf(this.#plan);
    const told = new Set<RelationIndex>();
    // Each relation twice: as one that acting for a user adds to, and as one that it takes from.
    const seen = new Set([signed(start.index, true)]);
    for (const at of seen) {
      const adds = at % 2 === 0;
      for (const { by, negations } of users[Math.floor(at / 2)] ?? []) {
        const addsThere = negations % 2 === 0 ? adds : !adds;
        seen.add(signed(by, addsThere));
        const { type, name, definition } = this.#plan.relations[by] ?? start;
        if (!addsThere || negations === 0 || told.has(by)) continue;
        told.add(by);
        const rule = quote(rewriteText(definition.rewrite, definition.restrictions));
        const message =
          `of ${rule}, acting for a user lifts what is taken away; ` +
          'this is not among the implications';
        yield { kind: 'hidden', type, relation: name, message };
      }
    }
  }

  *#unsatisfiable({ type, relation, needs }: Branch): Generator<DelegationProblem> {
    const lacks = (user: string): Rewrite | undefined =>
      needs.find((need) => !this.#canHold({ type, relation, rewrite: need }, user));
    const lacking = this.#users.map(lacks);
    const [first] = lacking;
    if (first === undefined || lacking.includes(undefined)) return;
    const users = this.#users.map(quote).join(' or ');
    const what = quote(rewriteText(first, relation.restrictions));
    const message = `no ${users} can have ${what}, which it takes, so it holds for nobody`;
    yield { kind: 'unsatisfiable', type: type.name, relation: relation.name, message };
  }

  #needsByTarget(
    branches: readonly Branch[],
  ): ReadonlyMap<RelationIndex, ReadonlySet<RelationIndex>> {
    const found = new Map<RelationIndex, Set<RelationIndex>>();
    for (const { type, relation, needs } of branches) {
      const target = this.#plan.relation(type.name, relation.name)?.index;
      if (target === undefined) continue;
      const known = found.get(target) ?? new Set();
      for (const rewrite of needs) {
        for (const need of this.#relationsIn({ type, relation, rewrite })) known.add(need);
      }
      found.set(target, known);
    }
    return found;
  }

  /** What a rule takes can come from what it gives, by way of what another module owns. */
  *#loops(target: RelationIndex, needs: ReadonlySet<RelationIndex>): Generator<DelegationProblem> {
    const { type = '', name = '' } = this.#plan.relations[target] ?? {};
    for (const need of needs) {
      const path = this.#pathBetween(target, need);
      if (new Set(path.map((index) => this.#ownerOf(index))).size < 2) continue;
      const names = [...path, target].map((index) => this.#nameOf(index)).join(' → ');
      const message = `it can follow from itself by way of another module: ${names}`;
      yield { kind: 'loop', type, relation: name, message };
    }
  }

  /** Whether somebody of the type `user` can be made a member by this part of a relation. */
  #canHold(part: RelationPart, user: string): boolean {
    const { relation, rewrite } = part;
    const canHold = (operand: Rewrite): boolean =>
      this.#canHold({ ...part, rewrite: operand }, user);
    switch (rewrite.kind) {
      case 'direct':
        if (relation.restrictions.some((one) => one.kind !== 'userset' && one.type === user)) {
          return true;
        }
        break;
      case 'union':
        return rewrite.operands.some(canHold);
      case 'intersection':
        return rewrite.operands.every(canHold);
      case 'exclusion':
        return canHold(rewrite.base);
      default:
    }
    return this.#relationsIn(part).some((index) => this.#isReached(index, user));
  }

  #relationsIn(part: RelationPart): readonly RelationIndex[] {
    return [...relationsIn(this.#plan.model, part)].flatMap(
      ({ type, relation }) => this.#plan.relation(type, relation)?.index ?? [],
    );
  }

  #isReached(relation: RelationIndex, subjectType: string): boolean {
    return this.#reach.reachedFrom(subjectType, '')[relation] === 1;
  }

  /** The shortest way on which members of one relation become members of the other; [] if none. */
  #pathBetween(from: RelationIndex, to: RelationIndex): readonly RelationIndex[] {
    const cameFrom = new Map<RelationIndex, RelationIndex | undefined>([[from, undefined]]);
    // A map is walked in the order in which it grows.
    for (const at of cameFrom.keys()) {
      if (at === to) break;
      for (const { by } of this.#reach.references(at)) {
        if (!cameFrom.has(by)) cameFrom.set(by, at);
      }
    }
    if (!cameFrom.has(to)) return [];
    const path = [to];
    for (let at = cameFrom.get(to); at !== undefined; at = cameFrom.get(at)) path.unshift(at);
    return path;
  }

  #ownerOf(index: RelationIndex): string {
    const { type = '', name = '' } = this.#plan.relations[index] ?? {};
    return moduleOf(this.#plan.model, type, name) ?? type;
  }

  #nameOf(index: RelationIndex): string {
    const { type = '', name = '' } = this.#plan.relations[index] ?? {};
    return `${type}#${name}`;
  }
}

const signed = (index: RelationIndex, adds: boolean): number => 2 * index + (adds ? 0 : 1);

interface UserOfRelation {
  readonly by: RelationIndex;
  /** How often `but not` stands above the place. */
  readonly negations: number;
}

/** By relation: those whose rules speak of it, in whatever place. */
function usersOf({ relations }: Plan): readonly (readonly UserOfRelation[])[] {
  const users = relations.map((): UserOfRelation[] => []);
  const collect = (by: RelationIndex, expression: Expression, negations: number): void => {
    const note = (target: RelationIndex): unknown => users[target]?.push({ by, negations });
    switch (expression.kind) {
      case 'direct':
        for (const set of expression.sets) if (set.form === 'userset') note(set.target);
        return;
      case 'computed':
        note(expression.target);
        return;
      case 'from':
        for (const { target } of expression.paths) note(target);
        return;
      case 'union':
      case 'intersection':
        for (const operand of expression.operands) collect(by, operand, negations);
        return;
      case 'exclusion':
        collect(by, expression.base, negations);
        collect(by, expression.subtract, negations + 1);
    }
  };
  for (const { index, expression } of relations) collect(index, expression, 0);
  return users;
}

function* tuplesetsOfActing(rewrite: Rewrite): Generator<string> {
  switch (rewrite.kind) {
    case 'direct':
    case 'computed':
      return;
    case 'from':
      if (rewrite.relation === ACTING_FOR.relation) yield rewrite.tupleset;
      return;
    case 'union':
    case 'intersection':
      for (const operand of rewrite.operands) yield* tuplesetsOfActing(operand);
      return;
    case 'exclusion':
      yield* tuplesetsOfActing(rewrite.base);
  }
}
