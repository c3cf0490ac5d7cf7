// SPDX-License-Identifier: Apache-2.0
// Everything that hangs on some subjects: listed once, each bundle fetched and verified, the rest named with the reason why it is not believed.
import { Failure, mapConcurrently, predicateTypes, type Channel, type Digest, type DisbelievedReferrer, type SignerIdentity, type VerifiedStatement } from '@pratique/core';
import type { Descriptor, Repository } from '@pratique/oci';
import { mayState, rolesOf, type Trust } from '@pratique/policy';
import { isBundleReferrer, readAttestation, statedPredicateType, verifyAttestation, type TrustMaterial } from '@pratique/sign';

export interface ReadOptions {
  readonly repository: Repository;
  readonly subjects: readonly Digest[];
  readonly trust: Trust;
  readonly trustMaterial: TrustMaterial;
  readonly channel: Channel;
}

export interface ReadReferrers {
  readonly listed: readonly Descriptor[];
  readonly statements: readonly VerifiedStatement[];
  readonly disbelieved: readonly DisbelievedReferrer[];
}

const mostReferrers = 200;
const parallel = 4;

interface Hanging {
  readonly subject: Digest;
  readonly descriptor: Descriptor;
}

/** Fails with `GATE_REFERRERS_FLOOD` above 200 referrers on all subjects together, and with the unavailability of the registry. */
export async function readReferrers(options: ReadOptions): Promise<ReadReferrers> {
  const { repository } = options;
  const subjects = [...new Set(options.subjects)];
  const lists = await mapConcurrently(subjects, parallel, async (subject) => (await repository.listReferrers(subject)).map((descriptor): Hanging => ({ subject, descriptor })));
  const hanging = [...new Map(lists.flat().map((one) => [`${one.subject} ${one.descriptor.digest}`, one])).values()];
  if (hanging.length > mostReferrers) {
    throw new Failure({
      code: 'GATE_REFERRERS_FLOOD', message: `${hanging.length} referrers hang on ${repository.registry}/${repository.name}@${subjects[0]} and its platforms; at most ${mostReferrers} are read`,
      facts: { subjects: lists.map((list, index) => ({ subject: subjects[index], referrers: list.length })) },
    });
  }
  // What is no attestation claims nothing: it is listed, and stays behind.
  const attestations = hanging.filter(({ descriptor }) => isBundleReferrer(descriptor));
  const read = await mapConcurrently(attestations, parallel, (one) => readOne(options, one));
  return {
    listed: hanging.map(({ descriptor }) => descriptor),
    statements: read.filter((one) => 'trustedTime' in one),
    disbelieved: read.filter((one) => 'code' in one),
  };
}

async function readOne(options: ReadOptions, { subject, descriptor }: Hanging): Promise<VerifiedStatement | DisbelievedReferrer> {
  const disbelieve = (code: DisbelievedReferrer['code'], reason: string): DisbelievedReferrer => ({
    attestation: descriptor.digest, subject, code, reason, ...(descriptor.artifactType === undefined ? {} : { artifactType: descriptor.artifactType }),
  });
  try {
    const bundle = await readAttestation(options.repository, descriptor.digest);
    const { predicateType, predicate, signer, trustedTime } = await verifyAttestation({ bundle, subject, trust: options.trustMaterial });
    const roles = rolesOf(options.trust, signer, trustedTime, options.channel);
    if (!mayState(predicateType, roles)) {
      const why = `${nameOf(signer)} ${roles.length === 0 ? 'holds no role' : `holds only the role ${roles.join(', ')}`} for ${options.channel} and may not state ${predicateType}`;
      return { ...disbelieve('ATTESTATION_SIGNER_UNKNOWN', why), predicateType };
    }
    return { subject, predicateType, predicate, signer, roles, trustedTime, attestation: descriptor.digest };
  } catch (thrown) {
    // Held in the registry's quarantine it may be the verdict that takes another back: as long as nobody can read it, nothing is decided.
    if (thrown instanceof Failure && thrown.code === 'ACR_QUARANTINED' && (statedPredicateType(descriptor) ?? predicateTypes.verdict) === predicateTypes.verdict) throw thrown;
    // What is broken or gone is not believed. A registry that does not answer leaves everything open, and nothing is decided.
    if (thrown instanceof Failure && (thrown.kind === 'refused' || thrown.code === 'REGISTRY_NOT_FOUND')) return disbelieve(thrown.code, thrown.message);
    throw thrown;
  }
}

function nameOf(signer: SignerIdentity): string {
  return signer.kind === 'key' ? `the key ${signer.fingerprint}` : signer.identity;
}
