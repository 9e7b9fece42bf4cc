/** A tree as lines, for the eye. */
export interface Branch {
  readonly label: string;
  readonly branches?: readonly Branch[];
}

export function drawTree({ label, branches = [] }: Branch): string {
  return [
    label,
    ...branches.flatMap((each, i) => drawBranch(each, i === branches.length - 1)),
  ].join('\n');
}

function drawBranch(branch: Branch, isLast: boolean): readonly string[] {
  const [first = '', ...others] = drawTree(branch).split('\n');
  const indent = isLast ? '   ' : '│  ';
  return [`${isLast ? '└─' : '├─'} ${first}`, ...others.map((line) => indent + line)];
}
