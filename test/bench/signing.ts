// SPDX-License-Identifier: Apache-2.0
// Signing four attestations of one image, against four runs of cosign, on the same registry and the same Sigstore (log version 2).
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { predicateTypes, type JsonObject } from '@pratique/core';
import { systemClock } from '@pratique/host';
import { createAcrEmulator, createGitHub, createSigstore, serve, type Handler } from '@pratique/lab';
import { createRegistry } from '@pratique/oci';
import { writeSampleImage } from '../fixtures/debian-image.ts';
import { takeTurns, type Row } from './measure.ts';
import { answerAfter, networkDelay, titleOf } from './network.ts';
import type { World } from './world.ts';

const goal = 0.25;

/** Type, the word of cosign for it, and a predicate of a usual size. */
const statements: readonly (readonly [string, string, JsonObject])[] = [
  [predicateTypes.spdx, 'spdxjson', { spdxVersion: 'SPDX-2.3', SPDXID: 'SPDXRef-DOCUMENT', name: 'web', packages: packages(200) }],
  [predicateTypes.cyclonedx, 'cyclonedx', { bomFormat: 'CycloneDX', specVersion: '1.6', components: packages(200) }],
  [predicateTypes.vulnerabilities, 'vuln', { scanner: { uri: 'pkg:github/aquasecurity/trivy@0.72.0', version: '0.72.0', db: { lastUpdate: '2026-11-20T00:00:00Z' }, result: [] }, metadata: { scanStartedOn: '2026-11-21T00:00:00Z', scanFinishedOn: '2026-11-21T00:01:00Z' }, invocation: {} }],
  ['https://in-toto.io/attestation/test-result/v0.1', 'https://in-toto.io/attestation/test-result/v0.1', { result: 'PASSED', configuration: [], passedTests: ['unit'] }],
];

function packages(count: number): JsonObject[] {
  return Array.from({ length: count }, (_, index) => ({ SPDXID: `SPDXRef-${index}`, name: `package-${index}`, versionInfo: '1.0.0' }));
}

export async function benchSigning(world: World): Promise<Row[]> {
  return [await signOver(world, 0), await signOver(world, networkDelay)];
}

async function signOver(world: World, delay: number): Promise<Row> {
  await using servers = new AsyncDisposableStack();
  const open = async (handle: Handler): Promise<string> => servers.use(await disposable(answerAfter(delay, handle))).url;
  const at = (name: string): string => join(world.folder, `${delay}-${name}`);
  const token = await startIssuer(at, open);
  const sigstore = servers.adopt(await createSigstore({ folder: at('sigstore'), issuers: [{ url: token.issuer, type: 'github-workflow' }] }), (one) => one.close());
  await writeFile(at('root.json'), JSON.stringify(sigstore.trustedRoot));
  await writeFile(at('signing.json'), JSON.stringify(sigstore.signingConfig(await open(sigstore.handle), 2)));
  for (const [index, [, , predicate]] of statements.entries()) await writeFile(at(`predicate-${index}.json`), JSON.stringify(predicate));
  const host = new URL(await open(createAcrEmulator({ storage: 'memory', anonymous: true }).handle)).host;
  const registry = createRegistry({ registry: host, fetch, clock: systemClock, signal: new AbortController().signal, plainHttp: true });
  let turn = 0;
  const onFreshImage = (sign: (repository: string, digest: string) => Promise<number>) => async (): Promise<number> => {
    turn += 1;
    const repository = registry.repository(`web-${turn}`);
    const { index } = await writeSampleImage(repository);
    await writeFile(at('subject.json'), JSON.stringify(index));
    const time = await sign(`${host}/web-${turn}`, index.digest);
    const { length } = await repository.listReferrers(index.digest);
    if (length !== statements.length) throw new Error(`${length} of ${statements.length} attestations stand there`);
    return time;
  };
  const plan = statements.map(([type], index) => `${type}=${at(`predicate-${index}.json`)}`);
  const { ours, theirs } = await takeTurns({
    ours: onFreshImage((repository) => world.ours(['sign', repository, at('subject.json'), at('root.json'), at('signing.json'), ...plan], token.environment)),
    theirs: onFreshImage(async (repository, digest) => {
      let time = 0;
      for (const [index, [, type]] of statements.entries()) {
        const config = ['--yes', '--signing-config', at('signing.json'), '--trusted-root', at('root.json')];
        time += await world.theirs('cosign', ['attest', ...config, '--type', type, '--predicate', at(`predicate-${index}.json`), `${repository}@${digest}`], { SIGSTORE_ID_TOKEN: await token.ask() });
      }
      return time;
    }),
  }, world.rounds(3));
  return { what: `sign four attestations${titleOf(delay)}`, ours, peer: 'cosign attest, four times', theirs, goal };
}

async function disposable(handle: Handler): Promise<AsyncDisposable & { readonly url: string }> {
  const served = await serve(handle);
  return { url: served.url, [Symbol.asyncDispose]: () => served.close() };
}

/** GitHub's issuer, and what a job of a push to main needs to ask it for tokens. */
async function startIssuer(at: (name: string) => string, open: (handle: Handler) => Promise<string>) {
  let handle: Handler = async () => new Response(null, { status: 503 });
  const url = await open((request) => handle(request));
  const repositories = [{ owner: 'contoso', ownerId: 815, name: 'web', id: 4711, visibility: 'private', defaultBranch: 'main', protectedBranches: ['main'], path: at('web.git') }] as const;
  const github = await createGitHub({ folder: at('github'), url, repositories });
  handle = github.handle;
  const workflow = '.github/workflows/release.yml';
  const { requestUrl, requestToken } = await github.issueJob({
    repository: 'contoso/web', ref: 'refs/heads/main', sha: 'a'.repeat(40), event: 'push', workflowFile: workflow, workflowName: 'release', jobWorkflowFile: workflow, job: 'sign', runId: '77', runAttempt: 1, actor: 'ann',
    permissions: { 'id-token': 'write' },
  });
  return {
    issuer: github.issuer,
    environment: { ACTIONS_ID_TOKEN_REQUEST_URL: requestUrl ?? '', ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken ?? '' },
    async ask(): Promise<string> {
      const reply = await fetch(`${requestUrl}&audience=sigstore`, { headers: { authorization: `bearer ${requestToken}` } });
      return ((await reply.json()) as { value: string }).value;
    },
  };
}
