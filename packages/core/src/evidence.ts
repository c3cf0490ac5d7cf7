// SPDX-License-Identifier: Apache-2.0
// The words of judging: findings, scans, statements, evidence, verdicts.
import type { FailureCode } from './failure.ts';
import type { Digest, PinnedImage, Platform } from './image.ts';

/** Severity as the scanner's chosen source gives it; what nobody rated is `unknown`, which is not low. */
export type Severity = 'critical' | 'high' | 'medium' | 'low' | 'negligible' | 'unknown';

/** One vulnerability in one package. The key of a finding is (id, purl or package, path). */
export interface Finding {
  readonly id: string;
  readonly aliases?: readonly string[];
  readonly package: string;
  readonly installed: string;
  /** Absent when no fixed version is known. */
  readonly fixed?: string;
  /** RFC 3339, when the fix became available, where the scanner knows it. */
  readonly fixDate?: string;
  readonly severity: Severity;
  /** `os` for distribution packages, `language` for npm, pip, Go and others. */
  readonly class: 'os' | 'language';
  readonly purl?: string;
  readonly path?: string;
  readonly title?: string;
  readonly url?: string;
  /** RFC 3339, when the advisory was published. */
  readonly published?: string;
}

/** Predicate of our own type `scan/v1`: one scanner's look at one platform. What the gate reads. */
export interface ScanPredicate {
  readonly platform: string;
  /** Digest of the image config that the report speaks of. */
  readonly configDigest: Digest;
  readonly diffIds: readonly Digest[];
  readonly packageCount: number;
  /** Distribution as the scanner named it, e.g. `debian 12.15`; absent on images without one. */
  readonly os?: string;
  readonly scanner: { readonly name: string; readonly version: string };
  readonly database: { readonly digest?: Digest; readonly version?: string; readonly updatedAt: string };
  readonly startedAt: string;
  readonly finishedAt: string;
  /** Digest of the raw report. */
  readonly report: Digest;
  /** `none`: Dockerfile, scanner and registry credentials shared one job. `job`: each had its own. */
  readonly isolation: 'none' | 'job';
  readonly findings: readonly Finding[];
}

/** Predicate types that this project writes or reads. */
export const predicateTypes = {
  signature: 'https://sigstore.dev/cosign/sign/v1',
  provenance: 'https://slsa.dev/provenance/v1',
  scan: 'https://pratique.dev/attestation/scan/v1',
  vulnerabilities: 'https://in-toto.io/attestation/vulns/v0.2',
  cyclonedx: 'https://cyclonedx.org/bom',
  spdx: 'https://spdx.dev/Document/v2.3',
  tests: 'https://in-toto.io/attestation/test-result/v0.1',
  verdict: 'https://slsa.dev/verification_summary/v1',
  deployment: 'https://pratique.dev/attestation/deployment/v1',
} as const;

/** Who may say what. */
export type TrustRole = 'build' | 'scan' | 'gate' | 'deploy' | 'policy';

/** Who signed, as the certificate or key proves it. */
export type SignerIdentity =
  | { readonly kind: 'keyless'; readonly issuer: string; readonly identity: string; readonly extensions: Readonly<Record<string, string>> }
  | { readonly kind: 'key'; readonly fingerprint: Digest };

/** A statement whose signature, time, subject and signer were verified. */
export interface VerifiedStatement {
  /** Digest of the manifest that the statement is about. */
  readonly subject: Digest;
  readonly predicateType: string;
  readonly predicate: unknown;
  readonly signer: SignerIdentity;
  /** Roles that `trust` gives to this signer; empty when it has none. */
  readonly roles: readonly TrustRole[];
  /** From a timestamp authority or the log, never from the statement itself. */
  readonly trustedTime: Date;
  /** Digest of the referrer manifest that holds the bundle. */
  readonly attestation: Digest;
}

/** A referrer that was not believed, and why. */
export interface DisbelievedReferrer {
  readonly attestation: Digest;
  readonly subject: Digest;
  readonly artifactType?: string;
  /** What it states, where its signature verifies and only its signer may not say it. */
  readonly predicateType?: string;
  readonly code: FailureCode;
  readonly reason: string;
}

/** One runnable platform of an image. For an image without index, `digest` is the image itself. */
export interface ImagePlatform {
  readonly platform: Platform;
  readonly digest: Digest;
  readonly configDigest: Digest;
  readonly diffIds: readonly Digest[];
}

/** Everything that is known, and proven, about one image. */
export interface Evidence {
  readonly image: PinnedImage;
  /** Version annotation of the index (`org.opencontainers.image.version`), part of the digest. */
  readonly version?: string;
  readonly revision?: string;
  readonly source?: string;
  readonly platforms: readonly ImagePlatform[];
  readonly statements: readonly VerifiedStatement[];
  readonly disbelieved: readonly DisbelievedReferrer[];
  readonly collectedAt: Date;
}

/** Where a verdict counts. */
export type Channel = 'release' | 'preview';

/** One reason of a verdict. `deny` refuses; `warn` is told; `info` explains (an exception that was used, for example). */
export interface Reason {
  readonly effect: 'deny' | 'warn' | 'info';
  readonly code: FailureCode;
  /** Name of the policy rule. */
  readonly rule: string;
  /** Digest or platform or finding that it is about. */
  readonly subject: string;
  readonly message: string;
  readonly mend: string;
  /** The attestation that shows it. */
  readonly evidence?: Digest;
  readonly finding?: Finding;
  /** Where the rule stands. */
  readonly policy?: { readonly file: string; readonly line: number };
}

/** The gate's answer. It is a value: a refusal is not an error. */
export interface Verdict {
  readonly result: 'passed' | 'refused';
  readonly channel: Channel;
  readonly reasons: readonly Reason[];
  readonly policy: { readonly uri: string; readonly digest: Digest };
  /** Attestations that the verdict rests on. */
  readonly inputs: readonly Digest[];
  readonly decidedAt: Date;
  readonly validUntil: Date;
}
