// SPDX-License-Identifier: Apache-2.0
// verify, tree and revoke on the whole lab: what a deployment is told before and after a release is taken back.
import { Failure, formatImage } from '@pratique/core';
import { parseInputs, type InputContract, type InputValues } from '@pratique/step';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openGateWorld, type GateWorld, type QuarantinedImage } from '../../../../test/fixtures/gate-world.ts';
import { revoke } from './revoke.ts';
import { tree } from './tree.ts';
import { verify } from './verify.ts';

let world: GateWorld;
beforeAll(async () => {
  world = await openGateWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const common = (): Readonly<Record<string, string | undefined>> => {
  const { 'signing-config': _, 'moving-tags': __, ...rest } = world.inputsOf('gate');
  return rest;
};
const read = <I extends InputContract>(contract: I, given: Readonly<Record<string, string | undefined>>): InputValues<I> =>
  parseInputs(contract, Object.fromEntries(Object.entries(given).filter(([name]) => name in contract)));
const imageOf = (pushed: QuarantinedImage): string => formatImage({ ...pushed.release, digest: pushed.image.digest });

async function release(name: string, version: string): Promise<QuarantinedImage> {
  const pushed = await world.pushImage({ name, version });
  await world.sign(pushed);
  expect((await world.judge(pushed)).outputs.verdict).toBe('passed');
  return pushed;
}

const verifying = async (pushed: QuarantinedImage, given: Readonly<Record<string, string>> = {}) =>
  verify.run(read(verify.inputs, { ...common(), image: imageOf(pushed), policy: 'github://acme/app', ...given }), await world.ctxFor('gate'));

describe('verify', () => {
  test('says who let the image pass, and until when', async () => {
    const { outputs } = await verifying(await release('verify-one', '1.0.0'));
    expect(outputs).toMatchObject({ verdict: 'passed', signer: expect.stringContaining('/gate.yml@') as string, 'valid-until': expect.stringMatching(/^\d{4}-/) as string });
  });

  test.each([
    ['another channel', 'VERDICT_CHANNEL', { channel: 'preview' }, 0],
    ['a verdict that is too old', 'VERDICT_EXPIRED', {}, 31 * 24],
  ])('refuses %s', async (name, code, given, hours) => {
    const pushed = await release(`verify-${name.replaceAll(' ', '-')}`, '1.0.0');
    world.advance(hours);
    await expect(verifying(pushed, given)).rejects.toMatchObject({ code, exitStatus: 3 });
  });

  test('refuses an image that only waits in quarantine', async () => {
    const pushed = await world.pushImage({ name: 'verify-waiting' });
    await world.sign(pushed);
    const given = { ...common(), image: formatImage(pushed.image), policy: 'github://acme/app' };
    await expect(verify.run(read(verify.inputs, given), await world.ctxFor('gate'))).rejects.toMatchObject({ code: 'VERDICT_MISSING' });
  });
});

test('revoke: the image is refused from then on, its tags go to the release before', async () => {
  const before = await release('revoked', '1.1.0');
  const pushed = await release('revoked', '1.2.0');
  const given = { ...common(), 'signing-config': world.inputsOf('gate')['signing-config'], image: imageOf(pushed), reason: 'a leaked key', policy: 'github://acme/app' };
  const { outputs } = await revoke.run(read(revoke.inputs, given), await world.ctxFor('gate', { ref: 'refs/tags/v1.2.0' }));
  expect((outputs.tags ?? '').split('\n').toSorted()).toEqual(['1', '1.2', 'latest']);
  const repository = await world.repository('gate', pushed.release.repository);
  const named = await Promise.all(['1', '1.2', 'latest', '1.2.0'].map(async (tag) => (await repository.resolve(tag))?.digest));
  expect(named).toEqual([before.image.digest, undefined, before.image.digest, pushed.image.digest]);
  await expect(verifying(pushed)).rejects.toMatchObject({ code: 'VERDICT_REFUSED' });
  expect((await verifying(before)).outputs.verdict).toBe('passed');
});

test('revoke: a FAILED verdict of somebody else takes nothing back, and that is said', async () => {
  const pushed = await release('kept', '1.0.0');
  const given = { ...common(), 'signing-config': world.inputsOf('gate')['signing-config'], image: imageOf(pushed), reason: 'a rumour', policy: 'github://acme/app' };
  const ctx = await world.ctxFor('gate', { ref: 'refs/tags/v1.0.0', jobWorkflowFile: '.github/workflows/other.yml' });
  await expect(revoke.run(read(revoke.inputs, given), ctx)).rejects.toMatchObject({ code: 'ATTESTATION_SIGNER_UNKNOWN', exitStatus: 3 });
  expect((await verifying(pushed)).outputs.verdict).toBe('passed');
});

describe('tree', () => {
  const growing = async (image: string) => tree.run(read(tree.inputs, { ...common(), image }), await world.ctxFor('gate'));

  test('shows tags, platforms and what is verified; what is no attestation says so', async () => {
    const pushed = await release('tree', '1.0.0');
    const { outputs } = await growing(`${pushed.release.registry}/${pushed.release.repository}:latest`);
    const shown = JSON.parse(outputs.tree ?? '{}') as { tags: string[]; branches: { leaves: { state: string }[] }[] };
    expect(outputs.digest).toBe(pushed.image.digest);
    expect(shown.tags.toSorted()).toEqual(['1', '1.0', '1.0.0', 'latest']);
    expect(shown.branches.flatMap((branch) => branch.leaves).every((leaf) => leaf.state === 'verified')).toBe(true);
    const quarantined = JSON.parse((await growing(formatImage(pushed.image))).outputs.tree ?? '{}') as typeof shown;
    expect(quarantined.branches[0]?.leaves.map((leaf) => leaf.state)).toContain('not an attestation');
  });

  test('a tag that does not exist', async () => {
    await expect(growing(`${world.lab.addresses.acr.loginServer}/acme/none:1`)).rejects.toBeInstanceOf(Failure);
  });
});
