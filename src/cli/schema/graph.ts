/**
 * A schema as a picture: one box for each type and module (a type that another module extends has a
 * box there too), the relations in it, and an arrow from what makes somebody a member to what they
 * become a member of.
 */
import { implicationsOf } from '../../schema/implications.js';
import { moduleOf } from '../../schema/model.js';
import type { Model, RelationDefinition, Rewrite, TypeDefinition } from '../../schema/model.js';

export interface Graph {
  readonly boxes: readonly Box[];
  readonly arrows: readonly Arrow[];
}

export interface Box {
  readonly type: string;
  readonly module: string | undefined;
  /** Whether the type is declared here: objects of it are subjects. */
  readonly isHome: boolean;
  readonly relations: readonly string[];
}

export type ArrowKind = 'direct' | 'computed' | 'from' | 'not' | 'implication';

export interface Arrow {
  /** `user`, or `team#member`. */
  readonly from: string;
  readonly to: string;
  readonly kind: ArrowKind;
  readonly label: string;
}

export interface GraphOptions {
  /** Whether to show which rights of a user let a service act. */
  readonly implications: boolean;
  /** `order` or `order#can_view`: with what leads there and where it leads to, and nothing else. */
  readonly focus?: string | undefined;
}

export function graphOf(model: Model, { implications, focus }: GraphOptions): Graph {
  const arrows = [...arrowsOf(model), ...(implications ? implicationArrows(model) : [])];
  const graph = { boxes: boxesOf(model), arrows: withoutRepetition(arrows) };
  return focus === undefined ? graph : focused(graph, focus);
}

export const relationId = (type: string, relation: string): string => `${type}#${relation}`;

function boxesOf(model: Model): readonly Box[] {
  const boxes: Box[] = [];
  for (const type of model.types.values()) {
    const home = type.source?.module;
    const byModule = new Map<string | undefined, string[]>([[home, []]]);
    for (const { name } of type.relations.values()) {
      const module = moduleOf(model, type.name, name);
      byModule.set(module, [...(byModule.get(module) ?? []), name]);
    }
    for (const [module, relations] of byModule) {
      boxes.push({ type: type.name, module, isHome: module === home, relations });
    }
  }
  return boxes;
}

function* arrowsOf(model: Model): Generator<Arrow> {
  for (const type of model.types.values()) {
    for (const relation of type.relations.values()) {
      yield* rewriteArrows(model, { type, relation }, relation.rewrite, '');
    }
  }
}

interface Target {
  readonly type: TypeDefinition;
  readonly relation: RelationDefinition;
}

/** `operator` is what stands around: 'and', 'but not', or nothing. */
function* rewriteArrows(
  model: Model,
  target: Target,
  rewrite: Rewrite,
  operator: string,
): Generator<Arrow> {
  const { type, relation } = target;
  const to = relationId(type.name, relation.name);
  const arrow = (from: string, kind: ArrowKind, label: string): Arrow => ({
    from,
    to,
    kind: operator === 'but not' ? 'not' : kind,
    label: [operator, label].filter((text) => text !== '').join(' '),
  });
  switch (rewrite.kind) {
    case 'direct':
      for (const subject of relation.restrictions) {
        const from =
          subject.kind === 'userset' ? relationId(subject.type, subject.relation) : subject.type;
        const condition = subject.condition === undefined ? '' : `with ${subject.condition}`;
        const label = [subject.kind === 'wildcard' ? 'everybody' : '', condition].join(' ').trim();
        yield arrow(from, 'direct', label);
      }
      return;
    case 'computed':
      yield arrow(relationId(type.name, rewrite.relation), 'computed', '');
      return;
    case 'from': {
      const held = type.relations.get(rewrite.tupleset)?.restrictions ?? [];
      for (const name of new Set(held.map((restriction) => restriction.type))) {
        if (model.types.get(name)?.relations.has(rewrite.relation) !== true) continue;
        yield arrow(relationId(name, rewrite.relation), 'from', `from ${rewrite.tupleset}`);
      }
      return;
    }
    case 'union':
      for (const operand of rewrite.operands) {
        yield* rewriteArrows(model, target, operand, operator);
      }
      return;
    case 'intersection':
      for (const operand of rewrite.operands) {
        yield* rewriteArrows(model, target, operand, operator === '' ? 'and' : operator);
      }
      return;
    case 'exclusion':
      yield* rewriteArrows(model, target, rewrite.base, operator);
      yield* rewriteArrows(model, target, rewrite.subtract, 'but not');
  }
}

/** Across modules, where there are any: what one team's rights make another team's services do. */
function* implicationArrows(model: Model): Generator<Arrow> {
  for (const { type, relation, module, serviceRelation, needs } of implicationsOf(model).list) {
    for (const need of needs.flatMap(({ relations }) => relations)) {
      if (module !== undefined && need.module === module) continue;
      yield {
        from: relationId(need.type, need.relation),
        to: relationId(type, relation),
        kind: 'implication',
        label: `by ${serviceRelation ?? 'itself'}`,
      };
    }
  }
}

function withoutRepetition(arrows: readonly Arrow[]): readonly Arrow[] {
  const byText = new Map(arrows.map((arrow) => [JSON.stringify(arrow), arrow]));
  return [...byText.values()];
}

function focused({ boxes, arrows }: Graph, focus: string): Graph {
  const centre = boxes.flatMap(({ type, relations }) =>
    [type, ...relations.map((relation) => relationId(type, relation))].filter(
      (id) => id === focus || type === focus,
    ),
  );
  const kept = new Set([
    ...closure(centre, arrows, 'to', 'from'),
    ...closure(centre, arrows, 'from', 'to'),
  ]);
  return {
    boxes: boxes.flatMap((box) => {
      const { type, isHome } = box;
      const relations = box.relations.filter((relation) => kept.has(relationId(type, relation)));
      return relations.length > 0 || (isHome && kept.has(type)) ? [{ ...box, relations }] : [];
    }),
    arrows: arrows.filter(({ from, to }) => kept.has(from) && kept.has(to)),
  };
}

function closure(
  start: readonly string[],
  arrows: readonly Arrow[],
  here: 'from' | 'to',
  there: 'from' | 'to',
): ReadonlySet<string> {
  const next = grouped(arrows, (arrow) => arrow[here]);
  const reached = new Set(start);
  // A set is walked in the order in which it grows.
  for (const id of reached) for (const arrow of next.get(id) ?? []) reached.add(arrow[there]);
  return reached;
}

/** In the order of the first of each group. */
export function grouped<Item, Key>(
  items: readonly Item[],
  keyOf: (item: Item) => Key,
): ReadonlyMap<Key, readonly Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
