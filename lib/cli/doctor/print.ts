import type { Finding } from './finding';

const SIGNS = { ok: 'ok      ', note: 'note    ', problem: 'PROBLEM ' } as const;

/** The findings for people: one line each, with what to do at its end. */
export function printed(title: string, findings: readonly Finding[]): string {
  const lines = [title];
  let area: string | undefined;
  for (const finding of findings) {
    if (finding.area !== area) {
      area = finding.area;
      lines.push('', area);
    }
    const remedy = finding.remedy === undefined ? '' : ` -> ${finding.remedy}`;
    lines.push(`  ${SIGNS[finding.status]}${finding.name}: ${finding.text}${remedy}`);
  }
  const problems = findings.filter(({ status }) => status === 'problem').length;
  lines.push(
    '',
    problems === 0 ? 'everything works that should' : `${problems} of these should work and do not`,
  );
  return `${lines.join('\n')}\n`;
}
