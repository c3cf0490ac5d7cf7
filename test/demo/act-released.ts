// SPDX-License-Identifier: Apache-2.0
// Act two: the fix. Two platforms, every statement signed, judged, promoted with exactly that evidence, tagged, verified by cosign.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { isJsonObject, parsePinnedImage, predicateTypes, type PinnedImage } from '@pratique/core';
import { readImage } from '@pratique/oci';
import { connect, readAlerts, readVerdict } from './auditor.ts';
import { playRelease, type Release } from './release-run.ts';
import type { Scene } from './scene.ts';
import type { Story } from './story.ts';
import { showTree } from './tree.ts';

const run = promisify(execFile);

/** Plays the act; every claim is counted. */
export async function playReleased(story: Story, scene: Scene): Promise<void> {
  story.act('Act 2', 'Version 1.2.0 brings the fix.');
  const sha = scene.repository.release({ tag: 'v1.2.0', fixtures: ['app', 'app-fixed'], message: 'Update lodash' });
  const release = await playRelease(story, scene, { tag: 'v1.2.0', sha });
  const gate = release.step('gate/judge', 'Judge and promote');
  story.claim('every job of the release succeeded', release.record.conclusion === 'success');
  story.acts.push({ name: 'Act 2', tried: '1.2.0, lodash 4.17.21', answer: gate?.outputs['verdict'] === 'passed' ? 'released' : 'refused', code: gate?.outputs['code'] || '-', seconds: release.seconds, repeat: 'npm run demo -- --act released' });
  if (!gate?.outputs['image']) return story.claim('there is a released image', false, gate?.log.slice(-5).join(' / '));
  const image = parsePinnedImage(gate.outputs['image']);
  const alerts = await readAlerts(scene, 'refs/tags/v1.2.0');
  story.claim('code scanning has no alert of the vulnerability for it', !alerts.includes('CVE-2021-23337'), alerts.join(' '));
  await claimImage(story, scene, { image, release });
  await claimIsolation(story, scene, image);
  await claimVerdict(story, scene, { image, attestation: gate.outputs['attestation'] ?? '' });
  await claimCosign(story, scene, image);
  story.say();
  await showTree(story, scene, image);
}

async function claimImage(story: Story, scene: Scene, { image, release }: { readonly image: PinnedImage; readonly release: Release }): Promise<void> {
  const repository = connect(scene, 'cluster').repository(image.repository);
  const quarantined = release.job('publish')?.outputs['image'] ?? '';
  story.claim('the released digest is the one that was built and scanned', quarantined.endsWith(`@${image.digest}`));
  const { platforms, annotations } = await readImage(repository, image.digest);
  story.claim('it is an index of linux/amd64 and linux/arm64', platforms.map(({ platform }) => `${platform.os}/${platform.architecture}`).join() === 'linux/amd64,linux/arm64');
  story.claim('the version is part of the digest', annotations['org.opencontainers.image.version'] === '1.2.0');
  const tags = ['1.2.0', '1.2', '1', 'latest'];
  const named = await Promise.all(tags.map(async (tag) => (await repository.resolve(tag))?.digest === image.digest));
  story.claim(`the tags ${tags.join(', ')} name it`, named.every(Boolean));
  const onIndex = await repository.listReferrers(image.digest);
  const onPlatforms = await Promise.all(platforms.map((platform) => repository.listReferrers(platform.digest)));
  const typesOf = (referrers: readonly { annotations?: Readonly<Record<string, string>> }[]): string => referrers.map((one) => one.annotations?.['dev.sigstore.bundle.predicateType'] ?? '?').toSorted().join(' ');
  const { signature, provenance, tests, verdict, scan, vulnerabilities, cyclonedx, spdx } = predicateTypes;
  story.claim('signature, provenance, test result and verdict hang on the index', typesOf(onIndex) === [signature, provenance, tests, verdict].toSorted().join(' '), typesOf(onIndex));
  const wanted = [scan, vulnerabilities, cyclonedx, spdx].toSorted().join(' ');
  story.claim('scan, vulnerabilities and two SBOMs hang on each platform', onPlatforms.length === 2 && onPlatforms.every((referrers) => typesOf(referrers) === wanted), onPlatforms.map(typesOf).join(' | '));
}

async function claimIsolation(story: Story, scene: Scene, image: PinnedImage): Promise<void> {
  const asCluster = connect(scene, 'cluster').repository('quarantine/app').resolve(image.digest);
  story.claim('clusters cannot read quarantine', await asCluster.then(() => false, () => true));
  const releases = connect(scene, 'builder').repository(image.repository);
  const manifest = await connect(scene, 'gate').repository(image.repository).readManifest(image.digest);
  story.claim('the builder cannot write a release', await releases.tag(manifest, '9.9.9').then(() => false, () => true));
}

async function claimVerdict(story: Story, scene: Scene, { image, attestation }: { readonly image: PinnedImage; readonly attestation: string }): Promise<void> {
  const verdict = await readVerdict(scene, { repository: image.repository, image: `x@${image.digest}`, attestation });
  const passed = isJsonObject(verdict.predicate) && verdict.predicate['verificationResult'] === 'PASSED';
  story.claim('the verdict (SLSA VSA) is signed by the gate workflow', passed && verdict.signer.kind === 'keyless' && verdict.signer.identity.includes('/gate.yml@refs/tags/v1.2.0'));
}

async function claimCosign(story: Story, scene: Scene, image: PinnedImage): Promise<void> {
  const cosign = await scene.program('cosign');
  const { sigstore, github } = scene.lab.addresses;
  const env = { ...scene.environment(), DOCKER_CONFIG: scene.dockerConfig('cluster'), HOME: scene.folder };
  const by = (workflow: string): string[] => [
    '--trusted-root', sigstore.trustedRoot.path, '--use-signed-timestamps', '--certificate-oidc-issuer', github.issuer,
    '--certificate-identity', `https://github.com/acme/app/.github/workflows/${workflow}@refs/tags/v1.2.0`, `${image.registry}/${image.repository}@${image.digest}`,
  ];
  const started = performance.now();
  const checks: [string, string[]][] = [
    ['verify', ['verify', ...by('release.yml')]],
    ...[predicateTypes.signature, predicateTypes.provenance, predicateTypes.tests].map((type): [string, string[]] => [type, ['verify-attestation', '--type', type, ...by('release.yml')]]),
    ['the verdict', ['verify-attestation', '--type', predicateTypes.verdict, ...by('gate.yml')]],
  ];
  for (const [what, args] of checks) {
    const failure = await run(cosign.path, args, { env, timeout: 60_000 }).then(() => '', (error: unknown) => String((error as { stderr?: string }).stderr ?? error).trim().split('\n').slice(-2).join(' '));
    story.claim(`cosign ${cosign.version} agrees: ${what}`, failure === '', failure);
  }
  story.line('            cosign verifies the release', (performance.now() - started) / 1000);
}
