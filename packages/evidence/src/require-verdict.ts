// SPDX-License-Identifier: Apache-2.0
// What every consumer asks: does this very image hold a valid verdict of the gate for this channel? (SLSA v1.2, verifying VSAs.)
import { Failure, formatImage, predicateTypes, type Channel, type Context, type Digest, type DisbelievedReferrer, type PinnedImage, type VerifiedStatement } from '@pratique/core';
import type { Repository } from '@pratique/oci';
import type { Trust } from '@pratique/policy';
import { readVerdictPredicate, type TrustMaterial, type VerdictPredicate } from '@pratique/sign';
import { readReferrers } from './referrer-statements.ts';

export interface RequireVerdictOptions {
  readonly ctx: Pick<Context, 'clock'>;
  readonly repository: Repository;
  readonly image: PinnedImage;
  readonly channel: Channel;
  readonly trust: Trust;
  readonly trustMaterial: TrustMaterial;
  /** When given, only verdicts under exactly this policy count. */
  readonly policyDigest?: Digest;
}

/** A verdict that holds, and the statement that proves it. */
export interface ProvenVerdict {
  readonly verdict: VerdictPredicate;
  readonly statement: VerifiedStatement;
}

/**
 * The newest verdict of this channel by trusted time; FAILED wins ties; none refuses.
 * Fails with `VERDICT_MISSING`, `VERDICT_UNTRUSTED`, `VERDICT_CHANNEL`, `VERDICT_REFUSED`, `VERDICT_EXPIRED`; `ATTESTATION_MALFORMED` when the newest word of the gate cannot be read.
 */
export async function requireVerdict(options: RequireVerdictOptions): Promise<ProvenVerdict> {
  const { ctx, image, channel, policyDigest } = options;
  const { statements, disbelieved } = await readReferrers({ ...options, subjects: [image.digest] });
  const told = statements.filter(({ predicateType }) => predicateType === predicateTypes.verdict).map(read);
  const ofImage = told.filter((one) => one.verdict === undefined || one.verdict.resourceUri === formatImage(image));
  const ofChannel = ofImage.filter(({ verdict }) => verdict === undefined || verdict.channel === channel);
  const newest = [...ofChannel].sort((a, b) => b.statement.trustedTime.getTime() - a.statement.trustedTime.getTime() || weight(a) - weight(b))[0];
  if (newest === undefined) throw missing(image, channel, { ofImage, told: told.length, disbelieved });
  if (newest.verdict === undefined) throw newest.failure;
  const { statement, verdict } = newest;
  const facts = { attestation: statement.attestation, policy: verdict.policyUri, trustedTime: statement.trustedTime };
  if (verdict.result !== 'PASSED') throw new Failure({ code: 'VERDICT_REFUSED', message: `the newest ${channel} verdict on ${formatImage(image)} is FAILED, of ${statement.trustedTime.toISOString()}`, facts });
  if (verdict.validUntil < ctx.clock.now()) throw new Failure({ code: 'VERDICT_EXPIRED', message: `the ${channel} verdict on ${formatImage(image)} was valid until ${verdict.validUntil.toISOString()}`, facts });
  if (policyDigest !== undefined && verdict.policyDigest !== policyDigest) {
    throw new Failure({ code: 'VERDICT_MISSING', message: `${formatImage(image)} has no verdict under the policy ${policyDigest}; its newest is under ${verdict.policyDigest}`, hint: 'Run quarantine-gate again with the current policy.', facts });
  }
  return { verdict, statement };
}

type Told = { readonly statement: VerifiedStatement } & ({ readonly verdict: VerdictPredicate } | { readonly verdict: undefined; readonly failure: Failure });

function read(statement: VerifiedStatement): Told {
  try {
    return { statement, verdict: readVerdictPredicate(statement.predicate) };
  } catch (thrown) {
    if (thrown instanceof Failure) return { statement, verdict: undefined, failure: thrown };
    throw thrown;
  }
}

// At the same time: what cannot be read before FAILED before PASSED.
function weight({ verdict }: Told): number {
  return verdict === undefined ? 0 : verdict.result === 'FAILED' ? 1 : 2;
}

function missing(image: PinnedImage, channel: Channel, seen: { ofImage: readonly Told[]; told: number; disbelieved: readonly DisbelievedReferrer[] }): Failure {
  const other = seen.ofImage.find(({ verdict }) => verdict !== undefined)?.verdict?.channel;
  if (other !== undefined) return new Failure({ code: 'VERDICT_CHANNEL', message: `${formatImage(image)} has a verdict for ${other}, none for ${channel}` });
  const [forged] = seen.disbelieved.filter(({ predicateType }) => predicateType === predicateTypes.verdict);
  if (forged !== undefined && seen.told === 0) {
    return new Failure({ code: 'VERDICT_UNTRUSTED', message: `no verdict on ${formatImage(image)} was signed by the gate role: ${forged.reason}`, facts: { disbelieved: forged.attestation } });
  }
  const elsewhere = seen.told > 0 ? '; the verdicts on this digest name another repository' : '';
  return new Failure({ code: 'VERDICT_MISSING', message: `${formatImage(image)} has no ${channel} verdict by the gate role${elsewhere}`, facts: { verdicts: seen.told, disbelieved: seen.disbelieved.length } });
}
