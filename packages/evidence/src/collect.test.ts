// SPDX-License-Identifier: Apache-2.0
// From signed referrers in a registry to a decision, and to what a deployment may rely on.
import { Failure, formatImage, predicateTypes, type FailureCode, type PinnedImage, type Verdict } from '@pratique/core';
import { buildManifest, copyGraph, emptyBlob, hashBytes, mediaTypes, streamOf, type Descriptor } from '@pratique/oci';
import { parseTrust } from '@pratique/policy';
import { bundleMediaType, readAttestation, verdictPredicate } from '@pratique/sign';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { collect, type Collected } from './collect.ts';
import { decide } from './decide.ts';
import { loadPolicySet, type PolicySet } from './policy-set.ts';
import { requireVerdict } from './require-verdict.ts';
import { revocation } from './revocation.ts';
import { createWorld, fullPlan, hanging, trustText, type PushedImage, type World } from './test-world.ts';

let world: World;
let set: PolicySet;
let count = 0;
beforeAll(async () => {
  world = await createWorld();
  world.commit({ 'policy.yaml': '', 'trust.yaml': trustText });
  set = await loadPolicySet(world.ctx, 'github://contoso/web');
});
beforeEach(() => {
  world.intercept = () => undefined;
  world.job = { workflow: 'release.yml', event: 'push' };
});
afterAll(() => world[Symbol.asyncDispose]());

const push = (): Promise<PushedImage> => world.pushImage({ number: String(count += 1) });
const gather = (pushed: PushedImage, channel: 'release' | 'preview' = 'release'): Promise<Collected> => collect({ ctx: world.ctx, repository: world.repository, image: pushed.image, trust: set.trust, trustMaterial: world.trust, channel });
const judge = async (pushed: PushedImage): Promise<Verdict> => decide({ ctx: world.ctx, set, evidence: await gather(pushed), channel: 'release' });

async function codeOf(work: Promise<unknown>): Promise<FailureCode | 'passed'> {
  try {
    await work;
    return 'passed';
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown.code;
    throw thrown;
  }
}

/** Hangs a bundle on a subject as anybody with push rights could. */
async function hang(subject: Descriptor, bundle: Uint8Array, artifactType = bundleMediaType): Promise<void> {
  const layer = { mediaType: artifactType, digest: hashBytes(bundle), size: bundle.byteLength };
  await world.repository.writeBlob(emptyBlob.descriptor, async () => streamOf(emptyBlob.bytes));
  await world.repository.writeBlob(layer, async () => streamOf(bundle));
  await world.repository.writeManifest(buildManifest({ schemaVersion: 2, mediaType: mediaTypes.manifest, artifactType, config: emptyBlob.descriptor, layers: [layer], subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size } }));
}
const bundleOf = async (pushed: PushedImage): Promise<Uint8Array> => {
  const [first] = await world.repository.listReferrers(pushed.root.digest);
  return readAttestation(world.repository, first?.digest ?? '' as never);
};
const signature = (subject: Descriptor) => ({ subject, predicateType: predicateTypes.signature, predicate: {} });

describe('collecting', () => {
  test('believes what its roles signed, names the rest, and the decision rests on it', async () => {
    const pushed = await push();
    await world.attest(await fullPlan(world, pushed));
    await hang(pushed.root, new TextEncoder().encode('{}'), 'application/vnd.pratique.evidence.v1+json');
    const evidence = await gather(pushed);
    expect(evidence).toMatchObject({ image: pushed.image, version: '1.2.0', source: 'https://github.com/contoso/web', disbelieved: [] });
    expect(evidence.platforms.map(({ digest }) => digest)).toEqual(pushed.platforms.map(({ digest }) => digest));
    expect(evidence.listed.map(({ digest }) => digest).sort()).toEqual((await hanging(world, pushed)).sort());
    expect(evidence.statements.map(({ roles }) => roles.join())).toEqual(Array.from({ length: 7 }, () => 'build,scan'));
    const verdict = await judge(pushed);
    expect(verdict).toMatchObject({ result: 'passed', reasons: [], policy: { uri: set.uri, digest: set.digest } });
    expect(verdict.inputs).toEqual(evidence.statements.map(({ attestation }) => attestation).sort());
  });
  test('an image without any evidence is refused, not an error', async () => {
    const verdict = await judge(await push());
    expect(verdict).toMatchObject({ result: 'refused', inputs: [] });
    expect(new Set(verdict.reasons.map(({ code }) => code))).toEqual(new Set(['GATE_UNSIGNED', 'GATE_EVIDENCE_MISSING', 'GATE_PLATFORM_UNSCANNED']));
  });
  const forgeries: readonly (readonly [string, FailureCode, (pushed: PushedImage) => Promise<unknown>])[] = [
    ['a workflow without a role', 'ATTESTATION_SIGNER_UNKNOWN', async (pushed) => {
      world.job = { workflow: 'evil.yml', event: 'push' };
      return world.attest([signature(pushed.root)]);
    }],
    ['a pull request', 'ATTESTATION_SIGNER_UNKNOWN', async (pushed) => {
      world.job = { workflow: 'release.yml', event: 'pull_request' };
      return world.attest([signature(pushed.root)]);
    }],
    ['the gate in the place of the builder', 'ATTESTATION_SIGNER_UNKNOWN', async (pushed) => {
      world.job = { workflow: 'gate.yml', event: 'push' };
      return world.attest([signature(pushed.root)]);
    }],
    ['a type that nobody reads', 'ATTESTATION_SIGNER_UNKNOWN', (pushed) => world.attest([{ ...signature(pushed.root), predicateType: 'constructor' }])],
    ['a bundle of another image', 'ATTESTATION_SUBJECT_MISMATCH', async (pushed) => {
      const other = await push();
      await world.attest([signature(other.root)]);
      return hang(pushed.root, await bundleOf(other));
    }],
    ['a bundle of one of its platforms', 'ATTESTATION_SUBJECT_MISMATCH', async (pushed) => {
      const other = await push();
      await world.attest([signature(other.platforms[0] ?? other.root)]);
      const [referrer] = await world.repository.listReferrers(other.platforms[0]?.digest ?? other.root.digest);
      return hang(pushed.root, await readAttestation(world.repository, referrer?.digest ?? other.root.digest));
    }],
    ['a changed bundle', 'ATTESTATION_UNTRUSTED', async (pushed) => {
      const other = await push();
      await world.attest([signature(other.root)]);
      const bundle = JSON.parse(new TextDecoder().decode(await bundleOf(other))) as { dsseEnvelope: { payload: string } };
      const payload = Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString().replaceAll(other.root.digest.slice(7), pushed.root.digest.slice(7));
      bundle.dsseEnvelope.payload = Buffer.from(payload).toString('base64');
      return hang(pushed.root, new TextEncoder().encode(JSON.stringify(bundle)));
    }],
    ['a bundle of another sigstore', 'ATTESTATION_UNTRUSTED', async (pushed) => {
      await using foreign = await createWorld();
      return await foreign.attest([signature(pushed.root)], world.repository);
    }],
    ['no bundle at all', 'ATTESTATION_MALFORMED', (pushed) => hang(pushed.root, new TextEncoder().encode('{}'))],
  ];
  const refusalFor: Partial<Record<FailureCode, FailureCode>> = { ATTESTATION_SIGNER_UNKNOWN: 'GATE_SIGNER_UNTRUSTED', ATTESTATION_SUBJECT_MISMATCH: 'GATE_EVIDENCE_FOREIGN' };
  test.each(forgeries)('%s is not believed: %s', async (_, code, forge) => {
    const pushed = await push();
    await forge(pushed);
    const evidence = await gather(pushed);
    expect(evidence.statements.filter(({ subject }) => subject === pushed.root.digest)).toEqual([]);
    expect(evidence.disbelieved.filter(({ subject }) => subject === pushed.root.digest).map((one) => one.code)).toEqual([code]);
    const [first] = (await judge(pushed)).reasons;
    expect(first).toMatchObject({ code: refusalFor[code] ?? 'GATE_UNSIGNED', message: expect.stringContaining(code) as string });
  });
  test('a flood of referrers is refused, wherever they hang', async () => {
    const pushed = await push();
    const [, platform = pushed.root] = pushed.platforms;
    for (let index = 0; index < 200; index += 1) await hang(index < 100 ? pushed.root : platform, new TextEncoder().encode(`${index}`), 'application/vnd.noise');
    expect((await gather(pushed)).listed.length).toBe(200);
    await hang(platform, new TextEncoder().encode('one more'), 'application/vnd.noise');
    expect(await codeOf(gather(pushed))).toBe('GATE_REFERRERS_FLOOD');
  });
  test('a registry that breaks off leaves everything open', async () => {
    const pushed = await push();
    await world.attest(await fullPlan(world, pushed));
    const [first] = await hanging(world, pushed);
    world.intercept = (request) => (request.url.endsWith(`/manifests/${first}`) ? new Response('', { status: 500 }) : undefined);
    expect(await codeOf(gather(pushed))).toBe('REGISTRY_UNAVAILABLE');
  });
  test('a referrer that vanished is not believed', async () => {
    const pushed = await push();
    await world.attest(await fullPlan(world, pushed));
    const [first] = await hanging(world, pushed);
    world.intercept = (request) => (request.url.endsWith(`/manifests/${first}`) ? new Response('', { status: 404 }) : undefined);
    expect((await gather(pushed)).disbelieved).toMatchObject([{ attestation: first, code: 'REGISTRY_NOT_FOUND' }]);
  });
  test('a policy of the workspace decides on previews only', async () => {
    await world.ctx.files.write('.pratique/policy.yaml', '');
    await world.ctx.files.write('.pratique/trust.yaml', trustText);
    const loose = await loadPolicySet(world.ctx, '.pratique');
    const pushed = await push();
    await world.attest(await fullPlan(world, pushed));
    const evidence = await gather(pushed);
    expect(await codeOf(decide({ ctx: world.ctx, set: loose, evidence, channel: 'release' }))).toBe('POLICY_UNTRUSTED');
    expect(await decide({ ctx: world.ctx, set: loose, evidence, channel: 'preview' })).toMatchObject({ result: 'passed', channel: 'preview' });
  });
});

describe('a verdict', () => {
  let pushed: PushedImage;
  let released: PinnedImage;
  let passed: Verdict;
  beforeEach(async () => {
    pushed = await push();
    await copyGraph({ from: world.repository, to: world.release, roots: [pushed.image.digest] });
    released = { registry: world.release.registry, repository: world.release.name, digest: pushed.image.digest };
    passed = { result: 'passed', channel: 'release', reasons: [], policy: { uri: set.uri, digest: set.digest }, inputs: [pushed.root.digest], decidedAt: world.now(), validUntil: new Date(world.now().getTime() + 30 * 86_400_000) };
  });
  const sign = (predicate: unknown, workflow = 'gate.yml'): Promise<unknown> => {
    world.job = { workflow, event: 'push' };
    return world.attest([{ subject: pushed.root, predicateType: predicateTypes.verdict, predicate }], world.release);
  };
  const say = (change: Partial<Verdict> = {}, image: PinnedImage = released): object => verdictPredicate({ ...passed, ...change }, image, 'https://github.com/contoso/web/gate');
  const ask = (change: Partial<Parameters<typeof requireVerdict>[0]> = {}) => requireVerdict({ ctx: world.ctx, repository: world.release, image: released, channel: 'release', trust: set.trust, trustMaterial: world.trust, ...change });

  test('of the gate lets it pass, and shows who said so', async () => {
    await sign(say());
    expect(await ask({ policyDigest: set.digest })).toMatchObject({ verdict: { result: 'PASSED', resourceUri: formatImage(released), policyDigest: set.digest }, statement: { roles: ['gate'], signer: { identity: expect.stringContaining('gate.yml') } } });
  });
  const refusals: readonly (readonly [string, FailureCode, () => Promise<unknown>, (() => Promise<unknown>)?])[] = [
    ['that is not there', 'VERDICT_MISSING', async () => undefined],
    ['of the builder', 'VERDICT_UNTRUSTED', () => sign(say(), 'release.yml')],
    ['for another repository', 'VERDICT_MISSING', () => sign(say({}, { ...released, repository: 'other' }))],
    ['of the builder, and one for another repository', 'VERDICT_MISSING', async () => {
      await sign(say(), 'release.yml');
      await sign(say({}, { ...released, repository: 'other' }));
    }],
    ['for the quarantine', 'VERDICT_MISSING', () => sign(say({}, pushed.image))],
    ['for another channel', 'VERDICT_CHANNEL', () => sign(say({ channel: 'preview' }))],
    ['that refuses', 'VERDICT_REFUSED', () => sign(say({ result: 'refused' }))],
    ['that has run out', 'VERDICT_EXPIRED', () => sign(say({ validUntil: world.now() })), async () => world.advance(1)],
    ['under another policy', 'VERDICT_MISSING', () => sign(say({ policy: { uri: 'x', digest: pushed.root.digest } }))],
    ['that cannot be read', 'ATTESTATION_MALFORMED', () => sign({ resourceUri: formatImage(released), verificationResult: 'PASSED' })],
    ['that cannot be read, beside one that can', 'ATTESTATION_MALFORMED', async () => {
      await sign(say());
      world.advance(0.01);
      await sign({}, 'revoke.yml');
    }],
  ];
  for (const [name, code, prepare, then] of refusals) test(`${name} ends in ${code}`, async () => {
    await prepare();
    await then?.();
    expect(await codeOf(ask({ policyDigest: set.digest }))).toBe(code);
  });
  test('taken back counts no more; a later one lets it pass again', async () => {
    await sign(say());
    world.advance(0.01);
    await sign(revocation({ image: released, set, channel: 'release', reason: 'stolen key', now: world.now(), verifier: 'https://github.com/contoso/web/revoke' }), 'revoke.yml');
    expect(await codeOf(ask())).toBe('VERDICT_REFUSED');
    world.advance(0.01);
    await sign(say({ decidedAt: world.now() }));
    expect(await codeOf(ask())).toBe('passed');
  });
  test.each([['gate.yml', 'revoke.yml'], ['revoke.yml', 'gate.yml']])('FAILED by %s wins over PASSED by %s at the same time', async (failing, passing) => {
    world.hold(true);
    await sign(say({ result: 'refused' }), failing);
    await sign(say(), passing);
    world.hold(false);
    expect(await codeOf(ask())).toBe('VERDICT_REFUSED');
  });
  test('stands among other statements, which are no verdicts', async () => {
    const other = (workflow: string) => {
      world.job = { workflow, event: 'push' };
      return world.attest([{ subject: pushed.root, predicateType: predicateTypes.signature, predicate: {} }], world.release);
    };
    await other('release.yml');
    // The gate may not sign for the builder: that is disbelieved, and it is no forged verdict.
    await other('gate.yml');
    expect(await codeOf(ask())).toBe('VERDICT_MISSING');
    await sign(say());
    world.advance(0.01);
    await other('release.yml');
    expect(await codeOf(ask())).toBe('passed');
  });
  test('that cannot be read takes nothing back when a later one can; at the same time it does', async () => {
    await sign({}, 'revoke.yml');
    world.advance(0.01);
    await sign(say());
    expect(await codeOf(ask())).toBe('passed');
    world.advance(0.01);
    world.hold(true);
    await sign({ resourceUri: 'x' }, 'revoke.yml');
    await sign(say({ decidedAt: world.now() }));
    world.hold(false);
    expect(await codeOf(ask())).toBe('ATTESTATION_MALFORMED');
  });
  test('for a preview is asked for by its channel', async () => {
    await sign(say({ channel: 'preview' }));
    expect(await codeOf(ask({ channel: 'preview' }))).toBe('passed');
  });
  test('holds to its last moment, and under any policy where none is asked for', async () => {
    await sign(say({ policy: { uri: 'x', digest: pushed.root.digest } }));
    const at = (milliseconds: number) => ({ clock: { ...world.ctx.clock, now: () => new Date(passed.validUntil.getTime() + milliseconds) } });
    expect(await codeOf(ask({ ctx: at(0) }))).toBe('passed');
    expect(await codeOf(ask({ ctx: at(1) }))).toBe('VERDICT_EXPIRED');
  });
  test('of another channel, signed later, takes nothing back', async () => {
    await sign(say());
    world.advance(0.01);
    await sign(say({ channel: 'preview', result: 'refused' }), 'revoke.yml');
    expect(await codeOf(ask())).toBe('passed');
    expect(await codeOf(ask({ channel: 'preview' }))).toBe('VERDICT_REFUSED');
  });
  test('of another repository, signed later, takes nothing back', async () => {
    await sign(say());
    world.advance(0.01);
    await sign(say({ result: 'refused' }, pushed.image), 'revoke.yml');
    expect(await codeOf(ask())).toBe('passed');
  });
  test('of a gate that lost its role after it had spoken still counts; before, it does not', async () => {
    await sign(say());
    const day = (hours: number): string => new Date(world.now().getTime() + hours * 3_600_000).toISOString().replace('.000', '');
    const within = (lines: string) => parseTrust(trustText.replaceAll(/( {4}repository-id: 42\n)/g, `$1    ${lines}\n`));
    expect(await codeOf(ask({ trust: within(`not-after: ${day(1)}`) }))).toBe('passed');
    expect(await codeOf(ask({ trust: within(`not-before: ${day(1)}`) }))).toBe('VERDICT_UNTRUSTED');
  });
});
