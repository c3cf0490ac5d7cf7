// SPDX-License-Identifier: Apache-2.0
// The answer: one headline, then for each channel what a deployment is told, why, until when, under which policy, and what the verdict rests on.
import { shortenSigner, type PinnedImage } from '@pratique/core';
import { badge, clip, html, htmlDigest, htmlFacts, htmlHeadline, htmlRow, htmlRows, htmlSection, htmlTable, instant, type BadgeLook, type Markup } from '@pratique/step';
import type { Answer, SignedVerdict } from './answers.ts';
import { ago, span } from './age.ts';
import { signer } from './signer-facts.ts';
import type { ReportModel } from './model.ts';
import { standings, type Standing } from './standing.ts';

const looks: Readonly<Record<Standing, 'good' | 'bad' | 'warn'>> = { passed: 'good', refused: 'bad', undecided: 'bad', expired: 'warn', preview: 'warn', elsewhere: 'warn', unproven: 'warn', missing: 'warn' };

/** The strip at the top that nobody can overlook. */
export function headline(model: ReportModel): Markup {
  const { standing, deciding, generatedAt } = model;
  const look = looks[standing];
  const code = deciding === undefined || deciding.code === 'passed' ? undefined : html` <code>${deciding.code}</code>`;
  return htmlHeadline(look, html`${standings[standing]}${code}`, explain(model, deciding, generatedAt));
}

function explain({ standing, believed }: ReportModel, deciding: Answer | undefined, now: Date): Markup {
  if (standing === 'unproven') {
    return believed === undefined
      ? html`No policy was given, so no signer holds a role. Below, “verifies” only means a sound signature, by whomever. Give <code>--policy github://OWNER/REPO</code> to have an answer.`
      : html`The trust of ${believed.uri} names nobody as gate.`;
  }
  const verdict = deciding?.verdict;
  if (verdict === undefined) return html`${clip(deciding?.message ?? '')}`;
  const by = html`signed by ${clip(shortenSigner(verdict.signer))} ${ago(verdict.trustedTime, now)}`;
  if (standing === 'passed' || standing === 'preview') return html`Valid until ${instant(verdict.validUntil)} (${span(now, verdict.validUntil)} left), ${by}`;
  const where = deciding?.here === false ? html`As ${placeOf(deciding.of)}: ` : undefined;
  const worst = verdict.reasons.find(({ effect }) => effect === 'deny')?.message;
  return html`${where}${clip(worst ?? deciding?.message ?? `valid until ${verdict.validUntil.toISOString()}`)} – ${by}`;
}

/** Every answer in full. */
export function verdictSection(model: ReportModel): Markup {
  const told = model.standing === 'unproven' && model.believed === undefined ? html`<p>Nobody was asked: without a policy nobody may judge.</p>` : html`${decidingFirst(model).map((answer) => answerPart(model, answer))}`;
  return htmlSection('verdict', 'Verdict', told);
}

function decidingFirst({ answers, deciding }: ReportModel): Answer[] {
  return answers.toSorted((a, b) => Number(b === deciding) - Number(a === deciding));
}

function placeOf({ registry, repository }: PinnedImage): string {
  return `${registry}/${repository}`;
}

function answerPart(model: ReportModel, answer: Answer): Markup {
  const { channel, code, here, of, message, mend, verdict } = answer;
  const deciding = answer === model.deciding;
  const look: BadgeLook = code === 'passed' ? (here ? 'good' : 'warn') : code === 'VERDICT_REFUSED' || !code.startsWith('VERDICT_') ? 'bad' : deciding || verdict !== undefined ? 'warn' : 'dim';
  const title = here ? html`For ${channel}` : html`For ${channel}, as <span class="wrap">${placeOf(of)}</span>`;
  return html`<article class="answer"><h3>${title} ${badge(look, code)}</h3>
${message === undefined ? undefined : html`<p>${clip(message)}</p>`}${mend === undefined ? undefined : html`<p class="dim">${mend}</p>`}
${verdict === undefined ? undefined : html`${verdictFacts(model, verdict)}${reasons(verdict)}`}</article>`;
}

function verdictFacts({ believed, groups, generatedAt: now }: ReportModel, verdict: SignedVerdict): Markup {
  const here = new Set(groups.flatMap(({ rows }) => rows.map((one) => one.digest)));
  const missing = verdict.inputs.filter((one) => !here.has(one));
  const same = believed?.digest === verdict.policyDigest;
  const until = verdict.validUntil < now ? `expired ${ago(verdict.validUntil, now)}` : `${span(now, verdict.validUntil)} left`;
  return htmlFacts([
    ['Verdict', html`<b>${verdict.result}</b> for ${verdict.channel}`],
    ['Speaks of', html`<span class="wrap">${clip(verdict.resourceUri)}</span>`],
    ...(verdict.result === 'PASSED' ? [['Valid until', html`${instant(verdict.validUntil)} (${until})`] as const] : []),
    ['Signed', html`${instant(verdict.trustedTime)} (${ago(verdict.trustedTime, now)}; trusted time)`],
    ['By', html`<b class="wrap">${clip(shortenSigner(verdict.signer))}</b>${signer(verdict.signer)}`],
    ['Policy', html`<span class="wrap">${clip(verdict.policyUri)}</span><br>${htmlDigest(verdict.policyDigest)} ${same ? 'the same as now' : html`<span class="warn">another than now</span>`}`],
    ['Rests on', missing.length === 0
      ? html`${verdict.inputs.length} attestations, all of them present (marked below)`
      : html`${verdict.inputs.length} attestations, <span class="warn">${missing.length} of them not here:</span> ${missing.slice(0, 50).map((one) => html`<br>${htmlDigest(one)}`)}`],
    ['Attestation', htmlDigest(verdict.attestation)],
  ]);
}

const effects: Readonly<Record<string, BadgeLook>> = { deny: 'bad', warn: 'warn' };

function reasons({ reasons: all }: SignedVerdict): Markup {
  if (all.length === 0) return html`<p>The verdict gives no reasons against the image.</p>`;
  const heads = ['Reason', 'Code', 'Rule', 'What'];
  const rows = all.map((one) => htmlRow(heads, [badge(effects[one.effect] ?? 'dim', clip(one.effect, 20)), html`<code>${clip(one.code)}</code>`, html`${clip(one.rule)}`, html`${clip(one.message)}`]));
  return htmlTable({ caption: `${all.length} reasons, as they were signed`, heads, bodies: [htmlRows(rows)] });
}
