// SPDX-License-Identifier: Apache-2.0
// Each MUST and SHOULD of the OCI distribution spec 1.1 that concerns a registry, against the emulator over http; then the official suite, where its binary is at hand.
// PRATIQUE_CONTRACT_REGISTRY names another registry, by URL, that needs no login.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createAcrEmulator, serve, type AcrEmulator, type Served } from '@pratique/lab';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { discoveryRequirements, managementRequirements } from './distribution/discovery.ts';
import { createProbe } from './distribution/probe.ts';
import { pullRequirements } from './distribution/pull.ts';
import { pushBlobRequirements } from './distribution/push-blobs.ts';
import { pushManifestRequirements } from './distribution/push-manifests.ts';

const run = promisify(execFile);
const named = process.env['PRATIQUE_CONTRACT_REGISTRY'];
const suite = process.env['OCI_CONFORMANCE'];
const sections = { Pull: pullRequirements, 'Push: blobs': pushBlobRequirements, 'Push: manifests': pushManifestRequirements, 'Content discovery': discoveryRequirements, 'Content management': managementRequirements };

interface Target {
  readonly emulator: AcrEmulator;
  readonly served: Served;
}

async function start(storage: 'memory' | { folder: string }): Promise<Target> {
  const emulator = createAcrEmulator({ storage, anonymous: true });
  return { emulator, served: await serve(emulator.handle) };
}

async function stop({ emulator, served }: Target): Promise<void> {
  await served.close();
  await emulator.close();
}

describe.each(['memory', 'folder'] as const)('registry in a %s', (storage) => {
  let folder: string;
  let target: Target;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'contract-'));
    target = await start(storage === 'memory' ? 'memory' : { folder });
  });
  afterAll(async () => {
    await stop(target);
    await rm(folder, { recursive: true });
  });

  describe.each(Object.entries(sections))('%s', (_section, requirements) => {
    test.each(requirements)('$id ($level): $says', async ({ observe, expected }) => {
      expect(await observe(createProbe(named ?? target.served.url))).toEqual(expected);
    });
  });

  test('no requirement has the name of another', () => {
    for (const requirements of Object.values(sections)) expect(new Set(requirements.map(({ id }) => id)).size).toBe(requirements.length);
  });

  test.runIf(suite !== undefined)('the official conformance suite ends with 0', async () => {
    const url = new URL(target.served.url);
    const old = {
      OCI_ROOT_URL: url.origin, OCI_NAMESPACE: 'conformance/one', OCI_CROSSMOUNT_NAMESPACE: 'conformance/two', OCI_AUTOMATIC_CROSSMOUNT: '1', OCI_TEST_PULL: '1', OCI_TEST_PUSH: '1',
      OCI_TEST_CONTENT_DISCOVERY: '1', OCI_TEST_CONTENT_MANAGEMENT: '1', OCI_REPORT_DIR: folder,
    };
    // The suite of the main branch has names of its own; each ignores the other's.
    const next = { OCI_VERSION: 'dev', OCI_REGISTRY: url.host, OCI_TLS: 'disabled', OCI_API_BLOBS_UPLOAD_CANCEL: 'true', OCI_API_MANIFESTS_TAG_PARAM: 'true', OCI_RESULTS_DIR: folder };
    const { stdout } = await run(suite ?? '', [], { env: { ...process.env, ...old, ...next }, maxBuffer: 64 * 1024 * 1024, cwd: folder });
    expect(stdout).toMatch(/PASS|Result: Pass/);
  });
});
