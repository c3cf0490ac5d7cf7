// SPDX-License-Identifier: Apache-2.0
// Trust material: the certificate authorities, logs and timestamp authorities (and later keys) that verification believes.
import { Failure, type Context } from '@pratique/core';
import type { TrustedRoot } from '@sigstore/protobuf-specs';
import { readDocument } from './document.ts';
import { readPublicGood } from './public-good.ts';

/** A public key that may sign without a certificate. */
export interface TrustedKey {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

/** What verification believes. Made once, used for every bundle of a run. */
export interface TrustMaterial {
  /** Sigstore TrustedRoot; logs without a start of validity are already left out. */
  readonly root: TrustedRoot;
  /** Keys by the hint that bundles carry. Empty for keyless signing. */
  readonly keys: ReadonlyMap<string, TrustedKey>;
}

/**
 * Loads a Sigstore trusted root (v0.1): a file, an https URL or JSON; undefined = the public good instance, by TUF.
 * Fails with `SIGN_CONFIG_INVALID` or `SIGN_TRUST_UNAVAILABLE`.
 */
export async function loadTrustMaterial(ctx: Context, trustedRoot: string | undefined): Promise<TrustMaterial> {
  const document = trustedRoot === undefined ? await readPublicGood(ctx, 'trusted_root.json') : await readDocument(ctx, trustedRoot, 'trusted-root');
  const { TrustedRoot } = await import('@sigstore/protobuf-specs');
  const { toTrustMaterial } = await import('@sigstore/verify');
  try {
    const root = boundInTime(TrustedRoot.fromJSON(document));
    // Parses every certificate and key now: a broken root is a configuration error, not an untrusted attestation.
    toTrustMaterial(root);
    if (root.certificateAuthorities.length === 0 || root.tlogs.length === 0) throw new Error('it names no certificate authority or no transparency log with a start of validity');
    return { root, keys: new Map() };
  } catch (cause) {
    throw new Failure({ code: 'SIGN_CONFIG_INVALID', message: 'the trusted root cannot be used', hint: 'Make it with `cosign trusted-root create`, or leave the input trusted-root away for the public good instance.', cause });
  }
}

// A log without validFor.start would be believed for all time (sigstore-conformance, trust-root-tlog-missing-validity-start_fail).
function boundInTime(root: TrustedRoot): TrustedRoot {
  return { ...root, tlogs: root.tlogs.filter((log) => log.publicKey?.validFor?.start !== undefined) };
}
