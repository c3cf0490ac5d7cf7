// SPDX-License-Identifier: Apache-2.0
// The job summary: what was attested about which subject.
import { escapeMarkdown, formatImage, type PinnedImage, type SignerIdentity } from '@pratique/core';
import type { Attested } from '@pratique/sign';

/** Markdown; every cell escaped. */
export function summarize(image: PinnedImage, signer: SignerIdentity, attested: readonly Attested[]): string {
  const reused = attested.filter((one) => one.reused).length;
  const who = signer.kind === 'keyless' ? `${signer.identity} (${signer.issuer})` : signer.fingerprint;
  const rows = attested.map((one) => [
    one.subject === image.digest ? 'image' : (one.platform ?? 'platform'), short(one.subject), one.predicateType, one.logIndex ?? '', short(one.attestation), one.reused ? 'reused' : 'signed',
  ]);
  return [
    `## ✍️ Signed: ${attested.length} attestations`, '', `<code>${escapeMarkdown(formatImage(image))}</code>`, '',
    `By ${escapeMarkdown(who)}${reused > 0 ? `, ${reused} of them from an earlier attempt of this run` : ''}. Each was read back from the registry and verified.`, '',
    '| subject | digest | predicate | log index | attestation | |', '|---|---|---|---|---|---|',
    ...rows.map((row) => `| ${row.map(escapeMarkdown).join(' | ')} |`), '',
  ].join('\n');
}

function short(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12);
}
