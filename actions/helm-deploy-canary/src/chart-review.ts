// SPDX-License-Identifier: Apache-2.0
// What the chart is like beyond what the server takes: policy.yaml says which findings refuse the deployment, the others are told.
import { escapeMarkdown, Failure, type Context } from '@pratique/core';
import { lintManifest, type ChartFinding, type KubeObject } from '@pratique/kube';
import type { Admission } from './admission.ts';

const mostTold = 20;

/** Findings that do not refuse, each told once. Fails with `CHART_REFUSED`, which names all that do. */
export function reviewChart(ctx: Pick<Context, 'log'>, objects: readonly KubeObject[], { refuse, silence }: Pick<Admission['chart'], 'refuse' | 'silence'>): readonly ChartFinding[] {
  const found = lintManifest(objects).filter(({ code }) => !silence.includes(code));
  const refused = found.filter(({ code }) => refuse.includes(code));
  const [first] = refused;
  if (first !== undefined) {
    throw new Failure({
      code: 'CHART_REFUSED', message: `policy.yaml does not let this chart be deployed: ${listed(refused)}`, hint: `Mend the chart: ${first.mend}${refused.length > 1 ? ' (the others: see the facts)' : ''}. Or take ${[...new Set(refused.map(({ code }) => code))].join(', ')} out of chart.refuse of policy.yaml on the default branch.`,
      facts: { findings: refused.slice(0, mostTold).map(({ code, object, problem, mend }) => ({ code, object, problem, mend })) },
    });
  }
  if (found.length > 0) ctx.log.notice({ level: 'warning', title: `${found.length} findings in the chart`, message: listed(found) });
  return found;
}

/** Markdown: a table of the findings; nothing when there is none. */
export function describeChart(findings: readonly ChartFinding[]): string {
  if (findings.length === 0) return '';
  const rows = findings.slice(0, mostTold).map(({ code, object, problem, mend }) => `| ${[`\`${code}\``, escapeMarkdown(object), escapeMarkdown(problem), escapeMarkdown(mend)].join(' | ')} |`);
  const more = findings.length > mostTold ? [``, `… and ${findings.length - mostTold} more.`] : [];
  return ['', `<details><summary>The chart: ${findings.length} findings that do not refuse it</summary>`, '', '| finding | where | what | mend |', '|---|---|---|---|', ...rows, ...more, '', '</details>', ''].join('\n');
}

function listed(findings: readonly ChartFinding[]): string {
  const told = findings.slice(0, mostTold).map(({ code, object, problem }) => `${code}: ${object}: ${problem}`).join('; ');
  return findings.length > mostTold ? `${told}; and ${findings.length - mostTold} more` : told;
}
