// SPDX-License-Identifier: Apache-2.0
// The real cosign and our signing, each verifying what the other signed, over a registry and a sigstore on loopback.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { predicateTypes, type Context, type JsonObject } from '@pratique/core';
import { createNodeContext } from '@pratique/host';
import { createAcrEmulator, createGitHub, createSigstore, serve, type Served } from '@pratique/lab';
import { createRegistry, type Repository } from '@pratique/oci';
import { attest, createStatementSigner, isBundleReferrer, loadTrustMaterial, provenancePredicate, readAttestation, verifyAttestation, type PlannedStatement, type TrustMaterial } from '@pratique/sign';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeSampleImage, type SampleImage } from '../fixtures/debian-image.ts';
import { obtain } from '../tools/obtain.ts';

const run = promisify(execFile);
const commit = 'a'.repeat(40);
const workflow = '.github/workflows/release.yml';
const identity = `https://github.com/contoso/web/${workflow}@refs/heads/main`;
const closers: (() => Promise<unknown> | void)[] = [];

let folder: string;
let cosign: string;
let issuer: string;
let token: () => Promise<string>;
let repository: Repository;
let image: SampleImage;
let ctx: Context;
let trust: TrustMaterial;
let reference: string;

async function start(handle: (request: Request) => Promise<Response>): Promise<Served> {
  const served = await serve(handle);
  closers.unshift(() => served.close());
  return served;
}

/** GitHub's issuer, and tokens of one job of a push to main. */
async function startIssuer(): Promise<void> {
  let handle: (request: Request) => Promise<Response> = async () => new Response(null, { status: 503 });
  const { url } = await start((request) => handle(request));
  const repositories = [{ owner: 'contoso', ownerId: 815, name: 'web', id: 4711, visibility: 'private', defaultBranch: 'main', protectedBranches: ['main'], path: join(folder, 'web.git') }] as const;
  const github = await createGitHub({ folder: join(folder, 'github'), url, repositories });
  handle = github.handle;
  issuer = github.issuer;
  const job = await github.issueJob({
    repository: 'contoso/web', ref: 'refs/heads/main', sha: commit, event: 'push', workflowFile: workflow, workflowName: 'release', jobWorkflowFile: workflow, job: 'sign', runId: '77', runAttempt: 1, actor: 'ann',
    permissions: { 'id-token': 'write' },
  });
  token = async () => {
    const reply = await fetch(`${job.requestUrl}&audience=sigstore`, { headers: { authorization: `bearer ${job.requestToken}` } });
    return ((await reply.json()) as { value: string }).value;
  };
}

async function startSigstore(): Promise<void> {
  const sigstore = await createSigstore({ folder: join(folder, 'sigstore'), issuers: [{ url: issuer, type: 'github-workflow' }] });
  const { url } = await start(sigstore.handle);
  closers.unshift(() => sigstore.close());
  await writeFile(join(folder, 'root.json'), JSON.stringify(sigstore.trustedRoot));
  for (const version of [1, 2] as const) await writeFile(join(folder, `signing-${version}.json`), JSON.stringify(sigstore.signingConfig(url, version)));
}

async function startRegistry(): Promise<void> {
  const { url } = await start(createAcrEmulator({ storage: 'memory', anonymous: true }).handle);
  repository = createRegistry({ registry: new URL(url).host, ...ctx, plainHttp: true }).repository('quarantine/web');
  image = await writeSampleImage(repository);
  reference = `${repository.registry}/${repository.name}@${image.index.digest}`;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cosign-e2e-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  [cosign] = (await obtain(['cosign'])).map((tool) => tool.path) as [string];
  await startIssuer();
  await startSigstore();
  const event = { host: 'github.com', name: 'push', repository: { uri: 'https://github.com/contoso/web', id: '4711', owner: 'contoso', name: 'web' }, commit, ref: 'refs/heads/main', run: { uri: 'https://github.com/contoso/web/actions/runs/77', id: '77', attempt: 1 }, actor: 'ann' };
  const context = await createNodeContext({ workspace: folder, identity: () => token(), event, print: () => undefined });
  closers.unshift(() => context.close());
  ctx = context;
  trust = await loadTrustMaterial(ctx, 'root.json');
  await startRegistry();
}, 1_200_000);

afterAll(async () => {
  for (const close of closers) await close();
});

const environment = (more: Record<string, string> = {}): Record<string, string> => ({ HOME: folder, PATH: process.env['PATH'] ?? '', ...more });
const whoSigned = (): string[] => ['--trusted-root', join(folder, 'root.json'), '--use-signed-timestamps', '--certificate-identity', identity, '--certificate-oidc-issuer', issuer];

async function verifyWithCosign(...args: readonly string[]): Promise<void> {
  await run(cosign, [args[0] ?? '', ...whoSigned(), ...args.slice(1)], { env: environment() });
}

async function signWithCosign(version: 1 | 2, ...args: readonly string[]): Promise<void> {
  const config = ['--yes', '--signing-config', join(folder, `signing-${version}.json`), '--trusted-root', join(folder, 'root.json')];
  await run(cosign, [args[0] ?? '', ...config, ...args.slice(1)], { env: environment({ SIGSTORE_ID_TOKEN: await token() }) });
}

const simple: Readonly<Record<string, JsonObject>> = {
  [predicateTypes.signature]: {},
  [predicateTypes.cyclonedx]: { bomFormat: 'CycloneDX', specVersion: '1.6', components: [] },
  [predicateTypes.spdx]: { spdxVersion: 'SPDX-2.3', SPDXID: 'SPDXRef-DOCUMENT', name: 'web', packages: [] },
  [predicateTypes.deployment]: { result: 'promoted', target: { cluster: { server: 'https://aks.example' }, namespace: 'web', release: 'shop' } },
  [predicateTypes.vulnerabilities]: { scanner: { uri: 'pkg:github/aquasecurity/trivy@0.72.0', db: { lastUpdate: '2026-11-20T00:00:00Z' }, result: [] }, metadata: {} },
};

describe('cosign verifies what we sign', () => {
  test.each([2, 1] as const)('with log version %i: signature, provenance, SBOMs, vulnerabilities, deployment', async (version) => {
    const signer = await createStatementSigner(ctx, `signing-${version}.json`);
    const provenance: PlannedStatement = { subject: image.index, predicateType: predicateTypes.provenance, predicate: provenancePredicate(signer.claims, { builderId: signer.identity.identity }) };
    const others = Object.entries(simple).map(([predicateType, predicate]) => ({ subject: image.index, predicateType, predicate }));
    await attest({ ctx, repository, plan: [...others, provenance], signer: async () => signer, trust, runId: `77-${version}` });
    await verifyWithCosign('verify', reference);
    for (const type of [...Object.keys(simple), 'slsaprovenance1', 'cyclonedx']) await verifyWithCosign('verify-attestation', '--type', type, reference);
  });

  test('and refuses a type that nobody signed, and another identity', async () => {
    await expect(verifyWithCosign('verify-attestation', '--type', 'https://example.org/none', reference)).rejects.toThrow('none of the attestations matched');
    await expect(run(cosign, ['verify', ...whoSigned().map((one) => (one === identity ? 'https://example.org/mallory' : one)), reference], { env: environment() })).rejects.toThrow();
  });
});

describe('we verify what cosign signs', () => {
  test.each([2, 1] as const)('with log version %i: a signature and an attestation on a platform', async (version) => {
    const platform = image.platforms[version - 1]?.manifest ?? image.index;
    const target = `${repository.registry}/${repository.name}@${platform.digest}`;
    await writeFile(join(folder, 'predicate.json'), JSON.stringify(simple[predicateTypes.cyclonedx]));
    await signWithCosign(version, 'sign', target);
    await signWithCosign(version, 'attest', '--type', 'cyclonedx', '--predicate', join(folder, 'predicate.json'), target);
    const listed = (await repository.listReferrers(platform.digest)).filter(isBundleReferrer);
    const verified = await Promise.all(listed.map(async (one) => verifyAttestation({ bundle: await readAttestation(repository, one.digest), subject: platform.digest, trust })));
    expect(verified.map((one) => one.predicateType).sort()).toEqual([predicateTypes.cyclonedx, predicateTypes.signature].sort());
    for (const one of verified) expect(one.signer).toMatchObject({ kind: 'keyless', issuer, identity, extensions: { sourceDigest: commit, event: 'push' } });
  });

  test('and attest replaces neither: another predicate of the same signer stays', async () => {
    const platform = image.platforms[0]?.manifest ?? image.index;
    const before = await repository.listReferrers(platform.digest);
    await attest({
      ctx, repository, trust, runId: '77', signer: () => createStatementSigner(ctx, 'signing-2.json'),
      plan: [{ subject: platform, predicateType: predicateTypes.spdx, predicate: simple[predicateTypes.spdx] }],
    });
    const after = await repository.listReferrers(platform.digest);
    expect(after).toHaveLength(before.length + 1);
    expect(after.map((one) => one.digest)).toEqual(expect.arrayContaining(before.map((one) => one.digest)));
  });
});
