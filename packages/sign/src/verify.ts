// SPDX-License-Identifier: Apache-2.0
// Verifies an attestation: signature, certificate, log entries and time by @sigstore/verify; and all that it leaves to its caller.
import { createHash } from 'node:crypto';
import { Failure, type Digest, type SignerIdentity } from '@pratique/core';
import type { Bundle } from '@sigstore/bundle';
import type { SignedEntity, Verifier } from '@sigstore/verify';
import { readBundle } from './bundle.ts';
import { readCertificateIdentity } from './certificate-identity.ts';
import { readStatement } from './statement.ts';
import type { TrustMaterial } from './trust.ts';

/** What a bundle proves. */
export interface VerifiedAttestation {
  readonly predicateType: string;
  readonly predicate: unknown;
  readonly signer: SignerIdentity;
  /** Earliest time that an authority or a log vouches for. */
  readonly trustedTime: Date;
  /** Digest of the payload bytes. */
  readonly payload: Digest;
  /** Index in the first log. */
  readonly logIndex: string;
}

/**
 * Verifies a bundle about `subject`. Thresholds: one log entry, one time, and one certificate timestamp when the trusted root names CT logs.
 * Fails with `ATTESTATION_MALFORMED`, `ATTESTATION_UNTRUSTED` or `ATTESTATION_SUBJECT_MISMATCH`. Roles are judged by policy, not here.
 */
export async function verifyAttestation(options: { readonly bundle: Uint8Array; readonly subject: Digest; readonly trust: TrustMaterial }): Promise<VerifiedAttestation> {
  const bundle = await readBundle(options.bundle);
  const { signer, trustedTime } = await believe(bundle, options.trust);
  const payload = bundle.content.dsseEnvelope.payload;
  const statement = readStatement(payload, options.subject);
  const logIndex = bundle.verificationMaterial.tlogEntries[0]?.logIndex ?? '';
  return { ...statement, signer, trustedTime, logIndex, payload: `sha256:${createHash('sha256').update(payload).digest('hex')}` };
}

async function believe(bundle: Bundle, trust: TrustMaterial): Promise<{ signer: SignerIdentity; trustedTime: Date }> {
  try {
    const { toSignedEntity } = await import('@sigstore/verify');
    const entity = toSignedEntity(bundle);
    (await verifierOf(trust)).verify(entity);
    const trustedTime = earliestTime(entity);
    requireLogsInTime(bundle, trust, trustedTime);
    return { signer: await signerOf(bundle, trust), trustedTime };
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    // Also bare errors of the parsers, such as "invalid time" of @sigstore/core 4.0.1: what cannot be read is not believed.
    throw new Failure({ code: 'ATTESTATION_UNTRUSTED', message: `the attestation does not verify: ${cause instanceof Error ? cause.message : String(cause)}`, cause });
  }
}

const verifiers = new WeakMap<TrustMaterial, Promise<Verifier>>();

/** One verifier per trust material: parsing the root costs more than a verification. */
function verifierOf(trust: TrustMaterial): Promise<Verifier> {
  const made = verifiers.get(trust) ?? makeVerifier(trust);
  verifiers.set(trust, made);
  return made;
}

async function makeVerifier(trust: TrustMaterial): Promise<Verifier> {
  const { toTrustMaterial, Verifier } = await import('@sigstore/verify');
  const { crypto } = await import('@sigstore/core');
  const findKey = (hint: string) => {
    const key = trust.keys.get(hint);
    if (key === undefined) throw new Error('the key is not trusted');
    const inTime = (time: Date): boolean => (key.notBefore === undefined || key.notBefore <= time) && (key.notAfter === undefined || time <= key.notAfter);
    return { publicKey: crypto.createPublicKey(Buffer.from(key.spki)), validFor: inTime };
  };
  const material = toTrustMaterial(trust.root, findKey);
  return new Verifier(material, { tlogThreshold: 1, ctlogThreshold: trust.root.ctlogs.length > 0 ? 1 : 0, timestampThreshold: 1 });
}

/** The same times that the verifier counted; the earliest, because anybody can have an old signature stamped again. */
function earliestTime(entity: SignedEntity): Date {
  const times = entity.timestamps.flatMap((stamp) => {
    if (stamp.$case === 'timestamp-authority') return [stamp.timestamp.signingTime.getTime()];
    return stamp.tlogEntry.inclusionPromise === undefined ? [] : [Number(stamp.tlogEntry.integratedTime) * 1000];
  });
  return new Date(Math.min(...times));
}

// @sigstore/verify 4.1.3 does not look at the validity of a log's key when it checks a checkpoint.
function requireLogsInTime(bundle: Bundle, trust: TrustMaterial, time: Date): void {
  for (const entry of bundle.verificationMaterial.tlogEntries) {
    const inTime = trust.root.tlogs.some((log) => {
      const id = log.checkpointKeyId?.keyId ?? log.logId?.keyId;
      const { start, end } = log.publicKey?.validFor ?? {};
      return id?.equals(entry.logId.keyId) === true && start !== undefined && start <= time && (end === undefined || time <= end);
    });
    if (!inTime) throw new Error('the key of the log was not valid at that time');
  }
}

async function signerOf(bundle: Bundle, trust: TrustMaterial): Promise<SignerIdentity> {
  const { content } = bundle.verificationMaterial;
  if (content.$case === 'publicKey') {
    const key = trust.keys.get(content.publicKey.hint);
    if (key === undefined) throw new Error('the key is not trusted');
    return { kind: 'key', fingerprint: `sha256:${createHash('sha256').update(key.spki).digest('hex')}` };
  }
  if (content.$case !== 'certificate') throw new Error('the bundle holds a certificate chain');
  const { X509Certificate } = await import('@sigstore/core');
  return readCertificateIdentity(X509Certificate.parse(Buffer.from(content.certificate.rawBytes)));
}
