// SPDX-License-Identifier: Apache-2.0
// Act one: the image holds a package with a known way in. The gate refuses, says why, and signs that.
import { isJsonObject, predicateTypes, type Finding, type Reason } from '@pratique/core';
import { connect, readAlerts, readVerdict } from './auditor.ts';
import { playRelease } from './release-run.ts';
import type { Scene } from './scene.ts';
import type { Story } from './story.ts';

/** Plays the act; every claim is counted. */
export async function playRefused(story: Story, scene: Scene): Promise<void> {
  story.act('Act 1', 'Version 1.1.0 brings lodash 4.17.20.');
  const sha = scene.repository.release({ tag: 'v1.1.0', fixtures: ['app'], message: 'Show the ships in port' });
  const release = await playRelease(story, scene, { tag: 'v1.1.0', sha, expected: 'Judge and promote' });
  const gate = release.step('gate/judge', 'Judge and promote');
  const reasons = JSON.parse(gate?.outputs['reasons'] || '[]') as Reason[];
  const denied = reasons.filter((reason) => reason.effect === 'deny');
  story.quote(denied.flatMap((reason) => [`${reason.code}  ${reason.message}`, `by the rule "${reason.rule}"${reason.policy ? `, ${reason.policy.file}:${reason.policy.line}` : ''}`]));
  const found = denied.find((reason) => reason.finding?.id === 'CVE-2021-23337');
  story.claim('built, tested, scanned, pushed into quarantine and signed', ['build', 'scan', 'publish'].every((job) => release.job(job)?.conclusion === 'success'));
  story.claim('the gate refused with exit status 3', gate?.exitCode === 3 && gate.outputs['verdict'] === 'refused', `exit status ${gate?.exitCode ?? 'none'}`);
  story.claim('the reason names CVE, package, installed and fixed version', namesFinding(found?.finding), JSON.stringify(found?.finding));
  story.claim('the reason names rule and line of the policy', found?.rule === 'no known way in' && (found.policy?.line ?? 0) > 0 && found.policy?.file.endsWith('policy.yaml') === true, JSON.stringify(found?.policy));
  story.claim('nothing else was refused', denied.every((reason) => reason.code === 'GATE_FINDING_DENIED'), denied.map((reason) => reason.code).join(' '));
  story.claim('outputs and summary were written', gate?.summary.includes('Refused') === true && gate.summary.includes('lodash'));
  const alerts = await readAlerts(scene, 'refs/tags/v1.1.0');
  story.claim('code scanning shows it as an alert', alerts.includes('CVE-2021-23337'), alerts.join(' '));
  await claimNothingReleased(story, scene, release.step('publish', 'Push into quarantine')?.outputs['image'] ?? '');
  await claimSignedRefusal(story, scene, { image: release.job('publish')?.outputs['image'] ?? '', attestation: gate?.outputs['attestation'] ?? '' });
  story.acts.push({ name: 'Act 1', tried: '1.1.0, lodash 4.17.20', answer: 'refused', code: found?.code ?? 'none', seconds: release.seconds, repeat: 'npm run demo -- --act refused' });
}

function namesFinding(finding: Finding | undefined): boolean {
  return finding?.package === 'lodash' && finding.installed === '4.17.20' && finding.fixed?.startsWith('4.17.21') === true;
}

async function claimNothingReleased(story: Story, scene: Scene, image: string): Promise<void> {
  const release = connect(scene, 'cluster').repository('acme/app');
  const digest = image.split('@')[1] ?? '';
  story.claim('the release repository answers "not found"', digest !== '' && (await release.resolve(digest)) === undefined && (await release.listTags()).length === 0);
}

async function claimSignedRefusal(story: Story, scene: Scene, refusal: { readonly image: string; readonly attestation: string }): Promise<void> {
  const verdict = await readVerdict(scene, { repository: 'quarantine/app', image: refusal.image, attestation: refusal.attestation });
  const failed = isJsonObject(verdict.predicate) && verdict.predicate['verificationResult'] === 'FAILED';
  const byGate = verdict.signer.kind === 'keyless' && verdict.signer.identity.includes('/gate.yml@');
  story.claim('the refusal is signed by the gate', failed && byGate && verdict.predicateType === predicateTypes.verdict);
}
