/** Why a decision is as it is: the tuples that it rests on, or a tree of what was tried. */
import type { Json } from '../api.js';
import type { Output } from '../print.js';
import { drawTree } from './draw-tree.js';
import type { Branch } from './draw-tree.js';

interface WireProof {
  readonly tuples: readonly string[];
  readonly contextual_tuples?: readonly string[];
  readonly outside_of?: readonly string[];
  readonly expires_at?: string;
}

export interface WireDenial {
  readonly set: string;
  readonly because: string;
  readonly absent?: readonly string[];
  readonly subject?: string;
  readonly tuple?: string;
  readonly condition?: string;
  readonly parameters?: readonly string[];
  readonly message?: string;
  readonly from?: string;
  readonly proof?: WireProof;
  readonly ways?: readonly WireDenial[];
  readonly more?: number;
}

interface WireMissing {
  readonly kind: string;
  readonly tuple?: string;
  readonly denial?: WireDenial;
}

export function explanationText(answer: Json, question: string, paint: Output['paint']): string {
  const { allowed, proof, denial, missing } = answer as {
    readonly allowed: boolean;
    readonly proof?: WireProof;
    readonly denial?: WireDenial;
    readonly missing?: readonly WireMissing[];
  };
  if (allowed) {
    const label = `${question}: ${paint('green', 'allowed')}`;
    return drawTree({ label, branches: proof === undefined ? [] : proofBranches(proof) });
  }
  const branches = [
    ...(denial === undefined ? [] : [denialBranch(denial)]),
    ...(missing ?? []).map(missingBranch),
  ];
  return drawTree({ label: `${question}: ${paint('red', 'denied')}`, branches });
}

const proofBranches = (proof: WireProof): readonly Branch[] => [
  ...proof.tuples.map((label) => ({ label })),
  ...(proof.contextual_tuples ?? []).map((tuple) => ({ label: `${tuple} (of the question)` })),
  ...(proof.outside_of ?? []).map((set) => ({ label: `and not in ${set}` })),
  ...(proof.expires_at === undefined ? [] : [{ label: `until ${proof.expires_at}` }]),
];

function missingBranch({ kind, tuple, denial }: WireMissing): Branch {
  if (denial !== undefined) return { label: kind, branches: [denialBranch(denial)] };
  return { label: `${kind}: there is no ${tuple ?? ''}` };
}

/** Their tuple is one of the set. */
const NAMED_BY_TUPLE: ReadonlySet<string> = new Set([
  'no_tuple',
  'expired',
  'not_admitted',
  'condition_false',
  'missing_parameters',
  'condition_error',
]);

export function denialBranch(denial: WireDenial): Branch {
  const { set, because, ways = [], more = 0, proof } = denial;
  const cause = causeText(denial);
  const label = NAMED_BY_TUPLE.has(because) ? cause : `${set}: ${cause}`;
  if (because === 'excluded' && proof !== undefined) {
    return { label, branches: proofBranches(proof) };
  }
  const branches = ways.map(denialBranch);
  if (more > 0) branches.push({ label: `and ${more} more` });
  return { label, branches };
}

function causeText(denial: WireDenial): string {
  const { because, absent = [], subject = '', tuple = '', condition = '' } = denial;
  switch (because) {
    case 'all_ways_fail':
      return 'no way leads here';
    case 'one_operand_fails':
      return 'of what is needed, this is missing';
    case 'no_tuple':
      return `no ${absent.join(', nor ')}`;
    case 'no_way_in_model':
      return `the model lets no ${subject.split(':')[0] ?? ''} in here`;
    case 'expired':
      return `${tuple} has expired`;
    case 'not_admitted':
      return `the model does not admit ${tuple}`;
    case 'condition_false':
      return `${condition} is false for ${tuple}`;
    case 'missing_parameters':
      return `${condition} of ${tuple} lacks ${(denial.parameters ?? []).join(', ')}`;
    case 'condition_error':
      return `${condition} of ${tuple} fails: ${denial.message ?? ''}`;
    case 'excluded':
      return `shut out${denial.from === undefined ? '' : ` by ${denial.from}`}, because of`;
    case 'cycle':
      return 'rests on itself';
    case 'own_negation':
      return 'rests on its own negation';
    case 'too_deep':
      return 'too many hops away';
    default:
      return because.replaceAll('_', ' ');
  }
}
