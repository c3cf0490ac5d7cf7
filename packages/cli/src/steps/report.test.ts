// SPDX-License-Identifier: Apache-2.0
// The report on the whole lab: released, refused in quarantine, unsigned, strangers' statements and planted referrers, and what it says without a policy.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { formatImage, predicateTypes } from '@pratique/core';
import { parseInputs, type InputContract, type InputValues } from '@pratique/step';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { forge, plant } from '../../../../test/fixtures/attacks/forgery.ts';
import { openGateWorld, type GateWorld, type QuarantinedImage } from '../../../../test/fixtures/gate-world.ts';
import { report } from './report.ts';
import { revoke } from './revoke.ts';
import { verify } from './verify.ts';

const policy = 'github://acme/app';
let world: GateWorld;
let released: QuarantinedImage;
beforeAll(async () => {
  world = await openGateWorld();
  released = await world.pushImage({ name: 'app', platforms: ['linux/amd64', 'linux/arm64'], findings: ['CVE-2020-28500', 'CVE-2022-28391'] });
  await world.sign(released);
  expect((await world.judge(released)).outputs.verdict).toBe('passed');
}, 60_000);
afterAll(() => world[Symbol.asyncDispose]());

const read = <I extends InputContract>(contract: I, given: Readonly<Record<string, string | undefined>>): InputValues<I> =>
  parseInputs(contract, Object.fromEntries(Object.entries({ ...world.inputsOf('gate'), ...given }).filter(([name]) => name in contract)));
const releaseOf = ({ release, image }: QuarantinedImage): string => formatImage({ ...release, digest: image.digest });

/** Runs the step; `text` is what a reader sees, without markup. */
async function reporting(image: string, given: Readonly<Record<string, string>> = { policy }) {
  const { outputs, summary } = await report.run(read(report.inputs, { image, ...given }), await world.ctxFor('gate'));
  const page = await readFile(fileURLToPath(outputs.report ?? ''), 'utf8');
  const text = page.replace(/<(style|script)>[\s\S]*?<\/\1>/g, '').replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');
  return { outputs, summary, page, text };
}
const verifying = async (image: string, channel = 'release') => verify.run(read(verify.inputs, { image, policy, channel }), await world.ctxFor('gate'));

describe('a released image', () => {
  test('passed, as verify says, with everything that the verdict rests on', async () => {
    const { outputs, text } = await reporting(releaseOf(released));
    expect(outputs).toMatchObject({ digest: released.image.digest, standing: 'passed', release: 'passed', preview: 'VERDICT_CHANNEL' });
    const { 'valid-until': until = '', signer, policy: applied = '' } = (await verifying(releaseOf(released))).outputs;
    for (const said of ['Passed for release', `Valid until ${until.slice(0, 16).replace('T', ' ')} UTC`, signer, `${applied} the same as now`, '11 attestations, all of them present', '12 believed']) expect(text).toContain(said);
    await expect(verifying(releaseOf(released), 'preview')).rejects.toMatchObject({ code: 'VERDICT_CHANNEL' });
  });

  test('shows platforms, scans, SBOMs, findings with their rule, build, tests, tags and locks', async () => {
    const { text } = await reporting(`${released.release.registry}/${released.release.repository}:latest`);
    const tags = '1.2.0 · locked against writing and deletion 1.2 not locked 1 not locked latest not locked';
    for (const said of [
      'linux/amd64', 'linux/arm64', 'trivy 0.72.0', '3 packages of debian', 'SPDX 1 package', 'CVE-2020-28500', 'linux/amd64 linux/arm64 ! told mend soon .pratique/policy.yaml:', 'no rule speaks of it', 'Findings (2)',
      'https://github.com/acme/app/actions/runs/', 'c'.repeat(40), 'release.yml@refs/tags/v1.2.0', 'pkg:docker/debian@12', 'Tests ✓ PASSED test', tags, 'org.opencontainers.image.revision',
    ]) expect(text).toContain(said);
  });

  test('its file is named after it, and its address can be opened', async () => {
    const { outputs, summary } = await reporting(releaseOf(released));
    expect(outputs.report).toMatch(new RegExp(`^file:///.*/report-acme-app-${released.image.digest.slice(7, 19)}\\.html$`));
    expect(world.lines).toContain(outputs.report);
    expect(summary).toContain('Passed for release');
    expect((await reporting(releaseOf(released), { policy, output: 'folder/a b.html' })).outputs.report).toMatch(/^file:\/\/\/.*\/folder\/a%20b\.html$/);
  });

  test('the copy that stays in quarantine did not pass there', async () => {
    const { outputs, page, text } = await reporting(formatImage(released.image));
    expect(outputs).toMatchObject({ standing: 'elsewhere', release: 'VERDICT_MISSING', preview: 'VERDICT_MISSING' });
    expect(page).not.toContain('class="headline good"');
    expect(text).toContain('Build evidence');
  });
});

test.each([['no policy', {}, 'No policy was given'], ['a folder without trust', { policy: 'empty' }, 'names nobody as gate']])('%s: nobody is believed, and nothing is green', async (_, given, why) => {
  await (await world.ctxFor('gate')).files.write('empty/policy.yaml', '');
  const { outputs, page, text } = await reporting(releaseOf(released), given);
  expect(outputs).toMatchObject({ standing: 'unproven', release: 'VERDICT_UNTRUSTED', preview: 'VERDICT_UNTRUSTED' });
  for (const said of ['Nothing is proven', why, 'Findings ! not known', '12 verifies, not believed', 'No believed provenance']) expect(text).toContain(said);
  expect(page).not.toMatch(/class="[^"]*\bgood\b/);
});

test('a refused image in quarantine: the refusal with its signed reasons', async () => {
  const pushed = await world.pushImage({ name: 'refused', findings: ['CVE-2021-44906', 'CVE-2021-23337'] });
  await world.sign(pushed);
  await world.judge(pushed);
  const { outputs, text } = await reporting(formatImage(pushed.image));
  expect(outputs).toMatchObject({ standing: 'refused', release: 'VERDICT_MISSING' });
  for (const said of ['Refused VERDICT_REFUSED', `As ${pushed.release.registry}/acme/refused: CVE-2021-44906 (critical) in minimist`, 'FAILED for release', '✗ deny GATE_FINDING_DENIED no known way in CVE-2021-23337', '2 denied by the policy of now']) expect(text).toContain(said);
}, 60_000);

test('a revoked release is refused; what the verdict rested on is still told', async () => {
  const pushed = await world.pushImage({ name: 'revoked' });
  await world.sign(pushed);
  await world.judge(pushed);
  await revoke.run(read(revoke.inputs, { image: releaseOf(pushed), reason: 'a leaked key', policy }), await world.ctxFor('gate', { ref: 'refs/tags/v1.2.0' }));
  const { outputs, text } = await reporting(releaseOf(pushed));
  expect(outputs).toMatchObject({ standing: 'refused', release: 'VERDICT_REFUSED' });
  expect(text).toContain('a leaked key');
}, 60_000);

test('an unsigned image: no verdict, nothing known, and the gap is told', async () => {
  const { outputs, text } = await reporting(formatImage((await world.pushImage({ name: 'unsigned' })).image));
  expect(outputs).toMatchObject({ standing: 'missing', release: 'VERDICT_MISSING' });
  for (const said of ['No verdict VERDICT_MISSING', '1 of 1 platforms have no believed scan', 'No believed test result', 'Attestations (1)', '· unsigned']) expect(text).toContain(said);
});

test('strangers and planted referrers change no answer, and are named', async () => {
  const pushed = await world.pushImage({ name: 'attacked' });
  await world.sign(pushed);
  const evil = '"><script>alert(1)</script>';
  const repository = pushed.image.repository;
  const planted = await plant(world.asAdministrator(repository), pushed.root, { artifactType: 'application/vnd.planted.v1', name: evil });
  const verdict = { verifier: { id: evil }, timeVerified: '2026-01-01T00:00:00Z', resourceUri: formatImage(pushed.image), policy: { uri: evil, digest: { sha256: '1'.repeat(64) } }, inputAttestations: [], verificationResult: 'PASSED', verifiedLevels: ['PRATIQUE_CHANNEL_RELEASE'], validUntil: '2036-01-01T00:00:00Z' };
  const forged = await forge(world, { role: 'builder', repository, subject: pushed.root, predicateType: predicateTypes.verdict, predicate: verdict });
  await forge(world, { role: 'gate', job: { jobWorkflowFile: '.github/workflows/other.yml' }, repository, subject: pushed.root, predicateType: predicateTypes.tests, predicate: { result: evil } });
  const { outputs, page, text } = await reporting(formatImage(pushed.image));
  expect(outputs).toMatchObject({ standing: 'missing', release: 'VERDICT_UNTRUSTED' });
  for (const said of ['Planted or foreign application/vnd.planted.v1', '! no attestation', planted, '2 verifies, not believed', 'ATTESTATION_SIGNER_UNKNOWN', forged, 'acme/app other.yml@refs/tags/v1.2.0', 'Tests ✓ PASSED test']) expect(text).toContain(said);
  expect(page).not.toContain(evil);
}, 60_000);

test('deployments are told, by report and verify, when the role deploy signed them; a stranger\'s is only named', async () => {
  const predicate = (namespace: string) => ({
    result: 'promoted', reason: 'good enough', revision: 7, target: { cluster: { server: 'https://aks.example' }, namespace, release: 'shop' }, startedAt: '2026-11-21T15:00:00Z', finishedAt: '2026-11-21T15:05:00Z', run: { uri: 'https://github.com/acme/app/actions/runs/1' },
  });
  const sign = (workflow: string, namespace: string) => forge(world, { role: 'gate', job: { jobWorkflowFile: `.github/workflows/${workflow}` }, repository: released.release.repository, subject: released.root, predicateType: predicateTypes.deployment, predicate: predicate(namespace) });
  await sign('deploy.yml', 'web');
  await sign('other.yml', 'evil');
  const { text } = await reporting(releaseOf(released));
  expect(text).toContain('Deployments (1)');
  expect(text).toMatch(/✓ promoted web\/shop https:\/\/aks\.example revision 7 good enough/);
  expect(text).not.toContain('evil/shop');
  expect((await verifying(releaseOf(released))).outputs.deployments).toMatch(/^\S+Z promoted on https:\/\/aks\.example as web\/shop, revision 7$/);
}, 60_000);

test('an expired verdict', async () => {
  const pushed = await world.pushImage({ name: 'old' });
  await world.sign(pushed);
  await world.judge(pushed);
  world.advance(31 * 24);
  const { outputs, text } = await reporting(releaseOf(pushed));
  expect(outputs).toMatchObject({ standing: 'expired', release: 'VERDICT_EXPIRED' });
  expect(text).toContain('The verdict has expired VERDICT_EXPIRED');
}, 60_000);

test('an image that is not there cannot be reported', async () => {
  await expect(reporting(`${released.release.registry}/acme/none:1`)).rejects.toMatchObject({ code: 'REGISTRY_NOT_FOUND' });
});
