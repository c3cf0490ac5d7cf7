// SPDX-License-Identifier: Apache-2.0
// For tests: a repository on the lab's GitHub, the lab's sigstore and registry, and a context that reaches all of them.
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { predicateTypes, type Context, type Digest, type PinnedImage, type RunEvent, type ScanPredicate } from '@pratique/core';
import { createNodeContext } from '@pratique/host';
import { createAcrEmulator, createGitHub, createSigstore, type AcrEmulator, type GitHub, type LabReview } from '@pratique/lab';
import { buildManifest, createRegistry, hashBytes, mediaTypes, readImage, streamOf, type Descriptor, type Repository } from '@pratique/oci';
import { attest, createStatementSigner, loadTrustMaterial, provenancePredicate, type Attested, type PlannedStatement, type TrustMaterial } from '@pratique/sign';

const server = 'https://github.test';
const repositoryId = 42;
const workflows = 'https://github.com/contoso/web/.github/workflows';

/** trust.yaml of the world: release.yml builds and scans, gate.yml and revoke.yml judge, all on main by a push. */
export const trustText = ['build', 'scan', 'gate'].map((role) => `${role}:\n${(role === 'gate' ? ['gate.yml', 'revoke.yml'] : ['release.yml']).map((file) => `  - issuer: ${server}/_oidc\n    identity: ${workflows}/${file}@refs/heads/main\n    repository-id: ${repositoryId}\n`).join('')}`).join('');

/** A change of files on a branch; `undefined` removes one. */
export type Files = Readonly<Record<string, string | undefined>>;

export interface World extends AsyncDisposable {
  readonly ctx: Context;
  readonly acr: AcrEmulator;
  readonly github: GitHub;
  readonly repository: Repository;
  readonly release: Repository;
  readonly trust: TrustMaterial;
  /** Answers instead of the world; `undefined` lets the request pass. */
  intercept: (request: Request) => Response | undefined;
  /** What the signing job is. */
  job: { workflow: string; event: string };
  /** Moves the clock of everything. */
  advance(hours: number): void;
  /** Stops the clock, or lets it run again. */
  hold(still: boolean): void;
  now(): Date;
  /** Commits files under `.pratique` to a branch (default main) and gives the commit. */
  commit(files: Files, branch?: string): string;
  /** Commits on a branch, opens a pull request, and merges it by fast-forward when `merged`. */
  propose(change: { number: number; files: Files; author: string; reviews: readonly (Partial<LabReview> & Pick<LabReview, 'author'>)[]; merged?: boolean }): string;
  pushImage(annotations?: Record<string, string>): Promise<PushedImage>;
  attest(plan: readonly PlannedStatement[], to?: Repository): Promise<readonly Attested[]>;
}

export interface PushedImage {
  readonly image: PinnedImage;
  readonly root: Descriptor;
  readonly platforms: readonly Descriptor[];
}

export async function createWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'evidence-world-'));
  const git = openGit(join(folder, 'web.git'));
  let offset = 0;
  let held: number | undefined;
  // Whole seconds: @sigstore/core 4.0.1 cannot read every fraction that a timestamp may have.
  const now = (): Date => new Date(Math.floor((held ?? Date.now()) / 1000) * 1000 + offset);
  const github = await createGitHub({
    folder, url: server, now, users: [{ login: 'ann', id: 1, email: 'ann@contoso.test' }, { login: 'bob', id: 2 }],
    repositories: [{ owner: 'contoso', ownerId: 7, name: 'web', id: repositoryId, visibility: 'private', defaultBranch: 'main', protectedBranches: ['main'], path: git.path }],
  });
  const acr = createAcrEmulator({ name: 'registry.test', anonymous: true });
  const route: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const early = world.intercept(request);
    if (early !== undefined) return early;
    const { host } = new URL(request.url);
    return host === 'registry.test' ? acr.handle(request) : host === 'github.test' ? github.handle(request) : sigstore.handle(request);
  };
  const sigstore = await createSigstore({ folder: join(folder, 'sigstore'), issuers: [{ url: github.issuer, type: 'github-workflow' }], fetch: route, now });
  const jobOf = (permissions: Record<string, string>) => ({
    repository: 'contoso/web', ref: 'refs/heads/main', sha: git.head(), event: world.job.event, workflowFile: '.github/workflows/release.yml', workflowName: 'release', jobWorkflowFile: `.github/workflows/${world.job.workflow}`,
    job: 'j', runId: '77', runAttempt: 1, actor: 'ann', permissions,
  });
  const identity = async (audience: string): Promise<string> => {
    const { requestUrl = '', requestToken = '' } = await github.issueJob(jobOf({ 'id-token': 'write' }));
    const reply = await route(`${requestUrl}&audience=${audience}`, { headers: { authorization: `bearer ${requestToken}` } });
    return (await reply.json() as { value: string }).value;
  };
  const base = await createNodeContext({
    workspace: folder, env: { GITHUB_API_URL: github.apiUrl }, token: github.issueToken({ repository: 'contoso/web', permissions: { contents: 'read', 'pull-requests': 'read' } }),
    fetch: route, print: () => undefined, clock: { now, sleep: async () => undefined }, identity, event,
  });
  const registry = createRegistry({ registry: 'registry.test', ...base });
  const world: World = {
    ctx: base, acr, github, now, repository: registry.repository('quarantine/web'), release: registry.repository('web'), trust: undefined as never,
    intercept: () => undefined,
    job: { workflow: 'release.yml', event: 'push' },
    hold: (still) => void (held = still ? Date.now() : undefined),
    advance: (hours) => void (offset += hours * 3_600_000),
    commit: (files, branch = 'main') => git.commit(files, branch),
    propose(change) {
      const before = git.head();
      const head = git.commit(change.files, change.merged === false ? `change-${change.number}` : 'main', before);
      const reviews = change.reviews.map((review, index): LabReview => ({ id: index, state: 'APPROVED', commit: head, submittedAt: now().toISOString(), ...review }));
      github.setPullRequest({
        repository: 'contoso/web', number: change.number, title: 'Change', author: change.author, state: change.merged === false ? 'open' : 'closed', base: { ref: 'main', sha: before }, reviews,
        head: { ref: `change-${change.number}`, sha: head, repository: 'contoso/web' }, ...(change.merged === false ? {} : { mergeCommit: head }),
      });
      return head;
    },
    pushImage: (annotations) => pushImage(world.repository, { 'org.opencontainers.image.version': '1.2.0', 'org.opencontainers.image.revision': git.head(), 'org.opencontainers.image.source': 'https://github.com/contoso/web', ...annotations }),
    attest: (plan, to = world.repository) => attest({ ctx: base, repository: to, plan, trust: world.trust, runId: '77', signer: () => createStatementSigner(base, JSON.stringify(sigstore.signingConfig('https://sigstore.test', 2))) }),
    async [Symbol.asyncDispose]() {
      await base.close();
      sigstore.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return Object.assign(world, { trust: await loadTrustMaterial(base, JSON.stringify(sigstore.trustedRoot)) });
}

const event: RunEvent = {
  host: 'github.com', name: 'push', repository: { uri: 'https://github.com/contoso/web', id: String(repositoryId), owner: 'contoso', name: 'web' }, commit: 'a'.repeat(40), ref: 'refs/heads/main',
  run: { uri: 'https://github.com/contoso/web/actions/runs/77', id: '77', attempt: 1 }, actor: 'ann',
};

interface Git {
  readonly path: string;
  head(): string;
  commit(files: Files, branch: string, parent?: string): string;
}

function openGit(path: string): Git {
  const env = { PATH: process.env['PATH'], GIT_AUTHOR_NAME: 'Ann', GIT_AUTHOR_EMAIL: 'ann@contoso.test', GIT_COMMITTER_NAME: 'Ann', GIT_COMMITTER_EMAIL: 'ann@contoso.test' };
  const git = (args: readonly string[], input = ''): string => execFileSync('git', ['--git-dir', path, ...args], { input, env }).toString().trim();
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', path]);
  const contents = new Map<string, Map<string, string>>();
  const save = (files: ReadonlyMap<string, string>, parents: readonly string[]): string => {
    const lines = [...files].map(([name, text]) => `100644 blob ${git(['hash-object', '-w', '--stdin'], text)}\t${name}`);
    const folder = git(['mktree'], `${lines.join('\n')}\n`);
    return git(['commit-tree', git(['mktree'], `040000 tree ${folder}\t.pratique\n`), ...parents.flatMap((parent) => ['-p', parent]), '-m', `Change ${contents.size}`]);
  };
  const head = (): string => git(['rev-parse', 'refs/heads/main']);
  const first = save(new Map([['README.md', 'policy']]), []);
  contents.set(first, new Map([['README.md', 'policy']]));
  git(['update-ref', 'refs/heads/main', first]);
  return {
    path, head,
    commit(files, branch, parent = head()) {
      const next = new Map(contents.get(parent));
      for (const [name, text] of Object.entries(files)) {
        if (text === undefined) next.delete(name);
        else next.set(name, text);
      }
      const commit = save(next, [parent]);
      contents.set(commit, next);
      git(['update-ref', `refs/heads/${branch}`, commit]);
      return commit;
    },
  };
}

async function pushImage(repository: Repository, annotations: Record<string, string>): Promise<PushedImage> {
  const write = async (bytes: Uint8Array, mediaType: string): Promise<Descriptor> => {
    const descriptor = { mediaType, digest: hashBytes(bytes), size: bytes.byteLength };
    await repository.writeBlob(descriptor, async () => streamOf(bytes));
    return descriptor;
  };
  const platforms: Descriptor[] = [];
  for (const architecture of ['amd64', 'arm64']) {
    const layer = await write(new TextEncoder().encode(`layer of ${architecture} for ${JSON.stringify(annotations)}`), mediaTypes.layer);
    const config = await write(new TextEncoder().encode(JSON.stringify({ os: 'linux', architecture, rootfs: { type: 'layers', diff_ids: [layer.digest] } })), mediaTypes.config);
    const manifest = await repository.writeManifest(buildManifest({ schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [layer] }));
    platforms.push({ ...manifest, platform: { os: 'linux', architecture } });
  }
  const root = await repository.writeManifest(buildManifest({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: platforms, annotations }));
  return { image: { registry: repository.registry, repository: repository.name, digest: root.digest }, root, platforms };
}

/** Everything that the strict policy wants, as release.yml would sign it now. */
export async function fullPlan(world: World, pushed: PushedImage, change: Partial<ScanPredicate> = {}): Promise<PlannedStatement[]> {
  const { platforms } = await readImage(world.repository, pushed.image.digest);
  const at = world.now().toISOString();
  const scans = platforms.map((one): ScanPredicate => ({
    platform: `linux/${one.platform.architecture}`, configDigest: one.configDigest, diffIds: one.diffIds, packageCount: 9, scanner: { name: 'trivy', version: '1' }, database: { updatedAt: at },
    startedAt: at, finishedAt: at, report: hashBytes(new Uint8Array()), isolation: 'job', findings: [], ...change,
  }));
  const sha = String((await readImage(world.repository, pushed.image.digest)).annotations['org.opencontainers.image.revision']);
  const file = 'contoso/web/.github/workflows/release.yml@refs/heads/main';
  const claims = {
    repository: 'contoso/web', repository_id: String(repositoryId), repository_owner_id: '7', event_name: 'push', sha, ref: 'refs/heads/main', workflow_ref: file, job_workflow_ref: file, run_id: '77', run_attempt: '1', runner_environment: 'github-hosted',
  };
  const on = (subject: Descriptor, predicateType: string, predicate: unknown): PlannedStatement => ({ subject, predicateType, predicate });
  return [
    on(pushed.root, predicateTypes.signature, {}),
    on(pushed.root, predicateTypes.provenance, provenancePredicate(claims, { builderId: `https://github.com/${file}` })),
    on(pushed.root, predicateTypes.tests, { result: 'PASSED' }),
    ...pushed.platforms.flatMap((subject, index) => [on(subject, predicateTypes.scan, scans[index]), on(subject, predicateTypes.cyclonedx, { bomFormat: 'CycloneDX' })]),
  ];
}

/** Digests of everything that hangs on the image and its platforms. */
export async function hanging(world: World, pushed: PushedImage): Promise<Digest[]> {
  return (await Promise.all([pushed.root, ...pushed.platforms].map(({ digest }) => world.repository.listReferrers(digest)))).flat().map(({ digest }) => digest);
}
