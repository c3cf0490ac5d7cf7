// SPDX-License-Identifier: Apache-2.0
// Bundles of the real Sigstore instances (test/fixtures/bundles/README.md).
import { readFileSync } from 'node:fs';
import { Failure, type Digest } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { createTestWorld } from '../../../test/fixtures/sign-world.ts';
import { loadTrustMaterial } from './trust.ts';
import { verifyAttestation, type VerifiedAttestation } from './verify.ts';

const read = (name: string): string => readFileSync(new URL(`../../../test/fixtures/bundles/${name}.json`, import.meta.url), 'utf8');

function subjectOf(bundle: string): Digest {
  const { dsseEnvelope } = JSON.parse(bundle) as { dsseEnvelope: { payload: string } };
  const { subject } = JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString()) as { subject: { digest: { sha256: string } }[] };
  return `sha256:${subject[0]?.digest.sha256 ?? ''}`;
}

async function verify(name: string, root: string): Promise<VerifiedAttestation> {
  await using world = await createTestWorld();
  const bundle = read(name);
  return await verifyAttestation({ bundle: new TextEncoder().encode(bundle), subject: subjectOf(bundle), trust: await loadTrustMaterial(world.ctx, read(root)) });
}

describe('recorded bundles', () => {
  test('log version 1 of the public good instance: the time is the log\'s', async () => {
    const verified = await verify('public-good-log-1', 'public-good-trusted-root');
    expect(verified.trustedTime.toISOString()).toBe('2024-12-16T18:42:56.000Z');
    expect(verified.signer).toMatchObject({ kind: 'keyless', issuer: 'https://token.actions.githubusercontent.com', extensions: { runnerEnvironment: 'github-hosted' } });
  });

  test('log version 2 of the staging instance: the time is the timestamp authority\'s', async () => {
    const verified = await verify('staging-log-2', 'staging-trusted-root');
    expect(verified.trustedTime.toISOString()).toBe('2026-05-13T19:23:33.000Z');
  });

  test('each is untrusted by the other instance\'s root', async () => {
    const codes = await Promise.all([verify('staging-log-2', 'public-good-trusted-root'), verify('public-good-log-1', 'staging-trusted-root')].map((work) => work.then(() => 'verified', (thrown: unknown) => (thrown instanceof Failure ? thrown.code : thrown))));
    expect(codes).toEqual(['ATTESTATION_UNTRUSTED', 'ATTESTATION_UNTRUSTED']);
  });
});
