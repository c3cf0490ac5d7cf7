// SPDX-License-Identifier: Apache-2.0
// What a deployment would be told: `requireVerdict` is asked for each channel, here and wherever the believed verdicts say the image belongs.
import { Failure, failureCodes, formatImage, isDigest, isJsonObject, parsePinnedImage, predicateTypes, type Channel, type Context, type Digest, type FailureCode, type PinnedImage, type SignerIdentity } from '@pratique/core';
import { requireVerdict } from '@pratique/evidence';
import { mayState, rolesOf, type Trust } from '@pratique/policy';
import { readVerdictPredicate, type VerdictPredicate, type VerifiedAttestation } from '@pratique/sign';
import type { ImageContents, ReadContents } from '../image-contents.ts';

/** A reason as it was signed. */
export interface SignedReason {
  readonly effect: string;
  readonly code: string;
  readonly rule: string;
  readonly subject: string;
  readonly message: string;
}

/** The verdict that an answer rests on. */
export interface SignedVerdict extends VerdictPredicate {
  readonly attestation: Digest;
  readonly signer: SignerIdentity;
  readonly trustedTime: Date;
  readonly reasons: readonly SignedReason[];
}

/** The answer for one channel. */
export interface Answer {
  readonly channel: Channel;
  /** For which image the question was asked: where it stands, or where a verdict says that it belongs. */
  readonly of: PinnedImage;
  /** Whether `of` is where it stands. */
  readonly here: boolean;
  readonly code: 'passed' | FailureCode;
  /** Absent when it passed. */
  readonly message?: string;
  readonly mend?: string;
  readonly verdict?: SignedVerdict;
}

/** Channels in the order in which they are told. */
export const channels: readonly Channel[] = ['release', 'preview'];

const mostPlaces = 5;

/** Asks. A refusal is an answer; fails only when no answer could be had (`REGISTRY_*`). */
export async function askVerdicts(ctx: Context, read: ReadContents, trust: Trust): Promise<Answer[]> {
  const { pinned } = read.contents;
  const answers: Answer[] = [];
  for (const of of [pinned, ...otherPlaces(read.contents, trust)]) {
    for (const channel of channels) {
      const answer = await ask({ ctx, of, channel, trust, ...read });
      // Elsewhere only what a verdict says is worth a line.
      if (answer.here || answer.verdict !== undefined) answers.push(answer);
    }
  }
  return answers;
}

/** Other images that believed verdicts on this digest name: the release of an image that waits in quarantine. At most five; strangers take none of them. */
export function otherPlaces(contents: Pick<ImageContents, 'pinned' | 'branches'>, trust: Trust): PinnedImage[] {
  const { pinned } = contents;
  const named = verdictsOn(contents).flatMap((attestation) => {
    const believed = channels.some((channel) => mayState(predicateTypes.verdict, rolesOf(trust, attestation.signer, attestation.trustedTime, channel)));
    const uri = isJsonObject(attestation.predicate) ? attestation.predicate['resourceUri'] : undefined;
    return believed && typeof uri === 'string' ? readPlace(uri) : [];
  });
  const others = named.filter((one) => one.digest === pinned.digest && formatImage(one) !== formatImage(pinned));
  return [...new Map(others.map((one) => [formatImage(one), one])).values()].slice(0, mostPlaces);
}

function readPlace(uri: string): PinnedImage[] {
  try {
    return [parsePinnedImage(uri)];
  } catch (thrown) {
    if (thrown instanceof Failure) return [];
    throw thrown;
  }
}

function verdictsOn({ branches: [root] }: Pick<ImageContents, 'branches'>): VerifiedAttestation[] {
  return (root?.leaves ?? []).flatMap(({ proof }) => (proof.state === 'verified' && proof.attestation.predicateType === predicateTypes.verdict ? [proof.attestation] : []));
}

interface Question extends ReadContents {
  readonly ctx: Context;
  readonly of: PinnedImage;
  readonly channel: Channel;
  readonly trust: Trust;
}

async function ask({ ctx, of, channel, trust, repository, trustMaterial, contents }: Question): Promise<Answer> {
  const asked = { channel, of, here: formatImage(of) === formatImage(contents.pinned) };
  try {
    const { statement } = await requireVerdict({ ctx, repository, image: of, channel, trust, trustMaterial });
    return { ...asked, code: 'passed', ...verdictOf(contents, statement.attestation) };
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.kind !== 'refused') throw thrown;
    const { code, message, hint, facts } = thrown;
    return { ...asked, code, message, mend: hint ?? failureCodes[code].mend, ...(isDigest(facts['attestation']) ? verdictOf(contents, facts['attestation']) : {}) };
  }
}

/** The verdict of an attestation that `requireVerdict` named; it was read strictly there. */
function verdictOf({ branches: [root] }: ImageContents, attestation: Digest): { readonly verdict?: SignedVerdict } {
  const proof = root?.leaves.find(({ digest }) => digest === attestation)?.proof;
  if (proof?.state !== 'verified') return {};
  const { predicate, signer, trustedTime } = proof.attestation;
  return { verdict: { ...readVerdictPredicate(predicate), attestation, signer, trustedTime, reasons: reasonsOf(predicate) } };
}

function reasonsOf(predicate: unknown): SignedReason[] {
  const reasons: unknown = isJsonObject(predicate) ? predicate['reasons'] : undefined;
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return (Array.isArray(reasons) ? reasons : []).filter(isJsonObject).slice(0, 50)
    .map((one) => ({ effect: text(one['effect']), code: text(one['code']), rule: text(one['rule']), subject: text(one['subject']), message: text(one['message']) }));
}
