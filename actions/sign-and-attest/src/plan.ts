// SPDX-License-Identifier: Apache-2.0
// The plan: which statements shall exist on the index and on each platform, derived from evidence that is checked anew.
import { Failure, formatPlatform, parseJsonObject, predicateTypes, type Digest, type ImagePlatform, type JsonObject } from '@pratique/core';
import type { Descriptor, Image } from '@pratique/oci';
import { toScanPredicate, toVulnerabilityPredicate, type EvidenceManifest, type PlatformScan } from '@pratique/scan';
import { provenancePredicate, testResultPredicate, type PlannedStatement, type StatementSigner } from '@pratique/sign';
import type { PredicateName } from './predicate-names.ts';

/** What the plan is made from. */
export interface PlanSource {
  readonly image: Image;
  readonly evidence: EvidenceManifest | undefined;
  readonly signer: StatementSigner;
  /** Descriptor of a platform's manifest. */
  readonly describe: (digest: Digest) => Promise<Descriptor>;
}

/** The statements of `names`, index first, then platform by platform. */
export async function planStatements(source: PlanSource, names: ReadonlySet<PredicateName>): Promise<readonly PlannedStatement[]> {
  const { evidence } = source;
  const statements = [...indexStatements(source)];
  for (const scan of evidence?.scans ?? []) statements.push(...await platformStatements(source, scan));
  return statements.filter(({ name }) => names.has(name)).map(({ name: _, ...planned }) => planned);
}

type NamedStatement = PlannedStatement & { readonly name: PredicateName };

function* indexStatements({ image, evidence, signer }: PlanSource): Generator<NamedStatement> {
  const subject = image.root.descriptor;
  yield { name: 'signature', subject, predicateType: predicateTypes.signature, predicate: {} };
  yield { name: 'provenance', subject, predicateType: predicateTypes.provenance, predicate: provenanceOf(signer, evidence) };
  if (evidence?.tests) {
    const { source, revision } = evidence.build;
    yield { name: 'tests', subject, predicateType: predicateTypes.tests, predicate: testResultPredicate({ ...evidence.tests, source, revision }) };
  }
}

function provenanceOf(signer: StatementSigner, evidence: EvidenceManifest | undefined): object {
  const builderId = signer.identity.identity;
  if (evidence === undefined) return provenancePredicate(signer.claims, { builderId });
  const { builder, target, parameters, isolation, platforms, materials, run } = evidence.build;
  return provenancePredicate(signer.claims, {
    builderId, attempt: run.attempt, materials,
    parameters: { builder, ...(target === undefined ? {} : { target }), parameters, isolation, platforms: platforms.map((one) => ({ platform: one.platform, digest: one.digest })) },
  });
}

async function platformStatements({ image, describe }: PlanSource, scan: PlatformScan): Promise<NamedStatement[]> {
  const found = image.platforms.find((one) => one.digest === scan.run.digest);
  if (found === undefined) throw notBound(`a scan speaks of ${scan.run.digest}, which is no runnable platform of the image`);
  const platform = formatPlatform(found.platform);
  const subject = await describe(found.digest);
  const predicate = await toScanPredicate(scan.run, scan.report, found);
  return [
    { name: 'scan', subject, platform, predicateType: predicateTypes.scan, predicate },
    { name: 'vulnerabilities', subject, platform, predicateType: predicateTypes.vulnerabilities, predicate: toVulnerabilityPredicate(predicate) },
    { name: 'cyclonedx', subject, platform, predicateType: predicateTypes.cyclonedx, predicate: readSbom(scan.cyclonedx, found, 'CycloneDX') },
    { name: 'spdx', subject, platform, predicateType: predicateTypes.spdx, predicate: readSbom(scan.spdx, found, 'SPDX') },
  ];
}

/** An SBOM counts only when it names the config of the platform: otherwise it could describe any image. */
function readSbom(bytes: Uint8Array, platform: ImagePlatform, kind: string): JsonObject {
  const sbom = parseJsonObject(bytes, `the ${kind} SBOM of ${formatPlatform(platform.platform)}`, 'BUILD_EVIDENCE_INVALID');
  if (!new TextDecoder().decode(bytes).includes(platform.configDigest)) throw notBound(`the ${kind} SBOM of ${formatPlatform(platform.platform)} does not name its config ${platform.configDigest}`);
  return sbom;
}

function notBound(message: string): Failure {
  return new Failure({ code: 'BUILD_EVIDENCE_INVALID', message });
}
