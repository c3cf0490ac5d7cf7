// SPDX-License-Identifier: Apache-2.0
// What already hangs on the subjects of a plan: which statements of this run can be used again, which of ours are superseded.
import { canonicalJson, digestOf, Failure, isJsonObject, mapConcurrently, type Digest, type SignerIdentity } from '@pratique/core';
import type { Descriptor, Repository } from '@pratique/oci';
import { annotationNames, isBundleReferrer, readAttestation } from './referrer.ts';
import { encodeStatement, toStatement, type PlannedStatement } from './statement.ts';
import type { TrustMaterial } from './trust.ts';
import { verifyAttestation, type VerifiedAttestation } from './verify.ts';

/** A verified bundle that hangs on a subject. */
export interface StandingAttestation extends VerifiedAttestation {
  readonly subject: Digest;
  readonly attestation: Digest;
  readonly reuseKey: string | undefined;
}

/** Bundles that are looked at on one subject; the rest stays unread, and what is unread is signed anew. */
const readLimit = 200;

/** Lists the referrers of each subject once and verifies the bundles whose predicate type is planned. What does not verify is not ours to judge here: it is left alone. */
export async function readStanding(repository: Repository, plan: readonly PlannedStatement[], trust: TrustMaterial): Promise<readonly StandingAttestation[]> {
  const types = new Set(plan.map((planned) => planned.predicateType));
  const subjects = [...new Set(plan.map((planned) => planned.subject.digest))];
  const found = await mapConcurrently(subjects, 4, async (subject) => {
    const listed = (await repository.listReferrers(subject)).filter((one) => isBundleReferrer(one) && maybePlanned(one, types));
    return mapConcurrently(listed.slice(0, readLimit), 4, (one) => readOne(repository, { subject, listed: one, trust }));
  });
  return found.flat().flatMap((one) => (one !== undefined && types.has(one.predicateType) ? [one] : []));
}

function maybePlanned(descriptor: Descriptor, types: ReadonlySet<string>): boolean {
  const claimed = descriptor.annotations?.[annotationNames.predicateType];
  return claimed === undefined || types.has(claimed);
}

async function readOne(repository: Repository, { subject, listed, trust }: { subject: Digest; listed: Descriptor; trust: TrustMaterial }): Promise<StandingAttestation | undefined> {
  try {
    const verified = await verifyAttestation({ bundle: await readAttestation(repository, listed.digest), subject, trust });
    return { ...verified, subject, attestation: listed.digest, reuseKey: listed.annotations?.[annotationNames.reuseKey] };
  } catch (thrown) {
    // Foreign or broken referrers must not stop signing; a registry that does not answer must.
    if (thrown instanceof Failure && thrown.kind === 'refused') return undefined;
    if (thrown instanceof Failure && thrown.code === 'REGISTRY_NOT_FOUND') return undefined;
    throw thrown;
  }
}

/** Key of a statement: subject, predicate type, platform, signer, run (not attempt), digest of the statement. */
export async function reuseKeyOf(planned: PlannedStatement, signer: SignerIdentity, runId: string): Promise<string> {
  const statement = await digestOf(encodeStatement(toStatement(planned)));
  return digestOf(new TextEncoder().encode(canonicalJson({ subject: planned.subject.digest, predicateType: planned.predicateType, platform: planned.platform, signer: nameOf(signer), run: runId, statement })));
}

/** The attestation that already says exactly this, signed by the same signer in the same run. */
export async function findReusable(standing: readonly StandingAttestation[], planned: PlannedStatement, by: { signer: SignerIdentity; runId: string }): Promise<StandingAttestation | undefined> {
  const payload = await digestOf(encodeStatement(toStatement(planned)));
  const key = await reuseKeyOf(planned, by.signer, by.runId);
  return standing.find((one) => one.subject === planned.subject.digest && one.payload === payload && nameOf(one.signer) === nameOf(by.signer) && sameRun(one, key, by.runId));
}

function sameRun(one: StandingAttestation, key: string, runId: string): boolean {
  const run = one.signer.kind === 'keyless' ? one.signer.extensions['run'] : undefined;
  // https://github.com/OWNER/REPO/actions/runs/ID/attempts/N; a signer without a run in its certificate is known by the annotation alone.
  return run === undefined ? one.reuseKey === key : run.split('/runs/')[1]?.split('/')[0] === runId;
}

/** Ours, about the same thing, and not among `kept`: what the new attestations replace. */
export function findSuperseded(standing: readonly StandingAttestation[], plan: readonly PlannedStatement[], by: { signer: SignerIdentity; kept: ReadonlySet<Digest> }): readonly StandingAttestation[] {
  const planned = new Set(plan.map((one) => scopeOf(one.subject.digest, one.predicateType, one.predicate)));
  return standing.filter((one) => !by.kept.has(one.attestation) && nameOf(one.signer) === nameOf(by.signer) && planned.has(scopeOf(one.subject, one.predicateType, one.predicate)));
}

/** Statements of one scope replace each other: scans by another scanner, verdicts for another channel, and deployments elsewhere or with another end do not. */
function scopeOf(subject: Digest, predicateType: string, predicate: unknown): string {
  const members = isJsonObject(predicate) ? predicate : {};
  const scanner = isJsonObject(members['scanner']) ? (members['scanner']['name'] ?? members['scanner']['uri']) : undefined;
  return canonicalJson([subject, predicateType, members['platform'] ?? null, scanner ?? null, members['resourceUri'] ?? null, members['verifiedLevels'] ?? null, members['target'] === undefined ? null : [members['target'], members['result'] ?? null]]);
}

function nameOf(signer: SignerIdentity): string {
  return signer.kind === 'key' ? signer.fingerprint : canonicalJson([signer.issuer, signer.identity]);
}
