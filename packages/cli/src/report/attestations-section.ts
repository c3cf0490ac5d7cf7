// SPDX-License-Identifier: Apache-2.0
// Everything that hangs on the image and its platforms: statement, result, signer with roles in each channel, trusted time and age.
import { predicateTypes, shortenSigner, type SignerIdentity } from '@pratique/core';
import { badge, clip, html, htmlDigest, htmlRow, htmlRows, htmlSection, htmlTable, instant, type BadgeLook, type Markup } from '@pratique/step';
import type { AttestationGroup, AttestationRow, RowState } from './attestation-rows.ts';
import { ago } from './age.ts';
import { signer } from './signer-facts.ts';
import type { ReportModel } from './model.ts';

const names: Readonly<Record<string, string>> = {
  [predicateTypes.signature]: 'Signature', [predicateTypes.provenance]: 'Provenance', [predicateTypes.scan]: 'Scan', [predicateTypes.vulnerabilities]: 'Vulnerabilities',
  [predicateTypes.cyclonedx]: 'SBOM, CycloneDX', [predicateTypes.spdx]: 'SBOM, SPDX', [predicateTypes.tests]: 'Test result', [predicateTypes.verdict]: 'Verdict', [predicateTypes.deployment]: 'Deployment',
};
const states: Readonly<Record<RowState, readonly [BadgeLook, string]>> = {
  believed: ['good', 'believed'], unbelieved: ['warn', 'verifies, not believed'], failed: ['bad', 'does not verify'], evidence: ['dim', 'unsigned'], foreign: ['warn', 'no attestation'],
};
const heads = ['Statement', 'Result', 'Signer', 'Roles', 'Signed'];

/** Signers, then one body of rows for each manifest. */
export function attestationsSection({ groups, deciding, generatedAt }: ReportModel): Markup {
  const inputs = new Set<string>(deciding?.verdict?.inputs);
  const all = groups.flatMap(({ rows }) => rows);
  const count = (state: RowState): number => all.filter((one) => one.state === state).length;
  const counts = (['believed', 'unbelieved', 'failed', 'foreign'] as const).flatMap((state) => (count(state) === 0 ? [] : [html`<li>${badge(states[state][0], `${count(state)} ${states[state][1]}`)}</li>`]));
  const signers = signersOf(all);
  return htmlSection('attestations', `Attestations (${all.length})`, html`<ul class="counts">${counts}</ul>${signerTable(signers)}
${htmlTable({ caption: 'What hangs on the image and its platforms', heads, bodies: groups.map((group) => groupBody(group, { signers, inputs, now: generatedAt })) })}`);
}

/** Each signer once, by everything that the certificate says. */
function signersOf(rows: readonly AttestationRow[]): ReadonlyMap<string, SignerIdentity> {
  return new Map(rows.flatMap(({ signed }) => (signed === undefined ? [] : [[JSON.stringify(signed.signer), signed.signer] as const])));
}

function signerTable(signers: ReadonlyMap<string, SignerIdentity>): Markup | undefined {
  if (signers.size === 0) return undefined;
  const titles = ['Signer', 'By certificate or key'];
  const rows = [...signers.values()].map((one, index) => htmlRow(titles, [html`<b id="signer-${index + 1}">${index + 1}. ${clip(shortenSigner(one))}</b>`, signer(one)]));
  return htmlTable({ id: 'signers', caption: 'Who signed', heads: titles, bodies: [htmlRows(rows)] });
}

interface Listing {
  readonly signers: ReadonlyMap<string, SignerIdentity>;
  /** What the verdict rests on. */
  readonly inputs: ReadonlySet<string>;
  readonly now: Date;
}

function groupBody({ label, digest: subject, rows, unread }: AttestationGroup, listing: Listing): Markup {
  const head = html`<tr role="row" class="group"><th role="rowheader" scope="rowgroup" colspan="${heads.length}">${clip(label)} ${htmlDigest(subject)}</th></tr>`;
  const wide = (content: Markup): Markup => html`<tr role="row"><td role="cell" colspan="${heads.length}">${content}</td></tr>`;
  const none = rows.length === 0 ? wide(html`Nothing hangs on it.`) : undefined;
  const more = unread > 0 ? wide(badge('bad', `${unread} more were not read`)) : undefined;
  return html`<tbody role="rowgroup">${head}${none}${rows.map((one) => attestationRow(one, listing))}${more}</tbody>`;
}

function attestationRow(one: AttestationRow, { signers, inputs, now }: Listing): Markup {
  const [look, words] = states[one.state];
  const { signed } = one;
  const nobody = html`<span class="dim">–</span>`;
  return htmlRow(heads, [
    html`<b>${names[one.type] ?? (one.state === 'evidence' ? 'Build evidence' : one.state === 'foreign' ? 'Planted or foreign' : 'Other statement')}</b><br><span class="dim">${clip(one.type, 120)}</span><br>${htmlDigest(one.digest)}`,
    html`${badge(look, words)}${inputs.has(one.digest) ? html`<span class="line">the verdict rests on it</span>` : undefined}${why(one)}`,
    signed === undefined ? nobody : signerLink(signed.signer, [...signers.keys()].indexOf(JSON.stringify(signed.signer)) + 1),
    signed === undefined ? nobody : roles(signed),
    signed === undefined ? nobody : html`${instant(signed.time)}<br>${ago(signed.time, now)}<br><span class="dim">log index ${clip(signed.logIndex, 40)}</span>`,
  ]);
}

function signerLink(identity: SignerIdentity, number: number): Markup {
  return html`<a href="#signer-${number}">${number}. ${clip(shortenSigner(identity))}</a>`;
}

function roles({ roles: { release, preview } }: NonNullable<AttestationRow['signed']>): Markup {
  const words = (held: readonly string[]): string => held.join(', ') || 'none';
  if (words(release) === words(preview)) return html`${words(release)}<br><span class="dim">in release and preview</span>`;
  return html`<span class="line"><span class="dim">release:</span> ${words(release)}</span><span class="line"><span class="dim">preview:</span> ${words(preview)}</span>`;
}

function why({ state, code, message }: AttestationRow): Markup | undefined {
  if (state === 'evidence') return html`<span class="line dim">raw reports beside the image; nobody believes them</span>`;
  if (state === 'foreign') return html`<span class="line dim">it proves nothing; whoever may push can put it there</span>`;
  return code === undefined ? undefined : html`<span class="line"><code>${code}</code></span><span class="line dim">${clip(message ?? '', 240)}</span>`;
}
