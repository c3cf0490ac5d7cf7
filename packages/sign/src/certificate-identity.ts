// SPDX-License-Identifier: Apache-2.0
// Reads who signed from a Fulcio certificate: the URI of the subject alternative name and Fulcio's extensions.
import type { SignerIdentity } from '@pratique/core';
import type { X509Certificate } from '@sigstore/core';

const arc = '1.3.6.1.4.1.57264.1';

/** Fulcio's extensions by the names used in trust.yaml (https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md). From 8 on they are DER UTF8Strings. */
const extensionNames: Readonly<Record<string, number>> = {
  buildSigner: 9, runnerEnvironment: 11, sourceRepository: 12, sourceDigest: 13, sourceRef: 14, sourceRepositoryId: 15,
  ownerId: 17, buildConfig: 18, event: 20, run: 21, visibility: 22,
};

/** The identity in a certificate, whoever issued it: verify the chain first. Throws a plain `Error` when it has no name or issuer. */
export function readCertificateIdentity(certificate: X509Certificate): Extract<SignerIdentity, { kind: 'keyless' }> {
  const identity = certificate.subjectAltName;
  // 1.3.6.1.4.1.57264.1.1 (raw bytes) is what certificates before Fulcio 1.0 carry.
  const issuer = utf8Extension(certificate, 8) ?? certificate.extension(`${arc}.1`)?.value.toString('utf8');
  if (!identity || !issuer) throw new Error('the certificate names no identity or no issuer');
  const named = Object.entries(extensionNames).map(([name, number]) => [name, utf8Extension(certificate, number)] as const);
  const extensions = Object.fromEntries(named.filter((entry): entry is readonly [string, string] => entry[1] !== undefined));
  return { kind: 'keyless', issuer, identity, extensions: { issuer, ...extensions } };
}

function utf8Extension(certificate: X509Certificate, number: number): string | undefined {
  const found = certificate.extension(`${arc}.${number}`);
  if (found === undefined) return undefined;
  const text = found.valueObj.subs[0];
  if (found.valueObj.subs.length !== 1 || text?.tag.number !== 0x0c) throw new Error(`extension ${arc}.${number} is not one UTF8String`);
  return text.value.toString('utf8');
}
