// SPDX-License-Identifier: Apache-2.0
import { predicateTypes, type Failure } from '@pratique/core';
import { createLayout, readImage } from '@pratique/oci';
import { readEvidence, type EvidenceManifest } from '@pratique/scan';
import type { PlannedStatement, StatementSigner } from '@pratique/sign';
import { describe, expect, test } from 'vitest';
import { memoryFiles } from '../../../test/fixtures/memory-files.ts';
import { planStatements } from './plan.ts';
import { predicateNames, type PredicateName } from './predicate-names.ts';
import { commit, pushSample } from '../../../test/fixtures/build-evidence.ts';

const workflow = 'contoso/web/.github/workflows/release.yml@refs/heads/main';
const signer: StatementSigner = {
  identity: { kind: 'keyless', issuer: 'https://token.test', identity: `https://github.com/${workflow}`, extensions: {} },
  claims: {
    sha: commit, ref: 'refs/heads/main', repository: 'contoso/web', repository_id: '1', repository_owner_id: '2', event_name: 'push', workflow_ref: workflow, job_workflow_ref: workflow,
    run_id: '77', run_attempt: '2', runner_environment: 'github-hosted',
  },
  sign: () => Promise.reject(new Error('nothing is signed here')),
};

interface Planned {
  readonly plan: readonly PlannedStatement[];
  readonly subjects: readonly string[];
}

async function plan(options: { names?: readonly PredicateName[]; change?: (evidence: EvidenceManifest) => EvidenceManifest; without?: boolean } = {}): Promise<Planned> {
  const layout = await createLayout(memoryFiles(), '/layout');
  const { index, evidence, platforms } = await pushSample(layout, options.change);
  const source = {
    image: await readImage(layout, index.digest), signer, evidence: options.without ? undefined : await readEvidence(layout, evidence.digest, index.digest),
    describe: async (digest: string) => (await layout.readManifest(digest)).descriptor,
  };
  return { plan: await planStatements(source, new Set(options.names ?? predicateNames)), subjects: [index.digest, ...platforms.map((one) => one.manifest.digest)] };
}

const { signature, provenance, tests, scan, vulnerabilities, cyclonedx, spdx } = predicateTypes;

describe('planStatements', () => {
  test('index: signature, provenance, tests; each platform: scan, vulnerabilities and both SBOMs', async () => {
    const { plan: planned, subjects: [index, amd64, arm64] } = await plan();
    expect(planned.map((one) => [one.subject.digest, one.platform, one.predicateType])).toEqual([
      [index, undefined, signature], [index, undefined, provenance], [index, undefined, tests],
      ...[[amd64, 'linux/amd64'], [arm64, 'linux/arm64']].flatMap(([digest, platform]) => [scan, vulnerabilities, cyclonedx, spdx].map((type) => [digest, platform, type])),
    ]);
  });

  test('the provenance names the build, its parameters and materials, and the attempt that built', async () => {
    const { plan: planned } = await plan({ names: ['provenance'] });
    const told = JSON.stringify(planned[0]?.predicate);
    for (const part of ['/runs/77/attempts/1', 'pkg:docker/debian@12', '"GREETING":"hello"', '"isolation":"job"', '"target":"app"', commit]) expect(told).toContain(part);
  });

  test('without evidence only signature and provenance', async () => {
    const { plan: planned } = await plan({ without: true });
    expect(planned.map((one) => one.predicateType)).toEqual([signature, provenance]);
  });

  test('a subset is planned alone', async () => {
    const { plan: planned } = await plan({ names: ['spdx'] });
    expect(planned.map((one) => one.predicateType)).toEqual([spdx, spdx]);
  });

  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  const bad: readonly (readonly [string, Failure['code'], (evidence: EvidenceManifest) => EvidenceManifest])[] = [
    ['an SBOM of another image', 'BUILD_EVIDENCE_INVALID', (e) => ({ ...e, scans: e.scans.map((one) => ({ ...one, spdx: text('{"spdxVersion":"SPDX-2.3"}') })) })],
    ['SBOMs of the other platform', 'BUILD_EVIDENCE_INVALID', (e) => ({ ...e, scans: e.scans.map((one, index) => ({ ...one, cyclonedx: e.scans[1 - index]?.cyclonedx ?? one.cyclonedx })) })],
    ['a report of the other platform', 'SCAN_NOT_BOUND', (e) => ({ ...e, scans: e.scans.map((one, index) => ({ ...one, report: e.scans[1 - index]?.report ?? one.report })) })],
    ['a report that is cut off', 'SCAN_REPORT_INVALID', (e) => ({ ...e, scans: e.scans.map((one) => ({ ...one, report: one.report.slice(0, 1000) })) })],
  ];
  test.each(bad)('%s: %s', async (_, code, change) => {
    await expect(plan({ change })).rejects.toMatchObject({ code });
  });
});
