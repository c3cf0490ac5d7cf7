// SPDX-License-Identifier: Apache-2.0
// Findings of all platforms, united over scanners, worst first, each with its fix and with what the policy says of it now; and their filter.
import type { Finding, Reason, Severity } from '@pratique/core';
import type { JudgedFinding } from '@pratique/policy';
import { badge, clip, html, htmlLink, htmlRow, htmlRows, htmlSection, htmlTable, type BadgeLook, type Markup } from '@pratique/step';
import type { ReportModel } from './model.ts';

const severities: readonly Severity[] = ['critical', 'high', 'medium', 'low', 'negligible', 'unknown'];
const looks: Readonly<Record<Severity, BadgeLook>> = { critical: 'critical', high: 'high', medium: 'medium', low: 'low', negligible: 'dim', unknown: 'warn' };
const mostRows = 5000;

/** Counts by severity, worst first; severities without finding are left out. */
export function severityCounts(findings: readonly JudgedFinding[]): readonly (readonly [Severity, number])[] {
  return severities.flatMap((severity): (readonly [Severity, number])[] => {
    const count = findings.filter(({ finding }) => finding.severity === severity).length;
    return count === 0 ? [] : [[severity, count]];
  });
}

/** A severity as a badge. */
export function severityBadge(severity: Severity, text: string = severity): Markup {
  return badge(looks[severity], text);
}

/** The table, or the words for why there is none. */
export function findingsSection({ survey: { scans, findings }, platforms, channel, believed }: ReportModel): Markup {
  const unscanned = platforms.length - new Set(scans.map(({ platform }) => platform.digest)).size;
  const gap = unscanned === 0 ? undefined : html`<p class="note warn">${unscanned} of ${platforms.length} platforms have no believed scan: what is in them is not known.</p>`;
  const judged = html`<p class="dim">From ${scans.length} signed ${scans.length === 1 ? 'scan' : 'scans'} that count${channel === 'preview' ? ' for previews only' : ''}, judged by the policy as it is now${believed === undefined ? '' : html` (<span class="wrap">${believed.uri}</span>)`}.</p>`;
  if (findings.length === 0) return htmlSection('findings', 'Findings', html`${gap}${scans.length === 0 ? undefined : html`<p>None.</p>${judged}`}`);
  const heads = ['Severity', 'Vulnerability', 'Package', 'Fixed in', 'Platforms', 'Policy'];
  const more = findings.length > mostRows ? html`<p class="note warn">${findings.length - mostRows} more are not shown; the scan attestations hold all of them.</p>` : undefined;
  return htmlSection('findings', `Findings (${findings.length})`, html`${gap}${judged}${filter(findings)}
${htmlTable({ id: 'finding-rows', caption: 'Findings, worst first', heads, bodies: [htmlRows(findings.slice(0, mostRows).map((one) => findingRow(heads, one)))] })}${more}`);
}

function filter(findings: readonly JudgedFinding[]): Markup {
  const options = severityCounts(findings).map(([severity, count]) => html`<option value="${severity}">${severity} (${count})</option>`);
  return html`<form id="filter" role="search" aria-label="Filter findings" hidden>
<label>Text <input type="search" name="text" placeholder="CVE, package, platform, rule" autocomplete="off"></label>
<label>Severity <select name="severity"><option value="">all</option>${options}</select></label>
<label>Fix <select name="fixable"><option value="">any</option><option value="yes">there is one</option><option value="no">none yet</option></select></label>
<output id="shown" aria-live="polite"></output></form>`;
}

function findingRow(heads: readonly string[], { finding, platforms, reasons }: JudgedFinding): Markup {
  const { id, aliases = [], severity, installed, fixed, title, url } = finding;
  const others = aliases.length === 0 ? undefined : html`<br><span class="dim">${clip(aliases.join(', '), 120)}</span>`;
  return htmlRow(heads, [
    severityBadge(severity),
    html`${url === undefined ? html`<b>${clip(id)}</b>` : html`<b>${htmlLink(url, id)}</b>`}${others}${title === undefined ? undefined : html`<br><span class="dim">${clip(title, 200)}</span>`}`,
    html`<b class="wrap">${clip(finding.package)}</b><br><code>${clip(installed)}</code>${placeOf(finding)}`,
    fixed === undefined ? html`<span class="dim">no fix yet</span>` : html`<code>${clip(fixed)}</code>`,
    html`${platforms.map((one) => html`<span class="line">${clip(one)}</span>`)}`,
    reasons.length === 0 ? html`<span class="dim">no rule speaks of it</span>` : html`${reasons.map(reasonPart)}`,
  ], html`data-severity="${severity}" data-fixable="${fixed === undefined ? 'no' : 'yes'}"`);
}

function placeOf({ class: kind, path }: Finding): Markup | undefined {
  return kind === 'os' || path === undefined || path === '' ? undefined : html`<br><span class="dim wrap">${clip(path, 120)}</span>`;
}

function reasonPart({ code, effect, rule, policy, message }: Reason): Markup {
  const [look, word]: readonly [BadgeLook, string] = code === 'GATE_FINDING_EXCEPTED' ? ['dim', 'excepted'] : effect === 'deny' ? ['bad', 'denied'] : ['warn', 'told'];
  const place = policy === undefined ? undefined : html` <span class="dim">${clip(policy.file, 120)}:${policy.line}</span>`;
  // A plain denial repeats what the row says; what an exception does needs its words.
  const words = code === 'GATE_FINDING_DENIED' || code === 'GATE_FINDING_WARNED' ? rule : message;
  return html`<span class="line">${badge(look, word)} ${clip(words)}${place}</span>`;
}
