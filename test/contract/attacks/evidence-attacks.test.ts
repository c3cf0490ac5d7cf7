// SPDX-License-Identifier: Apache-2.0
// Attacks on what the gate believes: images without, with foreign, moved or partial evidence, and exceptions that nobody approved.
import { predicateTypes, type Reason } from '@pratique/core';
import { buildManifest, mediaTypes } from '@pratique/oci';
import { quarantineGate } from '@pratique/quarantine-gate';
import { verdictPredicate } from '@pratique/sign';
import { parseInputs } from '@pratique/step';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openGateWorld, type GateWorld, type QuarantinedImage } from '../../fixtures/gate-world.ts';
import { exampleFiles } from '../../fixtures/policy-repository.ts';
import { writeSampleImage } from '../../fixtures/debian-image.ts';
import { denialsOf, expectHeld, expectTagsElsewhere, forge, hangingOn, moveBundles } from './attack-field.ts';

let world: GateWorld;
beforeAll(async () => {
  world = await openGateWorld();
});
beforeEach(() => void world.configure());
afterAll(() => world[Symbol.asyncDispose]());

const reasonsOf = (outputs: { readonly reasons?: string }): Reason[] => JSON.parse(outputs.reasons ?? '[]') as Reason[];

async function signed(name: string, options: { readonly version?: string; readonly findings?: readonly string[] } = {}): Promise<QuarantinedImage> {
  const pushed = await world.pushImage({ name, ...options });
  await world.sign(pushed);
  return pushed;
}

test('(a) an image that nobody signed is GATE_UNSIGNED', async () => {
  await expectHeld(world, await world.pushImage({ name: 'unsigned' }), 'GATE_UNSIGNED');
});

test('(b) signed by the workflow of another repository is GATE_UNSIGNED, and the stranger is named', async () => {
  const home = world.lab.github.repository('acme/app');
  if (home === undefined) throw new Error('the lab has no repository');
  world.lab.github.setRepository({ ...home, owner: 'mallory', ownerId: 6666, name: 'app', id: 6667 });
  const pushed = await world.pushImage({ name: 'foreign' });
  await forge(world, { role: 'builder', job: { repository: 'mallory/app' }, repository: pushed.image.repository, subject: pushed.root, predicateType: predicateTypes.signature, predicate: {} });
  const { outputs } = await expectHeld(world, pushed, 'GATE_UNSIGNED');
  expect(reasonsOf(outputs).find(({ code }) => code === 'GATE_UNSIGNED')?.message).toMatch(/ATTESTATION_SIGNER_UNKNOWN.*mallory\/app/s);
});

test('(c) a tag that moved after the scan is no input of the gate, and the digest behind it is GATE_UNSIGNED', async () => {
  const judgedOne = await signed('moved-tag');
  const quarantine = world.asAdministrator(judgedOne.image.repository);
  await quarantine.tag(await quarantine.readManifest(judgedOne.image.digest), 'candidate');
  const other = await world.pushImage({ name: 'moved-tag', version: '1.2.1' });
  await quarantine.tag(await quarantine.readManifest(other.image.digest), 'candidate');
  const { registry, repository } = judgedOne.image;
  expect(() => parseInputs(quarantineGate.inputs, { ...world.inputsOf('gate'), image: `${registry}/${repository}:candidate`, release: `${registry}/acme/moved-tag` })).toThrow(/digest/);
  await expectHeld(world, other, 'GATE_UNSIGNED');
  expect((await world.judge(judgedOne)).outputs).toMatchObject({ verdict: 'passed', image: expect.stringContaining(judgedOne.image.digest) as string });
});

test('(d) the evidence of another image attached is ATTESTATION_SUBJECT_MISMATCH, and cannot be signed anew', async () => {
  const good = await signed('borrowed');
  const bad = await world.pushImage({ name: 'borrowed', version: '1.2.1' });
  const quarantine = world.asAdministrator(good.image.repository);
  expect(await moveBundles({ from: quarantine, to: quarantine }, { from: good.image.digest, to: bad.root })).toBeGreaterThan(0);
  await expect(world.sign({ ...bad, evidence: good.evidence })).rejects.toMatchObject({ code: 'BUILD_EVIDENCE_INVALID' });
  const { outputs } = await expectHeld(world, bad, 'GATE_UNSIGNED');
  expect(reasonsOf(outputs).find(({ code }) => code === 'GATE_UNSIGNED')?.message).toContain('ATTESTATION_SUBJECT_MISMATCH');
});

test('(e) a platform added to the index is GATE_PLATFORM_UNSCANNED, and only that one', async () => {
  const good = await signed('grown');
  const quarantine = world.asAdministrator(good.image.repository);
  const added = (await writeSampleImage(quarantine, [{ platform: 'linux/arm64', files: [{ path: 'app/version', content: 'never scanned' }] }])).platforms;
  const { content } = await quarantine.readManifest(good.image.digest);
  const manifests = [...(content.manifests ?? []), ...added.map(({ manifest }) => ({ ...manifest, platform: { os: 'linux', architecture: 'arm64' } }))];
  const root = await quarantine.writeManifest(buildManifest({ ...content, mediaType: mediaTypes.index, manifests }));
  // Even the signature of the index is had by the right identity: the platform is still without its scan.
  await forge(world, { role: 'builder', repository: good.image.repository, subject: root, predicateType: predicateTypes.signature, predicate: {} });
  const grown: QuarantinedImage = { ...good, root, platforms: [...good.platforms, ...added], image: { ...good.image, digest: root.digest } };
  const { outputs } = await expectHeld(world, grown, 'GATE_PLATFORM_UNSCANNED');
  const unscanned = reasonsOf(outputs).filter(({ code }) => code === 'GATE_PLATFORM_UNSCANNED').map(({ subject }) => subject);
  expect(unscanned).toEqual(added.map(({ manifest }) => manifest.digest));
});

test('(f) nothing but a bill of materials by the right identity is GATE_UNSIGNED', async () => {
  const pushed = await world.pushImage({ name: 'only-sbom' });
  await world.sign(pushed, { given: { predicates: 'cyclonedx' } });
  expect((await hangingOn(world.asAdministrator(pushed.image.repository), pushed)).length).toBeGreaterThan(1);
  await expectHeld(world, pushed, 'GATE_UNSIGNED');
});

test('(g) a passing verdict that the builder signed is VERDICT_MISSING, here and for the gate', async () => {
  const pushed = await world.pushImage({ name: 'self-passed' });
  const releases = world.asAdministrator(pushed.release.repository);
  const released = { ...pushed.release, digest: pushed.image.digest };
  const verdict = verdictPredicate({
    result: 'passed', channel: 'release', reasons: [], policy: { uri: 'github://acme/app', digest: pushed.image.digest }, inputs: [], decidedAt: world.now(), validUntil: new Date(world.now().getTime() + 86_400_000),
  }, released, 'https://github.com/acme/app/quarantine-gate');
  const own = { role: 'builder', subject: pushed.root, predicateType: predicateTypes.verdict, predicate: verdict } as const;
  await forge(world, { ...own, repository: pushed.image.repository });
  await expectHeld(world, pushed, 'GATE_UNSIGNED');
  expect(await releases.hasManifest(pushed.image.digest)).toBe(true);
  await forge(world, { ...own, repository: pushed.release.repository });
  await expect(world.verdictOn(pushed)).rejects.toMatchObject({ code: 'VERDICT_MISSING', facts: { verdicts: 0 } });
});

test('(h) the exception of an unmerged pull request is POLICY_EXCEPTION_INVALID when asked for by name, and not read otherwise', async () => {
  const day = (days: number): string => new Date(world.now().getTime() + days * 86_400_000).toISOString().slice(0, 10);
  const exception = `version: 1\nexceptions:\n  - id: CVE-2021-23337\n    package: lodash\n    version: 4.17.20\n    owner: team-app\n    reason: trust me\n    added: ${day(0)}\n    expires: ${day(30)}\n    approver: bob\n`;
  const head = world.policies.commit({ ...exampleFiles(world.lab.addresses.github.issuer), 'exceptions.yaml': exception }, 'change-77');
  world.lab.github.setPullRequest({
    repository: 'acme/app', number: 77, title: 'Bring it in', author: 'ann', state: 'open', base: { ref: 'main', sha: world.policies.head() }, head: { ref: 'change-77', sha: head, repository: 'acme/app' }, reviews: [],
  });
  const pushed = await signed('own-exception', { findings: ['CVE-2021-23337'] });
  const named = await world.judge(pushed, { given: { policy: 'github://acme/app/.pratique@change-77' } });
  expect(denialsOf(named)).toEqual(['GATE_FINDING_DENIED', 'POLICY_EXCEPTION_INVALID']);
  const unnamed = await world.judge(pushed);
  expect(denialsOf(unnamed)).toEqual(['GATE_FINDING_DENIED']);
  await expect(world.verdictOn(pushed, { within: pushed.image.repository })).rejects.toMatchObject({ code: 'VERDICT_REFUSED' });
  await expectTagsElsewhere(world, pushed);
});
