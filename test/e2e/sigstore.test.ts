// SPDX-License-Identifier: Apache-2.0
// The real cosign signs, attests and verifies against the lab: its registry, its certificate authority, both versions of its log, its timestamps.
import { execFile } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { startLab, type Lab } from '@pratique/lab';
import { buildManifest, createRegistry, emptyBlob, mediaTypes, staticCredentials, streamOf } from '@pratique/oci';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { obtain } from '../tools/obtain.ts';

const folder = mkdtempSync(join(tmpdir(), 'lab-cosign-'));
const identity = 'https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main';
let lab: Lab;
let cosign: string;

beforeAll(async () => {
  cosign = (await obtain(['cosign']))[0]?.path ?? '';
  lab = await startLab({ folder: join(folder, 'lab') });
});
afterAll(async () => {
  await lab.close();
  rmSync(folder, { recursive: true });
});

interface Ending { readonly status: number; readonly output: string }

/** Runs cosign as a job of the builder: its registry login, its ID token, the lab's CA, and nothing else. */
async function run(args: readonly string[]): Promise<Ending> {
  const { acr, environment, tokens } = lab.addresses;
  const login = Buffer.from(`${tokens.acr.builder.username}:${tokens.acr.builder.password}`).toString('base64');
  mkdirSync(join(folder, 'docker'), { recursive: true });
  writeFileSync(join(folder, 'docker', 'config.json'), JSON.stringify({ auths: { [acr.loginServer]: { auth: login } } }));
  const job = await lab.github.issueJob({
    repository: 'acme/app', ref: 'refs/heads/main', sha: 'a'.repeat(40), event: 'push', workflowFile: '.github/workflows/release.yml', workflowName: 'release', jobWorkflowFile: '.github/workflows/release.yml',
    job: 'sign', runId: '42', runAttempt: 1, actor: 'ann', permissions: { 'id-token': 'write' },
  });
  const env = {
    ...environment, PATH: process.env['PATH'], HOME: folder, DOCKER_CONFIG: join(folder, 'docker'), ACTIONS_ID_TOKEN_REQUEST_URL: job.requestUrl, ACTIONS_ID_TOKEN_REQUEST_TOKEN: job.requestToken,
  };
  return new Promise((resolve) => {
    execFile(cosign, args, { env, timeout: 60_000 }, (error, stdout, stderr) => resolve({ status: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, output: `${stdout}${stderr}` }));
  });
}

async function pushImage(name: string): Promise<string> {
  const { acr, tokens } = lab.addresses;
  const clock = { now: () => new Date(), sleep: () => Promise.resolve() };
  const registry = createRegistry({ registry: acr.loginServer, fetch: lab.fetch, clock, signal: AbortSignal.timeout(60_000), authenticator: staticCredentials(tokens.acr.builder.username, tokens.acr.builder.password) });
  const repository = registry.repository(`quarantine/acme/${name}`);
  await repository.writeBlob(emptyBlob.descriptor, () => Promise.resolve(streamOf(emptyBlob.bytes)));
  const manifest = buildManifest({ schemaVersion: 2, mediaType: mediaTypes.manifest, artifactType: `application/vnd.example.${name}`, config: emptyBlob.descriptor, layers: [emptyBlob.descriptor] });
  await repository.writeManifest(manifest);
  return `${acr.loginServer}/quarantine/acme/${name}@${manifest.descriptor.digest}`;
}

const trust = (): string[] => ['--trusted-root', lab.addresses.sigstore.trustedRoot.path, '--use-signed-timestamps', '--certificate-oidc-issuer', lab.addresses.github.issuer];
const by = (name: string): string[] => [...trust(), '--certificate-identity', name];

describe.each([
  ['v1', () => lab.addresses.sigstore.signingConfigRekorV1.path],
  ['v2', () => lab.addresses.sigstore.signingConfig.path],
] as const)('cosign with Rekor %s', (version, config) => {
  test('signs and attests; verifies both, and nobody else\'s', async () => {
    const image = await pushImage(`signed-${version}`);
    const signing = ['--yes', '--signing-config', config(), '--trusted-root', lab.addresses.sigstore.trustedRoot.path];
    const predicate = join(folder, 'predicate.json');
    writeFileSync(predicate, '{"tested":true}');
    expect(await run(['sign', ...signing, image])).toMatchObject({ status: 0 });
    expect(await run(['attest', ...signing, '--type', 'https://example.com/test', '--predicate', predicate, image])).toMatchObject({ status: 0 });
    expect(await run(['verify', ...by(identity), image])).toMatchObject({ status: 0 });
    expect(await run(['verify-attestation', ...by(identity), '--type', 'https://example.com/test', image])).toMatchObject({ status: 0 });
    expect((await run(['verify', ...by(identity.replace('acme', 'evil')), image])).status).not.toBe(0);
    expect((await run(['verify-attestation', ...by(identity), '--type', 'https://example.com/other', image])).status).not.toBe(0);
    const entries = lab.sigstore.entries;
    expect(entries[version]).toBe(2);
  });

  test('an unsigned image does not verify', async () => {
    expect((await run(['verify', ...by(identity), await pushImage(`unsigned-${version}`)])).status).not.toBe(0);
  });
});
