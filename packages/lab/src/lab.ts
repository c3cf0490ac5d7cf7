// SPDX-License-Identifier: Apache-2.0
// The whole lab on loopback: two registries, GitHub, Entra, Resource Manager, Azure Monitor and sigstore, all over TLS with one CA, in one process.
import { execFile } from 'node:child_process';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Clock } from '@pratique/core';
import type { AcrEmulator } from './acr/emulator.ts';
import { labResources, type Arm } from './arm/arm.ts';
import { monitorAudience, type Monitor } from './arm/monitor.ts';
import { createEntra, type Entra } from './entra/entra.ts';
import { createGitHub, type GitHub } from './github/github.ts';
import type { LabRepository, LabUser } from './github/state.ts';
import { openKeyStore } from './key-store.ts';
import { labEnvironment, labFiles, sigstoreAddresses, type LabAddresses } from './lab-addresses.ts';
import { labClients, labRepository, labSubjects, labTenantId, labUsers, type LabPrincipal } from './lab-defaults.ts';
import { listen, type Interceptor, type Listeners, type LabService } from './lab-listeners.ts';
import { lockFolder } from './lab-lock.ts';
import { openAzure } from './lab-azure.ts';
import { defaultAssignments, openRegistries, signInAs, type LabRegistries } from './lab-registries.ts';
import { keepServerCertificate } from './server-certificate.ts';
import { createSigstore, type Sigstore } from './sigstore/sigstore.ts';
import type { Assignment, RoleMode } from './acr/roles.ts';

/** What the lab is made of. */
export interface LabOptions {
  /** Everything lives here: keys, logs, registry content, git repositories. The same folder gives the same lab again. */
  readonly folder: string;
  /** Ports that must be had; others are free ones, the same as last time where possible. */
  readonly ports?: Partial<Readonly<Record<LabService, number>>>;
  /** More names and addresses in the server certificate, besides 127.0.0.1 and localhost. */
  readonly names?: readonly string[];
  /** Default: private acme/app (ids 1001 and 2002) in `git/acme/app.git` under `folder`, main protected. Absent git repositories are made. */
  readonly repositories?: readonly LabRepository[];
  readonly users?: readonly LabUser[];
  /** GUID. */
  readonly tenantId?: string;
  /** `sub` of the ID tokens that may stand for each identity. */
  readonly subjects?: Partial<Readonly<Record<LabPrincipal, readonly string[]>>>;
  readonly subjectFormat?: 'name' | 'immutable';
  /** Permission mode of `acr`. Default `abac`. */
  readonly roleMode?: RoleMode;
  /** Role assignments in `acr`, by object id. Default: builder writes `quarantine/`, gate everything, cluster reads `acme/`. */
  readonly assignments?: readonly Assignment[];
  /** What servers refuse without telling their client why. */
  readonly log?: (line: string) => void;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/** A running lab. */
export interface Lab {
  readonly addresses: LabAddresses;
  readonly acr: AcrEmulator;
  readonly mirror: AcrEmulator;
  readonly github: GitHub;
  readonly entra: Entra;
  /** Resource Manager. */
  readonly arm: Arm;
  /** An Azure Monitor workspace. */
  readonly monitor: Monitor;
  readonly sigstore: Sigstore;
  /** Puts a fault, a delay or a count before one server; without a function it is taken away again. */
  intercept(service: LabService, first?: Interceptor): void;
  /** Each server's port on 127.0.0.1. */
  readonly ports: Readonly<Record<LabService, number>>;
  /** Reaches the lab's servers inside the process, so that no CA need be trusted. */
  readonly fetch: typeof fetch;
  /** Stops listening, closes files, frees the folder. */
  close(): Promise<void>;
}

const systemClock: Clock = { now: () => new Date(), sleep: (seconds, signal) => sleep(seconds * 1000, undefined, signal ? { signal } : {}) };
const exchangeAudience = 'api://AzureADTokenExchange';

/** Starts a lab. Fails with `LAB_DATA_INVALID` (folder of another lab, broken files) and `LAB_PORT_TAKEN`. */
export async function startLab(options: LabOptions): Promise<Lab> {
  const folder = resolve(options.folder);
  const unlock = lockFolder(folder);
  const closers: (() => unknown)[] = [unlock];
  const close = async (): Promise<void> => {
    for (const each of closers.splice(0).reverse()) await each();
  };
  try {
    return { ...(await open({ ...options, folder }, closers)), close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

async function open(options: LabOptions, closers: (() => unknown)[]): Promise<Omit<Lab, 'close'>> {
  const { folder } = options;
  const clock = options.clock ?? systemClock;
  const now = (): Date => clock.now();
  const store = await openKeyStore(join(folder, 'tls.json'));
  const tls = await keepServerCertificate(store, ['127.0.0.1', 'localhost', ...(options.names ?? [])], now());
  await store.save();
  const listeners = await listen({ tls, ports: options.ports ?? {}, remembered: join(folder, 'ports.json') });
  closers.push(() => listeners.close());
  const world = { options, listeners, now };
  const [github, entra] = await Promise.all([openGitHub(world), openEntra(world)]);
  const sigstore = await createSigstore({ folder: join(folder, 'sigstore'), issuers: [{ url: github.issuer, type: 'github-workflow' }], fetch: listeners.fetch, now, ...(options.log ? { log: options.log } : {}) });
  closers.push(() => sigstore.close());
  const registries = await openRegistries({ folder, listeners, entra, clock, mode: options.roleMode ?? 'abac', assignments: options.assignments ?? defaultAssignments });
  closers.push(() => registries.close());
  const { arm, monitor } = openAzure({ url: listeners.url('arm'), tenantId: options.tenantId ?? labTenantId, entra, acr: registries.acr, loginServer: listeners.host('acr') });
  const handlers = { acr: registries.acr.handle, blobs: registries.acr.blobHandler, mirror: registries.mirror.handle, github: github.handle, entra: entra.handle, sigstore: sigstore.handle, arm: arm.handle, monitor: monitor.handle };
  for (const [service, handler] of Object.entries(handlers)) listeners.mount(service as LabService, handler);
  const addresses = await describe({ ...world, github, entra, registries });
  await writeFiles({ folder, addresses, authority: tls.authority, sigstore });
  return { addresses, github, entra, arm, monitor, sigstore, acr: registries.acr, mirror: registries.mirror, ports: listeners.ports, fetch: listeners.fetch, intercept: listeners.intercept };
}

interface World {
  readonly options: LabOptions;
  readonly listeners: Listeners;
  readonly now: () => Date;
}

function repositoriesOf({ repositories, folder }: LabOptions): readonly LabRepository[] {
  return repositories ?? [{ ...labRepository, path: join(folder, 'git', labRepository.owner, `${labRepository.name}.git`) }];
}

async function openGitHub({ options, listeners, now }: World): Promise<GitHub> {
  const repositories = repositoriesOf(options);
  for (const { path, defaultBranch } of repositories) {
    const exists = await access(join(path, 'HEAD')).then(() => true, () => false);
    if (!exists) await promisify(execFile)('git', ['init', '--quiet', '--bare', `--initial-branch=${defaultBranch}`, '--', path]);
  }
  return createGitHub({ folder: join(options.folder, 'github'), url: listeners.url('github'), repositories, users: options.users ?? labUsers, now, subjectFormat: options.subjectFormat ?? 'name' });
}

function openEntra({ options, listeners, now }: World): Promise<Entra> {
  const issuer = `${listeners.url('github')}/_oidc`;
  const subjects = { ...labSubjects, ...options.subjects };
  const federatedCredentials = Object.entries(labClients).flatMap(([name, { clientId }]) =>
    subjects[name as LabPrincipal].map((subject) => ({ clientId, issuer, subject, audience: exchangeAudience })));
  return createEntra({
    folder: join(options.folder, 'entra'), url: listeners.url('entra'), tenantId: options.tenantId ?? labTenantId, clients: Object.values(labClients), federatedCredentials, fetch: listeners.fetch, now,
  });
}

async function describe({ options, listeners, github, entra, registries }: World & { readonly github: GitHub; readonly entra: Entra; readonly registries: LabRegistries }): Promise<LabAddresses> {
  const { folder } = options;
  const logins = await Promise.all(Object.entries(labClients).map(async ([name, client]) => [name, await signInAs(client, { listeners, entra })] as const));
  const [repository = labRepository] = repositoriesOf(options);
  return {
    folder,
    processId: process.pid,
    caFile: labFiles(folder).ca,
    acr: { loginServer: listeners.host('acr'), url: listeners.url('acr') },
    mirror: { loginServer: listeners.host('mirror'), url: listeners.url('mirror'), login: registries.mirrorLogin },
    github: { url: listeners.url('github'), apiUrl: github.apiUrl, serverUrl: 'https://github.com', issuer: github.issuer, repositories: Object.fromEntries(repositoriesOf(options).map(({ owner, name, path }) => [`${owner}/${name}`, path])) },
    entra: {
      authorityHost: listeners.url('entra'),
      tenantId: options.tenantId ?? labTenantId,
      clients: Object.fromEntries(Object.entries(labClients).map(([name, { clientId, objectId }]) => [name, { clientId, objectId }])) as LabAddresses['entra']['clients'],
    },
    sigstore: sigstoreAddresses(folder, listeners),
    arm: { url: listeners.url('arm'), cluster: labResources.cluster, registry: labResources.registry },
    monitor: { url: listeners.url('monitor'), audience: monitorAudience },
    tokens: {
      acr: Object.fromEntries(logins) as LabAddresses['tokens']['acr'],
      github: github.issueToken({ repository: `${repository.owner}/${repository.name}`, permissions: { contents: 'read', 'pull-requests': 'read' } }),
    },
    environment: labEnvironment(folder),
  };
}

async function writeFiles(parts: { readonly folder: string; readonly addresses: LabAddresses; readonly authority: string; readonly sigstore: Sigstore }): Promise<void> {
  const files = labFiles(parts.folder);
  const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
  await mkdir(parts.folder, { recursive: true });
  await Promise.all([
    writeFile(files.ca, parts.authority),
    writeFile(files.addresses, json(parts.addresses)),
    writeFile(files.trustedRoot, json(parts.sigstore.trustedRoot)),
    writeFile(files.signingConfig, json(parts.sigstore.signingConfig(parts.addresses.sigstore.url, 2))),
    writeFile(files.signingConfigRekorV1, json(parts.sigstore.signingConfig(parts.addresses.sigstore.url, 1))),
  ]);
}
