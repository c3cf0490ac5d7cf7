// SPDX-License-Identifier: Apache-2.0
import { Failure, predicateTypes, type Digest } from '@pratique/core';
import { describe, expect, test } from 'vitest';
import { createStatementSigner } from './signer.ts';
import { toStatement } from './statement.ts';
import { createTestWorld, pushClaims, pushIdentity } from '../../../test/fixtures/sign-world.ts';
import { loadTrustMaterial } from './trust.ts';
import { verifyAttestation } from './verify.ts';

const subject: Digest = `sha256:${'5'.repeat(64)}`;
const descriptor = { mediaType: 'application/vnd.oci.image.index.v1+json', digest: subject, size: 7 };
const statement = toStatement({ subject: descriptor, predicateType: predicateTypes.signature, predicate: {} });

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const thrown = await work.then(() => undefined, (reason: unknown) => reason);
  if (thrown instanceof Failure) return thrown;
  throw new Error('no Failure', { cause: thrown });
}

describe('createStatementSigner', () => {
  test.each([1, 2] as const)('what it signs with log version %i verifies, and says who signed in which run', async (version) => {
    await using world = await createTestWorld();
    const signer = await createStatementSigner(world.ctx, world.config(version));
    const bundle = await signer.sign(statement);
    const verified = await verifyAttestation({ bundle, subject, trust: await loadTrustMaterial(world.ctx, world.trustedRoot) });
    expect(verified).toMatchObject({ predicateType: predicateTypes.signature, predicate: {}, signer: signer.identity });
    expect(signer.claims).toMatchObject(pushClaims);
    expect(signer.identity).toEqual({
      kind: 'keyless', issuer: 'https://token.test', identity: pushIdentity,
      extensions: {
        issuer: 'https://token.test', buildSigner: pushIdentity, buildConfig: pushIdentity, runnerEnvironment: 'github-hosted', sourceRepository: 'https://github.com/contoso/web',
        sourceDigest: 'a'.repeat(40), sourceRef: 'refs/heads/main', sourceRepositoryId: '4711', ownerId: '815', event: 'push',
        run: 'https://github.com/contoso/web/actions/runs/77/attempts/1', visibility: 'private',
      },
    });
    expect(Math.abs(verified.trustedTime.getTime() - Date.now())).toBeLessThan(60_000);
  });

  test('one certificate serves many statements, signed in parallel', async () => {
    await using world = await createTestWorld();
    const signer = await createStatementSigner(world.ctx, world.config(2));
    await Promise.all(Array.from({ length: 8 }, (_, index) => signer.sign({ ...statement, predicate: { index } })));
    expect(world.seen.filter(({ url }) => url.pathname.endsWith('/signingCert'))).toHaveLength(1);
    expect(world.sigstore.entries.v2).toBe(8);
  });

  test('the certificate is renewed before it expires', async () => {
    let now = new Date();
    await using world = await createTestWorld({ now: () => now });
    const signer = await createStatementSigner(world.ctx, world.config(2));
    now = new Date(now.getTime() + 9.5 * 60_000);
    const bundle = await signer.sign(statement);
    expect(world.seen.filter(({ url }) => url.pathname.endsWith('/signingCert'))).toHaveLength(2);
    await verifyAttestation({ bundle, subject, trust: await loadTrustMaterial(world.ctx, world.trustedRoot) });
  });

  test('after a lost reply of log version 2 (409 on the second try) a new signature is logged', async () => {
    let lose = true;
    await using world = await createTestWorld({
      intercept: async (request) => {
        if (!lose || !request.url.endsWith('/api/v2/log/entries')) return undefined;
        lose = false;
        await world.sigstore.handle(request);
        return new Response('', { status: 502 });
      },
    });
    const signer = await createStatementSigner(world.ctx, world.config(2));
    const bundle = await signer.sign(statement);
    await verifyAttestation({ bundle, subject, trust: await loadTrustMaterial(world.ctx, world.trustedRoot) });
    expect(world.sigstore.entries.v2).toBe(2);
  });

  test('after a lost reply of log version 1 the entry is fetched, not made twice', async () => {
    let lose = true;
    await using world = await createTestWorld({
      intercept: async (request) => {
        if (!lose || !request.url.endsWith('/api/v1/log/entries')) return undefined;
        lose = false;
        await world.sigstore.handle(request);
        return new Response('', { status: 504 });
      },
    });
    const signer = await createStatementSigner(world.ctx, world.config(1));
    const bundle = await signer.sign(statement);
    await verifyAttestation({ bundle, subject, trust: await loadTrustMaterial(world.ctx, world.trustedRoot) });
    expect(world.sigstore.entries.v1).toBe(1);
  });

  const outages = [
    { path: '/signingCert', status: 503, code: 'SIGN_CERTIFICATE_FAILED', calls: 6 },
    { path: '/signingCert', status: 400, code: 'SIGN_IDENTITY_REFUSED', calls: 1 },
    { path: '/log/entries', status: 500, code: 'SIGN_LOG_FAILED', calls: 6 },
    { path: '/log/entries', status: 404, code: 'SIGN_CONFIG_INVALID', calls: 1 },
    { path: '/log/entries', status: 409, code: 'SIGN_LOG_FAILED', calls: 3 },
    { path: '/timestamp', status: 404, code: 'SIGN_CONFIG_INVALID', calls: 1 },
  ] as const;
  test.each(outages)('$path answering $status ends in $code after $calls calls', async ({ path, status, code, calls }) => {
    await using world = await createTestWorld({ intercept: async (request) => (new URL(request.url).pathname.endsWith(path) ? Response.json({ message: `no, ${await request.text()}` }, { status }) : undefined) });
    const failure = await failureOf(createStatementSigner(world.ctx, world.config(2)).then((signer) => signer.sign(statement)));
    expect(failure.code).toBe(code);
    expect(world.seen.filter(({ url }) => url.pathname.endsWith(path))).toHaveLength(calls);
    expect(JSON.stringify([failure.message, failure.facts, failure.hint])).not.toMatch(/eyJ/);
  });

  test('a timestamp authority that never answers ends in SIGN_TIMESTAMP_FAILED', async () => {
    await using world = await createTestWorld({ intercept: async (request) => (request.url.endsWith('/timestamp') ? Promise.reject(new TypeError('fetch failed')) : undefined) });
    const failure = await failureOf(createStatementSigner(world.ctx, world.config(2)).then((signer) => signer.sign(statement)));
    expect(failure.code).toBe('SIGN_TIMESTAMP_FAILED');
  });

  test('a token that Fulcio does not accept is never printed', async () => {
    await using world = await createTestWorld({ claims: () => ({ aud: 'other' }) });
    const failure = await failureOf(createStatementSigner(world.ctx, world.config(2)));
    expect(failure.code).toBe('SIGN_IDENTITY_REFUSED');
    expect(JSON.stringify([failure, failure.message, failure.stack, failure.facts, world.lines])).not.toContain('eyJ');
  });
});
