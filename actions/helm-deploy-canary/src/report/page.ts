// SPDX-License-Identifier: Apache-2.0
// The report of a deployment as one HTML file: how it ended and why, over time, in figures, and what was done.
import { formatImage } from '@pratique/core';
import { formatOdds, formatPercent } from '@pratique/kube';
import { badge, clip, html, htmlDigest, htmlFacts, htmlHeadline, htmlLink, htmlPage, htmlRow, htmlRows, htmlSection, htmlTable, htmlTile, instant, plural, type Markup } from '@pratique/step';
import type { Finding, RunRecord } from '../run-record.ts';
import { judgementSection } from './judgement-section.ts';
import { style } from './style.ts';
import { formatSeconds } from './ticks.ts';
import { timeSection } from './time-section.ts';

const ends: Readonly<Record<RunRecord['result'], readonly ['good' | 'bad' | 'warn', string]>> = {
  promoted: ['good', 'Promoted'], 'rolled-back': ['bad', 'Rolled back'], insufficient: ['warn', 'Not enough evidence'], failed: ['bad', 'Failed'],
};
const mostFindings = 10;
const mostEvidence = 60;

/** The whole file. */
export function deploymentPage(record: RunRecord): string {
  const [look, words] = ends[record.result];
  const title = html`${words}${record.code === undefined ? undefined : html` <code>${record.code}</code>`}`;
  const parts = [diagnosisSection(record), timeSection(record), judgementSection(record), comparedSection(record), chartSection(record), courseSection(record), aboutSection(record)].flatMap((part) => part ?? []);
  return htmlPage({
    title: `${words}: ${clip(record.release, 80)} in ${clip(record.namespace, 80)}`, style,
    body: html`<header>${masthead(record)}${htmlHeadline(look, title, clip(record.words, 1500))}${todo(record)}${tiles(record)}</header><main>${parts}</main>`,
  });
}

function masthead({ release, namespace, image, strategy, revision = 0, finishedAt }: RunRecord): Markup {
  const tags = [strategy, ...(revision > 0 ? [`revision ${revision}`] : [])];
  return html`<p class="brand"><b>Pratique</b> deployment report <span>${instant(finishedAt)}</span></p>
<h1><span class="wrap">${clip(release, 120)}</span> <small>in ${clip(namespace, 120)}</small></h1>
<p class="name">${image.registry}/${image.repository}<wbr>@<code class="whole">${image.digest}</code></p><ul class="tags" aria-label="Kind">${tags.map((tag) => html`<li class="tag">${tag}</li>`)}</ul>`;
}

function todo({ hint = '', findings }: RunRecord): Markup | undefined {
  // The diagnosis says it with what it is about.
  const [first, ...command] = (findings[0]?.mend === hint ? '' : hint).split('\n');
  return first === undefined || first === '' ? undefined : html`<p class="note"><b>What to do:</b> ${clip(first, 600)}</p>${command.length === 0 ? undefined : html`<pre>${clip(command.join('\n'), 4000)}</pre>`}`;
}

function tiles({ reached, judgement, startedAt, finishedAt, timeline, strategy }: RunRecord): Markup {
  const seen = judgement?.metrics[0]?.totals.canary.requests ?? 0;
  const against = judgement !== undefined && judgement.alarm.evidence >= judgement.alarm.needed;
  const evidence = judgement === undefined ? html`<span class="dim">none</span>` : html`<b>${formatOdds(against ? judgement.alarm.evidence : judgement.promote.evidence)}</b>`;
  const took = (finishedAt.getTime() - startedAt.getTime()) / 1000;
  const time = timeline.length === 0 ? 'judgement' : 'time';
  return html`<ul class="tiles">
${htmlTile(time, 'Most traffic', { content: html`<b>${strategy === 'first deployment' ? 100 : formatPercent(reached.canary)} %</b>`, note: strategy === 'first deployment' ? 'a first deployment has all of it' : `for the canary, ${formatPercent(reached.baseline)} % for the baseline, ${formatPercent(reached.stable)} % for stable` })}
${htmlTile('judgement', 'Requests judged', { content: html`<b>${Math.round(seen).toLocaleString('en-US')}</b>`, note: strategy === 'first deployment' ? 'answered by the release' : 'answered by the canary' })}
${htmlTile('judgement', 'Evidence', { content: evidence, note: judgement === undefined ? 'nothing was judged' : against ? `that it is worse; ${formatOdds(judgement.alarm.needed)} rolls back` : `that it is good enough; ${formatOdds(judgement.promote.needed)} promotes` })}
${htmlTile('course', 'Took', { content: html`<b>${formatSeconds(took)}</b>`, note: `${formatSeconds(timeline.at(-1)?.elapsedSeconds ?? 0)} of it with traffic` })}</ul>`;
}

function diagnosisSection({ findings }: RunRecord): Markup | undefined {
  if (findings.length === 0) return undefined;
  const more = findings.length > mostFindings ? html`<p class="dim">${findings.length - mostFindings} more are in the log.</p>` : undefined;
  return htmlSection('diagnosis', `Diagnosis (${findings.length})`, html`${findings.slice(0, mostFindings).map(finding)}${more}`);
}

function finding({ code, object, cause, evidence, mend }: Finding): Markup {
  const said = evidence.length === 0 ? undefined : html`<pre>${evidence.slice(0, mostEvidence).map((line) => html`${clip(line, 1000)}\n`)}</pre>`;
  return html`<article class="finding"><h3>${badge('bad', code)} <span class="wrap">${clip(object)}</span></h3><p>${clip(cause, 600)}</p>${said}<p><b>What to do:</b> ${clip(mend, 600)}</p></article>`;
}

function comparedSection({ parts, shared, leftOut, remarks }: RunRecord): Markup | undefined {
  if (parts.length === 0) return undefined;
  const heads = ['Object', 'Why'];
  const table = leftOut.length === 0 ? html`<p>Nothing that the chart renders was left out.</p>`
    : htmlTable({ caption: 'Not part of canary and baseline', heads, bodies: [htmlRows(leftOut.slice(0, 200).map(({ object, reason }) => htmlRow(heads, [html`<span class="wrap">${clip(object)}</span>`, html`${clip(reason)}`])))] });
  return htmlSection('compared', 'What was compared', html`<p class="dim">Canary and baseline are made from the same parts, under names and labels of their own: the new version's, and stable's.</p>${remarks.map((remark) => html`<p>${clip(remark, 1500)}</p>`)}${htmlFacts([
    ['Each has', html`${parts.map((part) => html`<span class="line wrap">${clip(part)}</span>`)}`], ['Shared', shared.length === 0 ? 'nothing' : html`${shared.map((one) => html`<span class="line wrap">${clip(one)}</span>`)}`],
  ])}${table}`);
}

function chartSection({ chartFindings }: RunRecord): Markup | undefined {
  if (chartFindings.length === 0) return undefined;
  const heads = ['Finding', 'Where', 'What', 'What to do'];
  const rows = chartFindings.slice(0, 100).map(({ code, object, problem, mend }) => htmlRow(heads, [badge('warn', code), html`<span class="wrap">${clip(object)}</span>`, html`${clip(problem)}`, html`${clip(mend, 600)}`]));
  return htmlSection('chart', 'The chart', htmlTable({ caption: 'What did not refuse the deployment, and could be better', heads, bodies: [htmlRows(rows)] }));
}

function courseSection({ entries, startedAt }: RunRecord): Markup {
  const heads = ['After', 'Done', 'Took'];
  const rows = entries.map(({ at, seconds, words, failed }) => htmlRow(heads, [
    html`<span class="num">${formatSeconds((at.getTime() - startedAt.getTime()) / 1000)}</span>`, html`${failed ? html`${badge('bad', 'failed')} ` : undefined}${clip(words)}`, html`<span class="num">${seconds < 10 ? `${seconds.toFixed(1)} s` : formatSeconds(seconds)}</span>`,
  ]));
  return htmlSection('course', 'Course of the run', rows.length === 0 ? html`<p>Nothing was done.</p>` : htmlTable({ caption: plural(rows.length, 'step'), heads, bodies: [htmlRows(rows)] }));
}

function aboutSection({ image, run, server, chart, startedAt, finishedAt, attestation, result }: RunRecord): Markup {
  const signed = attestation === undefined ? html`<span class="warn">${result === 'promoted' || result === 'rolled-back' ? 'not signed' : 'nothing was proven, so nothing was signed'}</span>` : html`${htmlDigest(attestation)} on the image, believed from the role deploy`;
  return htmlSection('about', 'About this report', html`<p>It tells what the run saw; it is not signed itself. The signed record hangs on the image.</p>${htmlFacts([
    ['Run', htmlLink(run)], ['Cluster', html`<span class="wrap">${clip(server)}</span>`], ['Chart', html`<span class="wrap">${clip(chart)}</span>`], ['Started', instant(startedAt)], ['Ended', instant(finishedAt)], ['Signed record', signed],
    ['Ask again', html`<code class="wrap">pratique report ${formatImage(image)} --policy github://OWNER/REPO</code>`],
  ])}`);
}
