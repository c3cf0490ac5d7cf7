// SPDX-License-Identifier: Apache-2.0
// What must be true before anything is signed: tests passed, and image, evidence and identity token speak of one source, version and run.
import { Failure, type JsonObject } from '@pratique/core';
import type { EvidenceManifest } from '@pratique/scan';

const annotation = { revision: 'org.opencontainers.image.revision', version: 'org.opencontainers.image.version' } as const;

/** Fails with `BUILD_TESTS_FAILED` or `SIGN_SOURCE_MISMATCH`. */
export function requireOneSource(annotations: Readonly<Record<string, string>>, evidence: EvidenceManifest | undefined, claims: JsonObject): void {
  if (evidence?.tests?.result === 'failed') throw new Failure({ code: 'BUILD_TESTS_FAILED', message: `the test stage ${evidence.tests.stage} failed: nothing is signed`, facts: { tail: evidence.tests.tail.slice(-2000) } });
  const revision = annotations[annotation.revision];
  requireEqual('commit', { 'identity token': claims['sha'], 'image annotation': revision, ...(evidence && { 'build evidence': evidence.build.revision }) });
  if (evidence === undefined) return;
  requireEqual('version', { 'image annotation': annotations[annotation.version], 'build evidence': evidence.build.version });
  if (claims['run_id'] !== undefined) requireEqual('workflow run', { 'identity token': String(claims['run_id']), 'build evidence': evidence.build.run.id });
}

function requireEqual(what: string, said: Readonly<Record<string, unknown>>): void {
  if (new Set(Object.values(said)).size <= 1) return;
  const told = Object.entries(said).map(([where, value]) => `${where} says ${typeof value === 'string' ? value : 'nothing'}`);
  throw new Failure({ code: 'SIGN_SOURCE_MISMATCH', message: `the ${what} differs: ${told.join(', ')}`, hint: 'Sign in the workflow run that built the image, with the outputs image and evidence of build-scan-push as they are.', facts: said });
}
