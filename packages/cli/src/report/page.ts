// SPDX-License-Identifier: Apache-2.0
// The report as one HTML file: every value is escaped.
import { formatImage } from '@pratique/core';
import { badge, clip, html, htmlFacts, htmlPage, htmlSection, htmlTile, instant, type Markup } from '@pratique/step';
import { attestationsSection } from './attestations-section.ts';
import { deploymentsSection } from './deployments-section.ts';
import { findingsSection, severityBadge, severityCounts } from './findings-section.ts';
import { annotationsSection, buildSection, platformsSection, tagsSection } from './image-section.ts';
import type { ReportModel } from './model.ts';
import { script } from './script.ts';
import { standings } from './standing.ts';
import { style } from './style.ts';
import { headline, verdictSection } from './verdict-section.ts';

/** The whole file. */
export function reportPage(model: ReportModel): string {
  const name = `${model.image.registry}/${model.image.repository}`;
  return htmlPage({
    title: `${standings[model.standing]}: ${name} ${clip(model.version ?? '', 60)}`, style, script,
    body: html`<a class="skip" href="#verdict">To the verdict</a>
<header>${masthead(model, name)}${headline(model)}${tiles(model)}</header>
${navigation()}
<main>${[verdictSection(model), findingsSection(model), platformsSection(model), buildSection(model), deploymentsSection(model), tagsSection(model), attestationsSection(model), html`${annotationsSection(model)}`, aboutSection(model)]}</main>`,
  });
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
  return html`<ul class="tiles">
${htmlTile('findings', 'Findings', { content: found, note: survey.scans.length === 0 ? 'no believed scan' : `${denied} denied by the policy of now${channel === 'preview' ? ', for previews' : ''}` })}
${htmlTile('platforms', 'Platforms', { content: html`<b>${platforms.length}</b>`, note: `${scanned} with a believed scan` })}
${htmlTile('build', 'Tests', { content: tests === undefined ? badge('warn', 'not proven') : badge(tests.result === 'PASSED' ? 'good' : 'bad', clip(tests.result.toLowerCase(), 40)), note: tests === undefined ? 'no believed result' : 'signed by the build' })}
${htmlTile('attestations', 'Attestations', { content: html`<b>${believed}</b> <span class="dim">of ${rows.length}</span>`, note: 'believed, of what hangs on the image' })}</ul>`;
}

function navigation(): Markup {
  const parts = [['verdict', 'Verdict'], ['findings', 'Findings'], ['platforms', 'Platforms'], ['build', 'Build'], ['deployments', 'Deployments'], ['tags', 'Tags'], ['attestations', 'Attestations'], ['about', 'About']] as const;
  return html`<nav aria-label="Parts of the report"><ul>${parts.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>`;
}

function aboutSection({ image, believed, generatedAt }: ReportModel): Markup {
  const policy = believed === undefined ? html`<span class="warn">none was given: nobody is believed</span>`
    : html`<span class="wrap">${believed.uri}</span><br><code class="wrap">${believed.digest}</code>${believed.protection === undefined ? undefined : html`<br>${clip(believed.protection)}`}${believed.origin === 'workspace' ? html`<br><span class="warn">from a folder: whoever wrote it says who is believed</span>` : undefined}`;
  const again = `pratique verify ${formatImage(image)} --policy ${believed?.origin === 'github' ? believed.uri : 'github://OWNER/REPO'}`;
  return htmlSection('about', 'About this report', html`<p>It shows, it does not judge: a deployment asks the registry again. Each attestation was fetched by digest and verified (signature, certificate, log, time, subject) when the report was written.</p>${htmlFacts([
    ['Written', instant(generatedAt)], ['Who is believed', policy], ['Ask again', html`<code class="wrap">${again}</code>`],
  ])}`);
}
