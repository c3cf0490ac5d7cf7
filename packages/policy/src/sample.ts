// SPDX-License-Identifier: Apache-2.0
// A released image with all its evidence, for tests: change one thing and see what the policy says.
import { predicateTypes, type Digest, type Evidence, type Finding, type ImagePlatform, type ScanPredicate, type SignerIdentity, type VerifiedStatement } from '@pratique/core';
import type { EvaluateOptions } from './evaluate.ts';
import { parseExceptions } from './exceptions-file.ts';
import { parsePolicy } from './policy-file.ts';
import { parseTrust } from './trust-file.ts';

export const now = new Date('2026-11-21T12:00:00Z');
export const hoursAgo = (hours: number): Date => new Date(now.getTime() - hours * 3_600_000);
/** A digest made of one hex digit pair. */
export const digest = (pair: string): Digest => `sha256:${pair.repeat(32)}`;

export const image = { registry: 'contoso.azurecr.io', repository: 'quarantine/web', digest: digest('1d') };
export const amd64: ImagePlatform = { platform: { os: 'linux', architecture: 'amd64' }, digest: digest('a6'), configDigest: digest('ca'), diffIds: [digest('d1'), digest('d2')] };
export const arm64: ImagePlatform = { platform: { os: 'linux', architecture: 'arm64' }, digest: digest('a7'), configDigest: digest('cb'), diffIds: [digest('d3')] };

const issuer = 'https://token.actions.githubusercontent.com';
export const commit = 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00';

/** A workflow of the repository with id 42, on main, by a push, on GitHub's runners. */
export function workflow(file: string, extensions: Readonly<Record<string, string>> = {}): SignerIdentity {
  return {
    kind: 'keyless', issuer, identity: `https://github.com/contoso/web/.github/workflows/${file}@refs/heads/main`,
    extensions: {
      issuer, event: 'push', sourceRepository: 'https://github.com/contoso/web', sourceRepositoryId: '42', ownerId: '7', sourceRef: 'refs/heads/main', sourceDigest: commit, runnerEnvironment: 'github-hosted', ...extensions,
    },
  };
}
export const builder = workflow('release.yml');
export const judge = workflow('gate.yml');

const entry = (file: string): string => `  - issuer: ${issuer}\n    identity: https://github.com/contoso/web/.github/workflows/${file}@refs/heads/main\n    repository-id: 42\n`;
export const trustText = `build:\n${entry('release.yml')}scan:\n${entry('release.yml')}gate:\n${entry('gate.yml')}`;

let count = 0;
/** A statement of the builder, an hour old. Each has a digest of its own. */
export function statement(subject: Digest, predicateType: string, predicate: unknown, other: Partial<VerifiedStatement> = {}): VerifiedStatement {
  count += 1;
  return { subject, predicateType, predicate, signer: builder, roles: [], trustedTime: hoursAgo(1), attestation: `sha256:${count.toString(16).padStart(64, '0')}`, ...other };
}

export const critical: Finding = { id: 'CVE-2026-0001', package: 'openssl', installed: '3.0.11', fixed: '3.0.12', severity: 'critical', class: 'os', purl: 'pkg:deb/debian/openssl@3.0.11?arch=amd64' };
export const medium: Finding = { id: 'CVE-2026-0002', package: 'zlib', installed: '1.2.13', severity: 'medium', class: 'os', purl: 'pkg:deb/debian/zlib@1.2.13' };

export function scanOf(platform: ImagePlatform, other: Partial<ScanPredicate> = {}): ScanPredicate {
  return {
    platform: `linux/${platform.platform.architecture}`, configDigest: platform.configDigest, diffIds: platform.diffIds, packageCount: 90, os: 'debian 12.15', scanner: { name: 'trivy', version: '0.76.0' },
    database: { updatedAt: hoursAgo(5).toISOString() }, startedAt: hoursAgo(2).toISOString(), finishedAt: hoursAgo(2).toISOString(), report: digest('4e'), isolation: 'job', findings: [medium], ...other,
  };
}
export function signedScan(platform: ImagePlatform, scan: Partial<ScanPredicate> = {}, other: Partial<VerifiedStatement> = {}): VerifiedStatement {
  return statement(platform.digest, predicateTypes.scan, scanOf(platform, scan), other);
}

export function provenance(other: { repository?: string; commit?: string; ref?: string; repositoryId?: string | number } = {}): unknown {
  const { repository = 'https://github.com/contoso/web', ref = 'refs/heads/main', repositoryId = '42' } = other;
  return {
    buildDefinition: {
      buildType: 'https://actions.github.io/buildtypes/workflow/v1',
      externalParameters: { workflow: { ref, repository, path: '.github/workflows/release.yml' } },
      internalParameters: { github: { event_name: 'push', repository_id: repositoryId } },
      resolvedDependencies: [{ uri: `git+${repository}@${ref}`, digest: { gitCommit: other.commit ?? commit } }, { uri: 'pkg:docker/debian', digest: { sha256: 'ab' } }],
    },
    runDetails: {},
  };
}

/** Parts of the evidence by name, so that a test can replace or leave out one of them. */
export const parts = {
  signature: () => [statement(image.digest, predicateTypes.signature, {})],
  provenance: () => [statement(image.digest, predicateTypes.provenance, provenance())],
  tests: () => [statement(image.digest, predicateTypes.tests, { result: 'PASSED', configuration: [] })],
  scanAmd64: () => [signedScan(amd64)],
  scanArm64: () => [signedScan(arm64)],
  sboms: () => [amd64, arm64].map((platform) => statement(platform.digest, predicateTypes.cyclonedx, { bomFormat: 'CycloneDX' })),
};

export interface Change {
  readonly parts?: Partial<Record<keyof typeof parts, () => VerifiedStatement[]>>;
  readonly more?: readonly VerifiedStatement[];
  readonly evidence?: Partial<Evidence>;
  readonly policy?: string;
  readonly trust?: string;
  readonly exceptions?: string;
  readonly options?: Partial<EvaluateOptions>;
}

/** A judgment that passes under the strict policy, with the changes of a test. */
export function given(change: Change = {}): EvaluateOptions {
  const statements = [...Object.values({ ...parts, ...change.parts }).flatMap((part) => part()), ...(change.more ?? [])];
  const evidence: Evidence = {
    image, version: '1.2.0', revision: commit, source: 'https://github.com/contoso/web', platforms: [amd64, arm64], statements, disbelieved: [], collectedAt: now, ...change.evidence,
  };
  return {
    policy: parsePolicy(change.policy ?? ''), trust: parseTrust(change.trust ?? trustText), exceptions: parseExceptions(change.exceptions ?? ''), evidence,
    approvals: () => 'approved', now, channel: 'release', mode: 'promote', uri: 'github://contoso/policy/.pratique@c0ffee', digest: digest('90'), ...change.options,
  };
}
