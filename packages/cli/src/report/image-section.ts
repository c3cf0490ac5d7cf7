// SPDX-License-Identifier: Apache-2.0
// What the image is: its platforms with scan and SBOM, where it comes from, its tests, tags with locks, annotations.
import { formatPlatform, type ImagePlatform, type ScanPredicate } from '@pratique/core';
import type { Lock } from '@pratique/acr';
import { badge, clip, html, htmlDigest, htmlFacts, htmlLink, htmlRow, htmlRows, htmlSection, htmlTable, instant, plural, type Markup } from '@pratique/step';
import { ago } from './age.ts';
import type { ReportModel } from './model.ts';

/** Index and platforms. */
export function platformsSection(model: ReportModel): Markup {
  const heads = ['Platform', 'Manifest', 'Scanned', 'SBOM'];
  const rows = model.platforms.map((platform) => htmlRow(heads, [
    html`<b>${clip(formatPlatform(platform.platform), 60)}</b>`,
    html`${htmlDigest(platform.digest)}<br><span class="dim">config</span> ${htmlDigest(platform.configDigest)}<br><span class="dim">${plural(platform.diffIds.length, 'layer')}</span>`,
    scanned(model, platform), sbom(model, platform),
  ]));
  return htmlSection('platforms', `Platforms (${model.platforms.length})`, html`<p class="dim">${clip(model.mediaType, 120)} ${htmlDigest(model.image.digest)}</p>${htmlTable({ caption: 'Runnable platforms', heads, bodies: [htmlRows(rows)] })}`);
}

function scanned({ survey, generatedAt }: ReportModel, platform: ImagePlatform): Markup {
  const scans = survey.scans.filter((one) => one.platform.digest === platform.digest);
  if (scans.length === 0) return badge('warn', 'no believed scan');
  return html`${scans.map(({ scan, statement }) => html`<span class="line"><b>${clip(scan.scanner.name)} ${clip(scan.scanner.version)}</b> ${ago(statement.trustedTime, generatedAt)}: ${plural(scan.packageCount, 'package')}${scan.os === undefined ? '' : html` of ${clip(scan.os)}`}
<span class="dim">database of ${instant(new Date(scan.database.updatedAt))}; ${scan.isolation === 'job' ? 'in a job of its own' : 'in one job with build and push'}</span>${unfit(scan, platform)}</span>`)}`;
}

/** Why the gate would not take a scan by the right signer. */
function unfit(scan: ScanPredicate, platform: ImagePlatform): Markup | undefined {
  if (scan.configDigest !== platform.configDigest) return html` ${badge('bad', 'GATE_SCAN_UNBOUND')} it speaks of another config`;
  return scan.packageCount === 0 ? html` ${badge('bad', 'GATE_SCAN_EMPTY')} it saw no packages` : undefined;
}

function sbom({ sboms }: ReportModel, platform: ImagePlatform): Markup {
  const held = sboms.filter(({ subject }) => subject === platform.digest);
  if (held.length === 0) return badge('warn', 'none believed');
  return html`${held.map((one) => html`<span class="line"><b>${one.format}</b> ${plural(one.packages, one.format === 'SPDX' ? 'package' : 'component')}</span>`)}`;
}

/** Provenance and tests. */
export function buildSection({ provenance, tests, generatedAt }: ReportModel): Markup {
  const origin = provenance === undefined ? html`<p class="note warn">No believed provenance: where this image comes from is not proven.</p>` : html`${htmlFacts([
    ['Source', htmlLink(provenance.source)], ['Revision', html`<code class="wrap">${clip(provenance.revision)}</code>`], ['Ref', html`<code>${clip(provenance.ref)}</code>`],
    ['Builder', html`<span class="wrap">${clip(provenance.builder)}</span>`], ['Workflow', html`${clip(provenance.workflow)}${provenance.event === '' ? '' : ` on ${clip(provenance.event)}`}`],
    ['Run', htmlLink(provenance.run)], ['Attestation', htmlDigest(provenance.attestation)],
  ])}${materialTable(provenance.materials)}`;
  const result = tests === undefined ? html`<p class="note warn">No believed test result.</p>` : html`<p>${badge(tests.result === 'PASSED' ? 'good' : 'bad', clip(tests.result, 40))} ${clip(tests.names.join(', '))} <span class="dim">${finished(tests.finished, generatedAt)}</span> ${htmlDigest(tests.attestation)}</p>`;
  return htmlSection('build', 'Build', html`<h3>Provenance</h3>${origin}<h3>Tests</h3>${result}`);
}

function finished(text: string, now: Date): string {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? '' : `finished ${ago(time, now)}`;
}

function materialTable(materials: readonly { readonly uri: string; readonly digest: string }[]): Markup {
  if (materials.length === 0) return html`<p class="dim">No materials beside the source are named.</p>`;
  const heads = ['Material', 'Digest'];
  return htmlTable({ caption: 'Materials', heads, bodies: [htmlRows(materials.map((one) => htmlRow(heads, [html`<span class="wrap">${clip(one.uri)}</span>`, one.digest === '' ? badge('warn', 'not pinned') : htmlDigest(clip(one.digest, 160))])))] });
}

/** Tags that name the digest now, and what is locked. */
export function tagsSection({ tags, locks, generatedAt }: ReportModel): Markup {
  const held = 'held' in locks ? locks.held : undefined;
  const heads = ['Name', 'Lock'];
  const rows = [
    htmlRow(heads, [html`manifest`, lockBadge(held?.manifest)]),
    ...tags.map((tag) => htmlRow(heads, [html`<span class="tag">${clip(tag)}</span>`, lockBadge(held?.tags.get(tag))])),
  ];
  const untold = 'untold' in locks ? html`<p class="note">The registry did not tell its locks: <code>${locks.untold}</code></p>` : undefined;
  const none = tags.length === 0 ? html`<p>No tag points at this digest.</p>` : undefined;
  return htmlSection('tags', `Tags (${tags.length})`, html`<p class="dim">As they stood at ${instant(generatedAt)}; a tag can move, a digest cannot.</p>${none}${untold}${htmlTable({ caption: 'Tags and locks', heads, bodies: [htmlRows(rows)] })}`);
}

function lockBadge(lock: Lock | undefined): Markup {
  if (lock === undefined) return html`<span class="dim">not told</span>`;
  const locked = [...(lock.write === false ? ['writing'] : []), ...(lock.delete === false ? ['deletion'] : []), ...(lock.read === false ? ['reading'] : [])];
  return locked.length === 0 ? html`<span class="dim">not locked</span>` : badge('dim', `locked against ${locked.join(' and ')}`);
}

/** What the image says of itself, as part of its digest. */
export function annotationsSection({ annotations }: ReportModel): Markup | undefined {
  const pairs = Object.entries(annotations).slice(0, 100);
  if (pairs.length === 0) return undefined;
  const heads = ['Name', 'Value'];
  return htmlSection('annotations', 'Annotations', html`<p class="dim">What the image says of itself; part of the digest, signed with it.</p>${htmlTable({ caption: 'Annotations', heads, bodies: [htmlRows(pairs.map(([name, value]) => htmlRow(heads, [html`<code>${clip(name, 120)}</code>`, html`${clip(value)}`])))] })}`);
}
