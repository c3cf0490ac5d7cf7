// SPDX-License-Identifier: Apache-2.0
// The gate's verdict as SLSA Verification Summary v1 (https://slsa.dev/spec/v1.2/verification_summary), with our channel, reasons and end of validity.
import { Failure, formatImage, isDigest, isJsonObject, type Channel, type Digest, type PinnedImage, type Verdict } from '@pratique/core';
import { digestSet } from './statement.ts';

/** A verdict read back from a verified statement. */
export interface VerdictPredicate {
  /** `registry/repository@digest` of the release. */
  readonly resourceUri: string;
  readonly result: 'PASSED' | 'FAILED';
  readonly channel: Channel;
  readonly policyDigest: Digest;
  readonly policyUri: string;
  /** Attestations that the verdict rests on. */
  readonly inputs: readonly Digest[];
  readonly validUntil: Date;
  /** As the gate claims; for order, use the trusted time of the attestation. */
  readonly timeVerified: Date;
  /** URI of the verifier. */
  readonly verifier: string;
}

const levels: Readonly<Record<Channel, string>> = { release: 'PRATIQUE_CHANNEL_RELEASE', preview: 'PRATIQUE_CHANNEL_PREVIEW' };
const reasonLimit = 50;

/** The predicate. `resource`: the image in the release repository. At most 50 reasons are told, denials first. */
export function verdictPredicate(verdict: Verdict, resource: PinnedImage, verifierId: string): object {
  const order = { deny: 0, warn: 1, info: 2 } as const;
  const reasons = [...verdict.reasons].sort((a, b) => order[a.effect] - order[b.effect]).slice(0, reasonLimit);
  return {
    verifier: { id: verifierId },
    timeVerified: verdict.decidedAt.toISOString(),
    resourceUri: formatImage(resource),
    policy: { uri: verdict.policy.uri, digest: digestSet(verdict.policy.digest) },
    inputAttestations: verdict.inputs.map((digest) => ({ uri: formatImage({ ...resource, digest }), digest: digestSet(digest) })),
    verificationResult: verdict.result === 'passed' ? 'PASSED' : 'FAILED',
    verifiedLevels: [levels[verdict.channel]],
    slsaVersion: '1.2',
    validUntil: verdict.validUntil.toISOString(),
    reasons: reasons.map(({ effect, code, rule, subject, message }) => ({ effect, code, rule, subject: subject.slice(0, 200), message: message.slice(0, 300) })),
  };
}

/** Reads a predicate strictly: a part that is missing or unclear makes it no verdict. Fails with `ATTESTATION_MALFORMED`. */
export function readVerdictPredicate(predicate: unknown): VerdictPredicate {
  if (!isJsonObject(predicate)) throw malformed('it is no object');
  const { resourceUri, verificationResult: result, verifiedLevels, policy, inputAttestations, verifier } = predicate;
  if (typeof resourceUri !== 'string' || resourceUri === '') throw malformed('resourceUri is missing');
  if (result !== 'PASSED' && result !== 'FAILED') throw malformed('verificationResult is neither PASSED nor FAILED');
  if (!isJsonObject(verifier) || typeof verifier['id'] !== 'string') throw malformed('verifier.id is missing');
  if (!isJsonObject(policy) || typeof policy['uri'] !== 'string') throw malformed('policy is missing');
  return {
    resourceUri, result, channel: channelOf(verifiedLevels), policyUri: policy['uri'], policyDigest: readDigest(policy['digest'], 'policy.digest'),
    inputs: readInputs(inputAttestations), verifier: verifier['id'],
    validUntil: readTime(predicate['validUntil'], 'validUntil'), timeVerified: readTime(predicate['timeVerified'], 'timeVerified'),
  };
}

function channelOf(verifiedLevels: unknown): Channel {
  const named = (Object.keys(levels) as Channel[]).filter((channel) => Array.isArray(verifiedLevels) && verifiedLevels.includes(levels[channel]));
  const [channel] = named;
  if (channel === undefined || named.length > 1) throw malformed('verifiedLevels do not name exactly one channel');
  return channel;
}

function readInputs(value: unknown): Digest[] {
  if (!Array.isArray(value)) throw malformed('inputAttestations is missing');
  return value.map((item: unknown, index) => readDigest(isJsonObject(item) ? item['digest'] : undefined, `inputAttestations[${index}].digest`));
}

function readDigest(value: unknown, name: string): Digest {
  const text = isJsonObject(value) ? (value['sha256'] === undefined ? `sha512:${value['sha512']}` : `sha256:${value['sha256']}`) : undefined;
  if (!isDigest(text)) throw malformed(`${name} is not a digest`);
  return text;
}

function readTime(value: unknown, name: string): Date {
  const time = typeof value === 'string' ? new Date(value) : new Date(NaN);
  if (Number.isNaN(time.getTime())) throw malformed(`${name} is not a time`);
  return time;
}

function malformed(why: string): Failure {
  return new Failure({ code: 'ATTESTATION_MALFORMED', message: `the verdict cannot be read: ${why}` });
}
