// SPDX-License-Identifier: Apache-2.0
// Attacks on the verdict and on the way after it: planted referrers, hostile reports, used-up verdicts, a policy from the workspace, a swapped index.
import { predicateTypes, type Digest } from '@pratique/core';
import { revocation } from '@pratique/evidence';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openGateWorld, type GateWorld, type QuarantinedImage } from '../../fixtures/gate-world.ts';
import { exampleFiles } from '../../fixtures/policy-repository.ts';
import { denialsOf, expectHeld, expectTagsElsewhere, forge, hangingOn, moveBundles, plant } from './attack-field.ts';

let world: GateWorld;
beforeAll(async () => {
  world = await openGateWorld();
});
afterEach(() => {
  world.lab.intercept('sigstore');
  world.lab.intercept('acr');
});
afterAll(() => world[Symbol.asyncDispose]());

async function signed(name: string, options: Partial<Parameters<GateWorld['pushImage']>[0]> = {}): Promise<QuarantinedImage> {
  const pushed = await world.pushImage({ name, ...options });
  await world.sign(pushed);
  return pushed;
}

/** Does something once the gate has made up its mind: when it asks for the certificate of its verdict. */
function onceDecided(act: () => Promise<void>): () => boolean {
  let done = false;
  world.lab.intercept('sigstore', async (request) => {
    if (done || !request.url.includes('signingCert')) return undefined;
    done = true;
    await act();
    return undefined;
  });
  return () => done;
}

test('(i) a VEX statement and fifty other referrers planted after the evidence was read stay behind', async () => {
  const pushed = await signed('planted');
  const quarantine = world.asAdministrator(pushed.image.repository);
  const planted: Digest[] = [];
  const decided = onceDecided(async () => {
    planted.push(await plant(quarantine, pushed.root, { artifactType: 'application/vnd.openvex+json', name: 'not affected' }));
    for (let number = 0; number < 50; number += 1) planted.push(await plant(quarantine, pushed.root, { artifactType: 'application/vnd.planted', name: String(number) }));
  });
  expect((await world.judge(pushed)).outputs.verdict).toBe('passed');
  expect(decided()).toBe(true);
  expect(new Set(planted).size).toBe(51);
  const { verdict, statement } = await world.verdictOn(pushed);
  const released = await hangingOn(await world.repository('gate', pushed.release.repository), pushed);
  expect(released.sort()).toEqual([...verdict.inputs, statement.attestation].sort());
});

describe('(j) a report full of injections', () => {
  const escape = String.fromCharCode(27);
  const hostile = `x\n::error::owned\n::set-output name=verdict::passed\n##[error]owned ${escape}[2J${escape}]8;;https://evil.example${escape}\\ <script>alert(1)</script><img src=x onerror=alert(1)> [click](javascript:alert(1)) | a | b |\n# Released`;

  test('is refused as GATE_FINDING_DENIED, and nothing in it acts', async () => {
    const pushed = await signed('hostile', {
      findings: ['CVE-2021-23337'],
      change: (evidence) => ({ ...evidence, scans: evidence.scans.map((scan) => ({ ...scan, report: poison(scan.report, hostile) })) }),
    });
    const from = world.lines.length;
    const { outputs, summary, refusal } = await expectHeld(world, pushed, 'GATE_FINDING_DENIED');
    for (const text of [summary, refusal?.message ?? '']) expect(text).toContain('owned');
    expect(summary).not.toMatch(/<script|<img|\]\(javascript:|^# Released/m);
    for (const text of [summary, outputs.reasons ?? '', ...world.lines.slice(from)]) {
      expect(text).not.toContain(escape);
      expect(text).not.toMatch(/^\s*(?:::|##\[)/m);
    }
    expect(outputs.reasons).not.toContain('\n');
    expect(outputs.verdict).toBe('refused');
  });
});

function poison(report: Uint8Array, hostile: string): Uint8Array {
  const content = JSON.parse(new TextDecoder().decode(report)) as { Results: { Vulnerabilities?: object[] }[] };
  const Results = content.Results.map((result) => ({ ...result, Vulnerabilities: (result.Vulnerabilities ?? []).map((one) => ({ ...one, Title: hostile, PkgName: `lodash ${hostile}`, FixedVersion: hostile })) }));
  return new TextEncoder().encode(JSON.stringify({ ...content, Results }));
}

describe('(k) a verdict that is used up', () => {
  test('revoked is VERDICT_REFUSED, and takes no moving tag', async () => {
    const pushed = await signed('revoked');
    await world.judge(pushed);
    await world.verdictOn(pushed);
    world.advance(0.01);
    const image = { ...pushed.release, digest: pushed.image.digest };
    const predicate = revocation({ image, set: { uri: 'github://acme/app', digest: pushed.image.digest }, channel: 'release', reason: 'a leaked key', now: world.now(), verifier: 'https://github.com/acme/app/revoke' });
    await forge(world, { role: 'gate', repository: pushed.release.repository, subject: pushed.root, predicateType: predicateTypes.verdict, predicate });
    await expect(world.verdictOn(pushed)).rejects.toMatchObject({ code: 'VERDICT_REFUSED', exitStatus: 3 });
    await expectTagsElsewhere(world, pushed);
  });

  test('given for preview is VERDICT_CHANNEL', async () => {
    const pushed = await signed('preview');
    expect((await world.judge(pushed, { given: { channel: 'preview' } })).outputs).toMatchObject({ verdict: 'passed', tags: '' });
    await expect(world.verdictOn(pushed)).rejects.toMatchObject({ code: 'VERDICT_CHANNEL', exitStatus: 3 });
    const releases = world.asAdministrator(pushed.release.repository);
    await releases.tag(await releases.readManifest(pushed.image.digest), '9.9.9');
    await expectTagsElsewhere(world, pushed);
  });
});

test('(m) a policy from the workspace is POLICY_UNTRUSTED for a release', async () => {
  const { files } = await world.ctxFor('gate');
  for (const [name, text] of Object.entries(exampleFiles(world.lab.addresses.github.issuer))) await files.write(`lax/${name}`, text);
  const pushed = await signed('lax', { findings: ['CVE-2021-23337'] });
  await expect(world.judge(pushed, { given: { policy: 'lax' } })).rejects.toMatchObject({ code: 'POLICY_UNTRUSTED', exitStatus: 3 });
  await expect(world.verdictOn(pushed)).rejects.toMatchObject({ code: 'VERDICT_MISSING' });
  await expectHeld(world, pushed, 'GATE_FINDING_DENIED');
});

describe('(n) the index swapped between verdict and promotion', () => {
  test.each(['quarantine', 'acme'])('in %s is REGISTRY_DIGEST_MISMATCH, and a re-run heals', async (place) => {
    const pushed = await signed(`swapped-${place}`);
    const other = await world.pushImage({ name: `swapped-${place}`, version: '6.6.6' });
    const { bytes, descriptor } = await world.asAdministrator(pushed.image.repository).readManifest(other.image.digest);
    const path = `/v2/${place}/swapped-${place}/manifests/${pushed.image.digest}`;
    let swapped = 0;
    const decided = onceDecided(async () => world.lab.intercept('acr', async (request) => {
      if (request.method !== 'GET' || decodeURIComponent(new URL(request.url).pathname) !== path) return undefined;
      swapped += 1;
      return new Response(Uint8Array.from(bytes), { headers: { 'content-type': descriptor.mediaType, 'docker-content-digest': pushed.image.digest } });
    }));
    await expect(world.judge(pushed)).rejects.toMatchObject({ code: 'REGISTRY_DIGEST_MISMATCH' });
    expect([decided(), swapped > 0]).toEqual([true, true]);
    world.lab.intercept('acr');
    const releases = world.asAdministrator(pushed.release.repository);
    expect(await releases.hasManifest(other.image.digest)).toBe(false);
    expect(await releases.listTags()).toEqual([]);
    expect((await world.judge(pushed)).outputs.verdict).toBe('passed');
  });
});

// Last: they move the clock of everything.
test('(k) a verdict that expired is VERDICT_EXPIRED', async () => {
  const pushed = await signed('expired');
  await world.judge(pushed);
  world.advance(31 * 24);
  await expect(world.verdictOn(pushed)).rejects.toMatchObject({ code: 'VERDICT_EXPIRED', exitStatus: 3 });
});

test("(l) last year's passing evidence attached again is GATE_SCAN_STALE", async () => {
  const pushed = await signed('last-year');
  world.advance(365 * 24);
  const quarantine = world.asAdministrator(pushed.image.repository);
  for (const subject of [pushed.root, ...pushed.platforms.map(({ manifest }) => manifest)]) await moveBundles({ from: quarantine, to: quarantine }, { from: subject.digest, to: subject });
  const judged = await expectHeld(world, pushed, 'GATE_SCAN_STALE');
  expect(denialsOf(judged)).not.toContain('GATE_UNSIGNED');
});
