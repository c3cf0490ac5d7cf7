// SPDX-License-Identifier: Apache-2.0
// The job summary: what was attested about which subject, by whom, and how anybody verifies it.
import { formatImage, predicateTypes, type PinnedImage, type SignerIdentity } from '@pratique/core';
import type { Attested } from '@pratique/sign';
import { code, count, fence, folded, prose, shortDigest, table } from '@pratique/step';

const names = new Map<string, string>(Object.entries(predicateTypes).map(([name, type]) => [type, name]));
const mostSubjects = 50;

export interface SignSummary {
  readonly image: PinnedImage;
  readonly signer: SignerIdentity;
  readonly attested: readonly Attested[];
  /** Whether signatures verify by a trusted root of one's own instead of the public good one. */
  readonly ownRoot: boolean;
}

/** Markdown; every cell escaped and bounded. */
export function summarize({ image, signer, attested, ownRoot }: SignSummary): string {
  const reused = attested.filter((one) => one.reused).length;
  const subjects = [...Map.groupBy(attested, (one) => one.subject).values()];
  return [
    `## ✍️ Signed: ${count(attested.length, 'attestation')}`, '',
    `${count(subjects.length, 'subject')} · each read back from the registry and verified${reused > 0 ? ` · ${reused} of them from an earlier attempt of this run` : ''}`, '',
    '**Next:** judge it with <code>quarantine-gate</code>.', '', ...fence([`image: ${formatImage(image)}`], 'yaml'),
    ...table(['subject', 'digest', 'what is signed about it'], subjects.slice(0, mostSubjects).map((about) => rowOf(image, about))),
    ...whoSigned(image, signer, ownRoot), ...folded('Each attestation', eachAttestation(image, attested)),
  ].join('\n');
}

function rowOf(image: PinnedImage, about: readonly Attested[]): string[] {
  const [first] = about as [Attested];
  return [subjectOf(image, first), shortDigest(first.subject), about.slice(0, mostSubjects).map((one) => code(nameOf(one), 80)).join(' ')];
}

const nameOf = ({ predicateType }: Attested): string => names.get(predicateType) ?? predicateType;
const subjectOf = (image: PinnedImage, one: Attested): string => (one.subject === image.digest ? '**image**' : code(one.platform ?? 'platform'));

function whoSigned(image: PinnedImage, signer: SignerIdentity, ownRoot: boolean): string[] {
  if (signer.kind === 'key') return [`By the key ${code(signer.fingerprint)}.`, ''];
  const quoted = (text: string): string => `'${text.replace(/\s+/g, ' ').replaceAll("'", String.raw`'\''`)}'`;
  return [
    `By ${code(signer.identity)}. Anybody can verify it:`, '',
    ...fence(['cosign verify \\', ...(ownRoot ? ['  --trusted-root trusted_root.json --use-signed-timestamps \\'] : []), `  --certificate-identity ${quoted(signer.identity)} \\`, `  --certificate-oidc-issuer ${quoted(signer.issuer)} \\`, `  ${formatImage(image)}`], 'sh'),
  ];
}

function eachAttestation(image: PinnedImage, attested: readonly Attested[]): string[] {
  const row = (one: Attested): string[] => [subjectOf(image, one), code(one.predicateType, 120), code(one.attestation), prose(one.logIndex ?? '', 40), one.reused ? 'reused' : 'signed'];
  return table(['subject', 'predicate', 'attestation', 'log index', ''], attested.slice(0, mostSubjects * 4).map(row));
}
