// SPDX-License-Identifier: Apache-2.0
// The report as one HTML file: every value is escaped, nothing is loaded, only the two hashed parts are style and script.
import { createHash } from 'node:crypto';
import { formatImage } from '@pratique/core';
import { attestationsSection } from './attestations-section.ts';
import { findingsSection, severityBadge, severityCounts } from './findings-section.ts';
import { annotationsSection, buildSection, platformsSection, tagsSection } from './image-section.ts';
import { badge, clip, facts, html, instant, section, type Markup } from './markup.ts';
import type { ReportModel } from './model.ts';
import { script } from './script.ts';
import { standings } from './standing.ts';
import { style } from './style.ts';
import { headline, verdictSection } from './verdict-section.ts';

const hash = (part: string): string => `'sha256-${createHash('sha256').update(part).digest('base64')}'`;

/** The whole file. */
export function reportPage(model: ReportModel): string {
  const policy = `default-src 'none'; style-src ${hash(style)}; script-src ${hash(script)}; base-uri 'none'; form-action 'none'`;
  const name = `${model.image.registry}/${model.image.repository}`;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light dark">
<title>${standings[model.standing]}: ${name} ${clip(model.version ?? '', 60)}</title><style>${{ markup: style }}</style></head>
<body><a class="skip" href="#verdict">To the verdict</a>
<header>${masthead(model, name)}${headline(model)}${tiles(model)}</header>
${navigation()}
<main>${[verdictSection(model), findingsSection(model), platformsSection(model), buildSection(model), tagsSection(model), attestationsSection(model), html`${annotationsSection(model)}`, aboutSection(model)]}</main>
<script>${{ markup: script }}</script></body></html>
`.markup;
}

function masthead({ image, version, tags, generatedAt }: ReportModel, name: string): Markup {
  const shown = tags.length === 0 ? html`<li class="dim">no tags</li>` : html`${tags.slice(0, 20).map((tag) => html`<li class="tag">${clip(tag)}</li>`)}`;
  return html`<p class="brand"><b>Pratique</b> image report <span>${instant(generatedAt)}</span></p>
<h1><span class="wrap">${image.repository}</span>${version === undefined ? undefined : html` <small>${clip(version, 60)}</small>`}</h1>
<p class="name">${name}<wbr>@<code class="whole">${image.digest}</code></p><ul class="tags" aria-label="Tags">${shown}</ul>`;
}

function tiles({ survey, platforms, groups, tests, channel }: ReportModel): Markup {
  const counts = severityCounts(survey.findings);
  const denied = survey.findings.filter(({ reasons }) => reasons.some(({ code }) => code === 'GATE_FINDING_DENIED')).length;
  const found = survey.scans.length === 0 ? badge('warn', 'not known') : counts.length === 0 ? badge('good', 'none') : html`${counts.map(([severity, count]) => severityBadge(severity, `${count} ${severity}`))}`;
  const rows = groups.flatMap((group) => group.rows);
  const believed = rows.filter(({ state }) => state === 'believed').length;
  const scanned = new Set(survey.scans.map(({ platform }) => platform.digest)).size;
  const tile = (id: string, title: string, content: Markup, note: string): Markup => html`<li><a href="#${id}">${title}</a><div>${content}</div><p>${note}</p></li>`;
  return html`<ul class="tiles">
${tile('findings', 'Findings', found, survey.scans.length === 0 ? 'no believed scan' : `${denied} denied by the policy of now${channel === 'preview' ? ', for previews' : ''}`)}
${tile('platforms', 'Platforms', html`<b>${platforms.length}</b>`, `${scanned} with a believed scan`)}
${tile('build', 'Tests', tests === undefined ? badge('warn', 'not proven') : badge(tests.result === 'PASSED' ? 'good' : 'bad', clip(tests.result.toLowerCase(), 40)), tests === undefined ? 'no believed result' : 'signed by the build')}
${tile('attestations', 'Attestations', html`<b>${believed}</b> <span class="dim">of ${rows.length}</span>`, 'believed, of what hangs on the image')}</ul>`;
}

function navigation(): Markup {
  const parts = [['verdict', 'Verdict'], ['findings', 'Findings'], ['platforms', 'Platforms'], ['build', 'Build'], ['tags', 'Tags'], ['attestations', 'Attestations'], ['about', 'About']] as const;
  return html`<nav aria-label="Parts of the report"><ul>${parts.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>`;
}

function aboutSection({ image, believed, generatedAt }: ReportModel): Markup {
  const policy = believed === undefined ? html`<span class="warn">none was given: nobody is believed</span>`
    : html`<span class="wrap">${believed.uri}</span><br><code class="wrap">${believed.digest}</code>${believed.protection === undefined ? undefined : html`<br>${clip(believed.protection)}`}${believed.origin === 'workspace' ? html`<br><span class="warn">from a folder: whoever wrote it says who is believed</span>` : undefined}`;
  const again = `pratique verify ${formatImage(image)} --policy ${believed?.origin === 'github' ? believed.uri : 'github://OWNER/REPO'}`;
  return section('about', 'About this report', html`<p>It shows, it does not judge: a deployment asks the registry again. Each attestation was fetched by digest and verified (signature, certificate, log, time, subject) when the report was written.</p>${facts([
    ['Written', instant(generatedAt)], ['Who is believed', policy], ['Ask again', html`<code class="wrap">${again}</code>`],
  ])}`);
}
