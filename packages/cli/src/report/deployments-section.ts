// SPDX-License-Identifier: Apache-2.0
// Where the image was deployed, and how that ended, by records that the role deploy signed.
import { badge, clip, html, htmlDigest, htmlLink, htmlRow, htmlRows, htmlSection, htmlTable, instant, type Markup } from '@pratique/step';
import { ago } from './age.ts';
import type { ReportModel } from './model.ts';

const heads = ['Ended', 'Where', 'Why', 'Run', 'Signed'];
const mostRows = 200;

/** The table, or the words for why there is none. */
export function deploymentsSection({ deployments, generatedAt }: ReportModel): Markup {
  if (deployments.length === 0) return htmlSection('deployments', 'Deployments', html`<p class="dim">No believed record of a deployment hangs on the image.</p>`);
  const rows = deployments.slice(0, mostRows).map(({ result, code, reason, target, revision, run, statement }) => htmlRow(heads, [
    html`${result === 'promoted' ? badge('good', 'promoted') : badge('bad', 'rolled back')}${code === undefined ? undefined : html`<span class="line"><code>${clip(code, 60)}</code></span>`}`,
    html`<b class="wrap">${clip(`${target.namespace}/${target.release}`, 160)}</b><span class="line dim wrap">${clip(target.cluster.server, 160)}</span><span class="line dim">revision ${revision}</span>`,
    html`${clip(reason, 400)}`, html`<span class="wrap">${htmlLink(run)}</span>`,
    html`${instant(statement.trustedTime)}<span class="line">${ago(statement.trustedTime, generatedAt)}</span>${htmlDigest(statement.attestation)}`,
  ]));
  return htmlSection('deployments', `Deployments (${deployments.length})`, htmlTable({ caption: 'Newest first; the last end of each kind for each release', heads, bodies: [htmlRows(rows)] }));
}
