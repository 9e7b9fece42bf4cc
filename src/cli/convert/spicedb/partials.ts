/** Writes out `...name`: a definition then has the partial's relations and permissions itself. */
import type { Findings } from '../finding.js';
import type { Definition, Permission, Relation, Schema } from './syntax.js';

export interface WholeDefinition extends Omit<Definition, 'members'> {
  readonly members: ReadonlyMap<string, Relation | Permission>;
}

export function withoutPartials(schema: Schema, findings: Findings): readonly WholeDefinition[] {
  const partials = new Map(schema.partials.map((partial) => [partial.name.text, partial]));
  const seen = new Set<string>();
  return schema.definitions.flatMap((definition) => {
    const { name, comments } = definition;
    if (seen.has(name.text)) {
      findings.add('missing', `'${name.text}' is defined twice; the first counts`, name.position);
      return [];
    }
    seen.add(name.text);
    const members = new Map<string, Relation | Permission>();
    collect(definition, members, new Set(), { partials, findings });
    return [{ name, comments, members }];
  });
}

interface Known {
  readonly partials: ReadonlyMap<string, Definition>;
  readonly findings: Findings;
}

function collect(
  from: Definition,
  into: Map<string, Relation | Permission>,
  within: ReadonlySet<Definition>,
  { partials, findings }: Known,
): void {
  for (const member of from.members) {
    const { text, position } = member.name;
    if (member.kind !== 'partial') {
      if (!into.has(text)) into.set(text, member);
      else findings.add('missing', `'${text}' is declared twice; the first counts`, position);
      continue;
    }
    const partial = partials.get(text);
    if (partial === undefined) findings.add('missing', `no partial '${text}'`, position);
    else if (within.has(partial)) {
      findings.add('missing', `the partial '${text}' contains itself`, position);
    } else collect(partial, into, new Set([...within, partial]), { partials, findings });
  }
}
