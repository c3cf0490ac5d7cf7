// SPDX-License-Identifier: Apache-2.0
// Signers as text.
import type { SignerIdentity } from './evidence.ts';

/** The identity of the certificate, or the fingerprint of the key. */
export function formatSigner(signer: SignerIdentity): string {
  return signer.kind === 'keyless' ? signer.identity : signer.fingerprint;
}

/** For narrow places: `https://github.com/acme/app/.github/workflows/gate.yml@refs/tags/v1` becomes `acme/app gate.yml@refs/tags/v1`. */
export function shortenSigner(signer: SignerIdentity): string {
  const text = formatSigner(signer);
  const workflow = /^https:\/\/[^/]+\/([^/]+\/[^/]+)\/\.github\/workflows\/(.+)$/.exec(text);
  return workflow ? `${workflow[1]} ${workflow[2]}` : text;
}
