// SPDX-License-Identifier: Apache-2.0
// The stage: the lab with its registries filled, the repository, the programs, and a way to run a release.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { LocatedTool } from '@pratique/core';
import { labClients, runWorkflow, startLab, type Lab, type RunnerEvent, type WorkflowRecord } from '@pratique/lab';
import { createRegistry, staticCredentials, type Repository } from '@pratique/oci';
import { createNodeContext, findInCache, findOnPath, systemClock, toolCacheFolder, toolTable } from '@pratique/host';
import { buildBaseImage, pushBaseImage } from '../fixtures/base-image/build.ts';
import { runCommand, writeDockerConfig, type Ended, type LoginName } from '../fixtures/command.ts';
import { enterGateWorld, type GateWorld } from '../fixtures/gate-world.ts';
import { beginSigstore, createMovableClock, type MovableClock } from '../fixtures/movable-clock.ts';
import { publishVulnerabilityDatabase } from '../fixtures/vulnerability-db/publish.ts';
import { obtain } from '../tools/obtain.ts';
import { checkout } from '../tools/runtime.mjs';
import { planCluster, type DemoCluster } from './cluster.ts';
import { createRepository, type DemoRepository } from './repository.ts';

export interface Scene {
  readonly folder: string;
  readonly lab: Lab;
  readonly repository: DemoRepository;
  /** Variables of the repository: every endpoint comes from here. */
  readonly vars: Readonly<Record<string, string>>;
  /** Resolves when the program can be used. */
  program(name: string): Promise<LocatedTool>;
  /** Runs the release workflow for a tag, as a push would. */
  release(tag: string, sha: string, onEvent: (event: RunnerEvent) => void): Promise<WorkflowRecord>;
  /** Number of a run of a workflow that is none of `release`. */
  nextRun(): number;
  /** The Kubernetes of the last act. */
  readonly cluster: DemoCluster;
  /** Folder of a Docker config that signs in as the identity. */
  dockerConfig(name: LoginName): string;
  /** `pratique ...args` as clusters would run it. */
  command(args: readonly string[]): Promise<Ended>;
  /** A program that the demo does not bring, when it is there. */
  find(name: string): Promise<LocatedTool | undefined>;
  /** The steps inside this process, with the identities of the workflows, and whatever an attacker needs. */
  openWorld(): GateWorld;
  /** Environment for foreign programs: CA, PATH, nothing secret. */
  environment(): Record<string, string>;
  close(): Promise<void>;
}

export interface SceneOptions {
  readonly say: (line: string) => void;
  /** Use the public vulnerability database instead of the fixture. */
  readonly realDatabase: boolean;
}

/** The programs of the demo, in the order in which it needs them. */
const programs = ['buildah', 'trivy', 'cosign'] as const;

/** The least that the README asks for: nobody in the pipeline may delete. */
const leastRoles = [
  { principal: labClients.builder.objectId, role: 'Container Registry Repository Writer', prefix: 'quarantine/' },
  { principal: labClients.gate.objectId, role: 'Container Registry Repository Writer' },
  { principal: labClients.cluster.objectId, role: 'Container Registry Repository Reader', prefix: 'acme/' },
  { principal: labClients.deployer.objectId, role: 'Container Registry Repository Writer', prefix: 'acme/' },
];

/** Builds the stage. Programs are brought in the background; `program(name)` waits for one. */
export async function openScene(options: SceneOptions): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), 'pratique-demo-'));
  const tools = bringPrograms(options.say);
  const clock = createMovableClock({ waits: true });
  await beginSigstore(join(folder, 'lab'));
  const lab = await startLab({ folder: join(folder, 'lab'), assignments: leastRoles, clock });
  try {
    await fillMirror(lab);
    const repository = createRepository(join(folder, 'repository'), lab.addresses.github.issuer);
    lab.github.setRepository({ owner: 'acme', ownerId: 1001, name: 'app', id: 2002, visibility: 'private', defaultBranch: 'main', protectedBranches: ['main'], path: repository.path });
    return assemble({ folder, lab, clock, repository, tools, options });
  } catch (thrown) {
    await lab.close();
    rmSync(folder, { recursive: true, force: true });
    throw thrown;
  }
}

interface Parts {
  readonly folder: string;
  readonly lab: Lab;
  readonly clock: MovableClock;
  readonly repository: DemoRepository;
  readonly tools: (name: string) => Promise<LocatedTool>;
  readonly options: SceneOptions;
}

function assemble({ folder, lab, clock, repository, tools, options }: Parts): Scene {
  const vars = variablesOf(lab, options.realDatabase);
  const known: LocatedTool[] = [];
  const program = async (name: string): Promise<LocatedTool> => {
    const tool = await tools(name);
    known.push(tool);
    return tool;
  };
  const environment = (): Record<string, string> => ({
    PATH: [...new Set(known.map((tool) => dirname(tool.path))), process.env['PATH'] ?? ''].join(delimiter), ...lab.addresses.environment,
    // npm keeps its settings and cache in the home folder; the machine of a job has one of its own.
    ...(process.env['HOME'] ? { npm_config_userconfig: join(process.env['HOME'], '.npmrc'), npm_config_cache: join(process.env['HOME'], '.npm') } : {}),
    npm_config_loglevel: 'error',
    // The machine of a job has the tool cache of this one, as a runner image would.
    PRATIQUE_TOOLS: toolCacheFolder(process.env),
  });
  let runs = 0;
  const nextRun = (): number => (runs += 1);
  const cluster = planCluster(lab, tools(programs[programs.length - 1] ?? ''), options.say);
  return {
    nextRun, cluster,
    folder, lab, repository, vars, program, environment,
    release: (tag, sha, onEvent) => runRelease({ folder, lab, repository, vars, program, environment }, { tag, sha, onEvent, run: nextRun() }),
    find: findProgram,
    dockerConfig: (name) => writeDockerConfig(folder, lab, name),
    command: (args) => runCommand(lab, folder, args),
    openWorld: () => enterGateWorld({ lab, folder, clock, repositoryPath: repository.path }),
    close: async () => {
      await cluster.close();
      await lab.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface ReleaseRun {
  readonly tag: string;
  readonly sha: string;
  readonly onEvent: (event: RunnerEvent) => void;
  /** Number of the run. */
  readonly run: number;
}

function runRelease(scene: Pick<Scene, 'folder' | 'lab' | 'repository' | 'vars' | 'program' | 'environment'>, { tag, sha, onEvent, run }: ReleaseRun): Promise<WorkflowRecord> {
  const { folder, lab, repository, vars, program, environment } = scene;
  const machine = environment();
  return runWorkflow({
    repositoryPath: repository.path, repository: 'acme/app', ref: `refs/tags/${tag}`, sha, event: { name: 'push', payload: { ref: `refs/tags/${tag}`, after: sha } },
    workflowFile: '.github/workflows/release.yml', vars, actor: 'ann', runId: String(7000 + run), actions: { 'pratique-dev/pratique': checkout },
    apiUrl: lab.addresses.github.apiUrl, serverUrl: lab.addresses.github.serverUrl, fetch: lab.fetch, issueJob: (job) => lab.github.issueJob(job),
    folder: join(folder, `run-${run}`), machine, onEvent,
    beforeJob: async (job) => {
      if (job === 'build') await program('buildah');
      if (job === 'scan') await program('trivy');
      Object.assign(machine, environment());
    },
  });
}

function variablesOf(lab: Lab, realDatabase: boolean): Record<string, string> {
  const { acr, mirror, entra, sigstore } = lab.addresses;
  return {
    PRATIQUE_QUARANTINE: `${acr.loginServer}/quarantine/app`,
    PRATIQUE_RELEASE: `${acr.loginServer}/acme/app`,
    AZURE_TENANT_ID: entra.tenantId,
    AZURE_AUTHORITY_HOST: entra.authorityHost,
    PRATIQUE_BUILDER_CLIENT_ID: entra.clients.builder.clientId,
    PRATIQUE_GATE_CLIENT_ID: entra.clients.gate.clientId,
    PRATIQUE_TRUSTED_ROOT: sigstore.trustedRoot.url,
    PRATIQUE_SIGNING_CONFIG: sigstore.signingConfig.url,
    PRATIQUE_BASE_IMAGE: `${mirror.loginServer}/base/busybox:12`,
    ...(realDatabase ? {} : { PRATIQUE_SCANNER_DATABASE: `${mirror.loginServer}/trivy-db:2` }),
  };
}

/** Base image and vulnerability database, as a company mirrors them. */
async function fillMirror(lab: Lab): Promise<void> {
  const repository = mirrorRepository(lab, 'base/busybox');
  await pushBaseImage(await buildBaseImage(), repository);
  await publishVulnerabilityDatabase(mirrorRepository(lab, 'trivy-db'));
}

function mirrorRepository(lab: Lab, name: string): Repository {
  const { loginServer, login } = lab.addresses.mirror;
  const registry = createRegistry({
    registry: loginServer, fetch: lab.fetch, clock: systemClock, signal: new AbortController().signal,
    authenticator: staticCredentials(login.username, login.password),
  });
  return registry.repository(name);
}

function bringPrograms(say: (line: string) => void): (name: string) => Promise<LocatedTool> {
  const waiting = new Map(programs.map((name) => [name as string, Promise.withResolvers<LocatedTool>()]));
  for (const { promise } of waiting.values()) promise.catch(() => undefined);
  obtain(programs, { say, onReady: (tool) => waiting.get(tool.name)?.resolve(tool) })
    .catch((thrown: unknown) => waiting.forEach(({ reject }) => reject(thrown)));
  return (name) => waiting.get(name)?.promise ?? Promise.reject(new RangeError(`the demo brings no ${name}`));
}

async function findProgram(name: string): Promise<LocatedTool | undefined> {
  const entry = toolTable[name];
  if (entry === undefined) return undefined;
  await using ctx = await createNodeContext({ print: () => undefined });
  return (await findOnPath(name, entry, { env: process.env, exec: ctx.exec })) ?? findInCache(toolCacheFolder(process.env), { name, entry });
}
