/** Where a JSON model says what a problem is about: the key of the relation, or of its type. */
import { LineCounter, Pair, Scalar, YAMLMap, YAMLSeq, parseDocument } from 'yaml';
import type { ModelProblem } from '../../schema/problem.js';

type About = Pick<ModelProblem, 'type' | 'relation' | 'condition'>;

export function placeInJson(
  text: string,
  about: About,
): { readonly line: number; readonly column: number } | undefined {
  const lines = new LineCounter();
  const { contents } = parseDocument(text, { lineCounter: lines, uniqueKeys: false });
  const model = member(contents, 'authorization_model') ?? contents;
  const node = about.type === undefined ? conditionIn(model, about) : typeIn(model, about);
  if (!(node instanceof Scalar) || !node.range) return undefined;
  const { line, col } = lines.linePos(node.range[0]);
  return { line, column: col };
}

const conditionIn = (model: unknown, { condition = '' }: About): unknown =>
  key(member(model, 'conditions'), condition);

function typeIn(model: unknown, { type, relation }: About): unknown {
  const types = member(model, 'type_definitions') ?? member(model, 'typeDefinitions');
  if (!(types instanceof YAMLSeq)) return undefined;
  const named = (node: unknown): unknown => member(node, 'type');
  const found: unknown = types.items.find((node) => {
    const name = named(node);
    return name instanceof Scalar && name.value === type;
  });
  const place = relation === undefined ? undefined : key(member(found, 'relations'), relation);
  return place ?? named(found);
}

const member = (node: unknown, name: string): unknown =>
  node instanceof YAMLMap ? node.get(name, true) : undefined;

function key(node: unknown, name: string): unknown {
  if (!(node instanceof YAMLMap)) return undefined;
  const pair: unknown = node.items.find(
    ({ key: each }) => each instanceof Scalar && each.value === name,
  );
  return pair instanceof Pair ? pair.key : undefined;
}
